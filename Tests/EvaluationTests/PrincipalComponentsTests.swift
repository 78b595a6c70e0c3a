import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct PrincipalComponentsTests {
    /// Points on an ellipse in a plane of four dimensions, with the mean (1, 2, 3, 4).
    @Test func directionsOfAnEllipse() throws {
        let count = 360, a = [0.5, 0.5, 0.5, 0.5], b = [0.5, -0.5, 0.5, -0.5]
        var points = Matrix(rows: count, columns: 4)
        for row in 0..<count {
            let angle = 2 * Double.pi * Double(row) / Double(count)
            for column in 0..<4 {
                points[row, column] = Double(column + 1) + 3 * cos(angle) * a[column] + sin(angle) * b[column]
            }
        }
        let components = try PrincipalComponents(of: points, count: 2)
        for (found, wanted) in zip(components.mean, [1.0, 2, 3, 4]) { #expect(abs(found - wanted) <= 1e-12) }
        // cos² and sin² have the mean 1/2.
        #expect(abs(components.variances[0] - 4.5) <= 1e-12 && abs(components.variances[1] - 0.5) <= 1e-12)
        #expect(abs(components.totalVariance - 5) <= 1e-12)
        #expect(abs(components.share(0) - 0.9) <= 1e-12 && abs(components.share(1) - 0.1) <= 1e-12)
        for (direction, wanted) in zip(components.directions, [a, b]) {
            let product = zip(direction, wanted).map { $0 * $1 }.reduce(0, +)
            #expect(abs(abs(product) - 1) <= 1e-12)
        }
        let coordinates = components.coordinates(of: points)
        #expect(abs(abs(coordinates[0, 0]) - 3) <= 1e-12 && abs(coordinates[0, 1]) <= 1e-12)
        #expect(abs(abs(coordinates[90, 1]) - 1) <= 1e-12 && abs(coordinates[90, 0]) <= 1e-12)
    }

    @Test func equalPointsHaveNoVariance() throws {
        let components = try PrincipalComponents(
            of: Matrix(rows: 3, columns: 2, elements: [1, 2, 1, 2, 1, 2]), count: 2)
        #expect(components.variances == [0, 0] && components.share(0) == 0 && components.totalVariance == 0)
    }
}
