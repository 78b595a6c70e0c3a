import CoupletTensors
import Testing

@Suite struct GaussianMarginalTests {
    @Test func pointsAreMeanPlusFactorTimesNormals() {
        let numbers = Philox(seed: 1).normals(5 * 3 + 4 * 3, .source, number: 0).map(Double.init)
        let factor = Matrix(rows: 5, columns: 3, elements: Array(numbers[..<15]))
        let normals = Matrix(rows: 4, columns: 3, elements: Array(numbers[15...])), mean = [1.0, -2, 0, 4, 0.5]
        let marginal = GaussianMarginal(mean: mean, factor: factor), points = marginal.points(normals)
        #expect(points.shape == [4, 5] && marginal.dimension == 5 && marginal.normalCount == 3)
        for row in 0..<4 {
            for i in 0..<5 {
                let exact = mean[i] + (0..<3).reduce(0) { $0 + factor[i, $1] * normals[row, $1] }
                #expect(abs(Double(points[row * 5 + i]) - exact) <= 1e-6)
            }
        }
        #expect((marginal.covariance - factor * factor.transposed).frobeniusNorm <= 1e-12)
        let standard = GaussianMarginal.standard(3)
        #expect(standard.points(normals).values == normals.elements.map(Float.init))
    }

    @Test func covarianceHasItsSymmetricRootAsFactor() throws {
        let covariance = Matrix(rows: 2, columns: 2, elements: [2, 0.6, 0.6, 1])
        let marginal = try GaussianMarginal(covariance: covariance)
        #expect((marginal.covariance - covariance).frobeniusNorm <= 1e-12 && marginal.mean == [0, 0])
        #expect((marginal.factor - marginal.factor.transposed).frobeniusNorm <= 1e-12)
        #expect(throws: GaussianCovarianceError.self) {
            try GaussianMarginal(covariance: Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 1]))
        }
    }
}
