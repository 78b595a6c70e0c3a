import CoupletLosses
import CoupletTensors
import TestSupport
import Testing

@Suite struct GaussianTiltTests {
    /// Bayes's rule: the tilt adds S to log N(0, Cuu), so log ρ(u|v) + ½ (u - m)ᵀ C⁻¹ (u - m) is the same for every u.
    @Test(arguments: [Similarity.innerProduct, .quadratic])
    func conditionalsFollowFromTheTilt(_ similarity: Similarity) throws {
        let covariance = GaussianCovariance.withCorrelations([0.9, 0.5, 0.2], first: 4, second: 3), temperature = 0.3
        let pair = try GaussianPair(covariance)
        let g = 0.2 * GaussianReference.normals(2, 4, number: 5), h = 0.2 * GaussianReference.normals(2, 3, number: 6)
        let b = [0.3, -0.2], c = [0.1, 0.4]
        let tilt = GaussianTilt(
            pair, similarity: similarity, first: g, second: h, firstBias: b, secondBias: c, temperature: temperature)
        func score(_ u: [Double], _ v: [Double]) -> Double {
            let x = encode(g, b, u), y = encode(h, c, v)
            let product = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
            let distance = zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let value = similarity == .innerProduct ? product : -0.5 * distance
            return value / temperature
        }
        let firstGivenSecond = try #require(try tilt.firstGivenSecond())
        let secondGivenFirst = try #require(try tilt.secondGivenFirst())
        for number in 20..<25 as Range<UInt64> {
            let u = GaussianReference.normals(1, 4, number: number).elements
            let v = GaussianReference.normals(1, 3, number: number + 50).elements
            func firstRemainder(_ u: [Double]) throws -> Double {
                let deviation = zip(u, firstGivenSecond.mean(given: v)).map(-)
                return try score(u, v) - 0.5 * squared(u, covariance.uu)
                    + 0.5 * squared(deviation, firstGivenSecond.covariance)
            }
            #expect(try abs(firstRemainder(u) - firstRemainder([0, 0, 0, 0])) <= 1e-10)
            func secondRemainder(_ v: [Double]) throws -> Double {
                let deviation = zip(v, secondGivenFirst.mean(given: u)).map(-)
                return try score(u, v) - 0.5 * squared(v, covariance.vv)
                    + 0.5 * squared(deviation, secondGivenFirst.covariance)
            }
            #expect(try abs(secondRemainder(v) - secondRemainder([0, 0, 0])) <= 1e-10)
        }
    }

    /// If e is the rank of R, quadratic conditional(1, 0) has the exact conditional mean and covariance; the inner
    /// product has the exact mean and the covariance Cuu.
    @Test func minimisersHaveTheConditionalsOfTheTheory() throws {
        let covariance = GaussianCovariance.withCorrelations([0.9, 0.5, 0.2], first: 5, second: 3)
        let pair = try GaussianPair(covariance)
        func learned(_ similarity: Similarity, _ loss: any Loss) throws -> GaussianTilt {
            let minimizer = try #require(GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: 3))
            let (g, h) = minimizer.encoders(temperature: 0.5)
            return GaussianTilt(pair, similarity: similarity, first: g, second: h, temperature: 0.5)
        }
        let first = pair.firstGivenSecond, second = pair.secondGivenFirst
        let learnedFirst = try #require(try learned(.quadratic, .conditional(first: 1, second: 0)).firstGivenSecond())
        #expect(learnedFirst.error(mean: first.meanMap, covariance: first.covariance) <= 1e-10)
        let learnedSecond = try #require(try learned(.quadratic, .conditional(first: 0, second: 1)).secondGivenFirst())
        #expect(learnedSecond.error(mean: second.meanMap, covariance: second.covariance) <= 1e-10)
        let inner = try #require(try learned(.innerProduct, .conditional(first: 0.5, second: 0.5)).firstGivenSecond())
        #expect(inner.error(mean: first.meanMap, covariance: covariance.uu) <= 1e-10)
    }

    // MARK: - Helpers

    private func encode(_ weight: Matrix, _ bias: [Double], _ x: [Double]) -> [Double] {
        zip((weight * Matrix(rows: x.count, columns: 1, elements: x)).elements, bias).map(+)
    }

    /// xᵀ C⁻¹ x.
    private func squared(_ x: [Double], _ covariance: Matrix) throws -> Double {
        let column = Matrix(rows: x.count, columns: 1, elements: x)
        return try (column.transposed * covariance.solve(column))[0, 0]
    }
}
