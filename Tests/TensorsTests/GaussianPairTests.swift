import CoupletTensors
import Glibc
import TestSupport
import Testing

@Suite struct GaussianPairTests {
    @Test func correlationsAndMutualInformationOfAKnownPair() throws {
        let correlations = [0.9, 0.75, 0.4, 0]
        let covariance = GaussianCovariance.withCorrelations(correlations, first: 6, second: 4)
        let pair = try GaussianPair(covariance)
        for (found, given) in zip(pair.correlations, correlations) { #expect(abs(found - given) <= 1e-12) }
        let rebuilt = pair.firstDirections * .diagonal(pair.correlations) * pair.secondDirections.transposed
        let error = (pair.first.root * rebuilt * pair.second.root - covariance.uv).frobeniusNorm
        #expect(error <= 1e-11 * covariance.uv.frobeniusNorm)
        // I = ½ log (det Cuu det Cvv / det C), by Cholesky factors.
        let logDeterminants = try [covariance.uu, covariance.vv, joint(covariance)].map(logDeterminant)
        let information = 0.5 * (logDeterminants[0] + logDeterminants[1] - logDeterminants[2])
        #expect(abs(pair.mutualInformation - information) <= 1e-10)
    }

    /// The block inverse of the joint precision Λ: cov(u|v) = (Λ_uu)⁻¹, E[u|v] = -(Λ_uu)⁻¹ Λ_uv v.
    @Test func conditionalsAreThoseOfTheJointPrecision() throws {
        let covariance = GaussianCovariance.withCorrelations([0.9, 0.5, 0.2], first: 5, second: 3)
        let pair = try GaussianPair(covariance), precision = try joint(covariance).inverse()
        let uu = block(precision, 0..<5, 0..<5), uv = block(precision, 0..<5, 5..<8)
        let vv = block(precision, 5..<8, 5..<8)
        #expect(try pair.firstGivenSecond.error(mean: -1 * uu.solve(uv), covariance: uu.inverse()) <= 1e-10)
        #expect(try pair.secondGivenFirst.error(mean: -1 * vv.solve(uv.transposed), covariance: vv.inverse()) <= 1e-10)
    }

    /// u = M x with x of fewer dimensions. u has the correlations of x, and M maps the conditionals of x to the
    /// conditionals of u.
    @Test func singularCovariancesAreDescribedInTheirSubspace() throws {
        let small = GaussianCovariance.withCorrelations([0.8, 0.3], first: 3, second: 2)
        let m = Matrix.normal(rows: 5, columns: 3, seed: 20_250_524, number: 31)
        let pair = try GaussianPair(GaussianCovariance(uu: m * small.uu * m.transposed, uv: m * small.uv, vv: small.vv))
        let inside = try GaussianPair(small)
        #expect(pair.first.rank == 3)
        for (a, b) in zip(pair.correlations, inside.correlations) { #expect(abs(a - b) <= 1e-8) }
        let error = pair.firstGivenSecond.error(
            mean: m * inside.firstGivenSecond.meanMap, covariance: m * inside.firstGivenSecond.covariance * m.transposed
        )
        #expect(error <= 1e-8)
        let x = Matrix.normal(rows: 3, columns: 1, seed: 20_250_524, number: 32)
        let mean = pair.secondGivenFirst.mean(given: (m * x).elements)
        for (a, b) in zip(mean, inside.secondGivenFirst.mean(given: x.elements)) { #expect(abs(a - b) <= 1e-8) }
    }

    @Test func errorsNameTheBlock() {
        let one = Matrix.identity(2)
        func block(_ covariance: GaussianCovariance) -> String? {
            thrownError(GaussianCovarianceError.self) { _ = try GaussianPair(covariance) }?.block
        }
        #expect(block(GaussianCovariance(uu: one, uv: 1.2 * one, vv: one)) == "uu, uv, vv")
        #expect(block(GaussianCovariance(uu: .diagonal([1, -1]), uv: one, vv: one)) == "uu")
        let asymmetric = Matrix(rows: 2, columns: 2, elements: [1, 0.5, 0, 1])
        #expect(block(GaussianCovariance(uu: one, uv: one, vv: asymmetric)) == "vv")
        #expect(block(GaussianCovariance(uu: one, uv: 0.5 * one, vv: .diagonal([1, 0]))) == "uv")
        #expect(block(GaussianCovariance(uu: one, uv: Matrix(rows: 2, columns: 3), vv: one)) == "uv")
        #expect(block(GaussianCovariance(uu: .diagonal([1, .nan]), uv: one, vv: one)) == "uu")
        #expect(block(GaussianCovariance(uu: one, uv: 0.5 * one, vv: one)) == nil)
    }

    // MARK: - Helpers

    private func logDeterminant(_ a: Matrix) throws -> Double {
        try 2 * a.choleskyFactor().diagonal.reduce(0) { $0 + log($1) }
    }

    private func block(_ a: Matrix, _ rows: Range<Int>, _ columns: Range<Int>) -> Matrix {
        Matrix(rows: rows.count, columns: columns.count, elements: rows.flatMap { i in columns.map { a[i, $0] } })
    }

    /// The covariance of (u, v) as one matrix.
    private func joint(_ covariance: GaussianCovariance) -> Matrix {
        let m = covariance.uu.rows, n = covariance.vv.rows
        var result = Matrix(rows: m + n, columns: m + n)
        for i in 0..<m { for j in 0..<m { result[i, j] = covariance.uu[i, j] } }
        for i in 0..<n { for j in 0..<n { result[m + i, m + j] = covariance.vv[i, j] } }
        for i in 0..<m {
            for j in 0..<n {
                result[i, m + j] = covariance.uv[i, j]
                result[m + j, i] = covariance.uv[i, j]
            }
        }
        return result
    }
}
