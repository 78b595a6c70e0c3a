import CoupletLosses
import CoupletTensors
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct GaussianPairTests {
    @Test func correlationsAndInformationOfAKnownPair() throws {
        let correlations = [0.9, 0.75, 0.4, 0]
        let covariance = GaussianReference.covariance(correlations, first: 6, second: 4)
        let pair = try GaussianPair(covariance)
        for (found, given) in zip(pair.correlations, correlations) { #expect(abs(found - given) <= 1e-12) }
        let rebuilt = pair.firstDirections * .diagonal(pair.correlations) * pair.secondDirections.transposed
        #expect(
            (pair.first.root * rebuilt * pair.second.root - covariance.uv).frobeniusNorm <= 1e-11
                * covariance.uv.frobeniusNorm)
        // I = ½ log (det Cuu det Cvv / det C), by Cholesky factors of the three.
        let information =
            try 0.5
            * (logDeterminant(covariance.uu) + logDeterminant(covariance.vv) - logDeterminant(whole(covariance)))
        #expect(abs(pair.mutualInformation - information) <= 1e-10)
    }

    /// The conditional law against the block inverse of the joint precision: cov(u|v) = (Λ_uu)⁻¹, E[u|v] = -(Λ_uu)⁻¹ Λ_uv v.
    @Test func conditionalsAreThoseOfTheJointPrecision() throws {
        let covariance = GaussianReference.covariance([0.9, 0.5, 0.2], first: 5, second: 3)
        let pair = try GaussianPair(covariance), precision = try whole(covariance).inverse()
        let uu = block(precision, 0..<5, 0..<5), uv = block(precision, 0..<5, 5..<8),
            vv = block(precision, 5..<8, 5..<8)
        try expectEqual(pair.firstGivenSecond, mean: -1 * uu.solve(uv), covariance: uu.inverse())
        try expectEqual(pair.secondGivenFirst, mean: -1 * vv.solve(uv.transposed), covariance: vv.inverse())
    }

    /// The laws of affine encoders against Bayes's rule in natural parameters: the tilt adds S to log N(0, Cuu), a quadratic in u.
    @Test(arguments: [Similarity.innerProduct, .quadratic])
    func learnedConditionalsFollowFromTheTilt(_ similarity: Similarity) throws {
        let covariance = GaussianReference.covariance([0.9, 0.5, 0.2], first: 4, second: 3), temperature = 0.3
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
        let ordinary = try #require(try tilt.firstGivenSecond()), swapped = try #require(try tilt.secondGivenFirst())
        for number in 20..<25 as Range<UInt64> {
            let u = GaussianReference.normals(1, 4, number: number).elements,
                v = GaussianReference.normals(1, 3, number: number + 50).elements
            // log ρ(u|v) + ½ (u - m)ᵀ C⁻¹ (u - m) is the same for every u.
            func rest(_ u: [Double]) throws -> Double {
                try score(u, v) - 0.5 * squared(u, covariance.uu) + 0.5
                    * squared(zip(u, ordinary.mean(given: v)).map(-), ordinary.covariance)
            }
            let zero = [Double](repeating: 0, count: 4)
            #expect(try abs(rest(u) - rest(zero)) <= 1e-10)
            func otherRest(_ v: [Double]) throws -> Double {
                try score(u, v) - 0.5 * squared(v, covariance.vv) + 0.5
                    * squared(zip(v, swapped.mean(given: u)).map(-), swapped.covariance)
            }
            #expect(try abs(otherRest(v) - otherRest([0, 0, 0])) <= 1e-10)
        }
    }

    /// Quadratic conditional(1, 0) has conditional mean and covariance exact where e reaches the rank of R; the inner
    /// product has the mean, and keeps Cuu.
    @Test func minimisersHaveTheConditionalsThatTheTheoryClaims() throws {
        let covariance = GaussianReference.covariance([0.9, 0.5, 0.2], first: 5, second: 3)
        let pair = try GaussianPair(covariance)
        func learned(_ similarity: Similarity, _ loss: Loss) throws -> GaussianTilt {
            let (g, h) = try #require(GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: 3)).encoders(
                temperature: 0.5)
            return GaussianTilt(pair, similarity: similarity, first: g, second: h, temperature: 0.5)
        }
        let exact = pair.firstGivenSecond, exactSwapped = pair.secondGivenFirst
        let forward = try #require(try learned(.quadratic, .conditional(first: 1, second: 0)).firstGivenSecond())
        expectEqual(forward, mean: exact.meanMap, covariance: exact.covariance)
        let backward = try #require(try learned(.quadratic, .conditional(first: 0, second: 1)).secondGivenFirst())
        expectEqual(backward, mean: exactSwapped.meanMap, covariance: exactSwapped.covariance)
        let inner = try #require(try learned(.innerProduct, .conditional(first: 0.5, second: 0.5)).firstGivenSecond())
        expectEqual(inner, mean: exact.meanMap, covariance: covariance.uu)
    }

    /// u = M x with x of fewer dimensions: the pair is described where it moves, and its conditionals are M's image of the
    /// small ones.
    @Test func singularCovariancesAreDescribedWhereTheyMove() throws {
        let small = GaussianReference.covariance([0.8, 0.3], first: 3, second: 2)
        let m = GaussianReference.normals(5, 3, number: 31)
        let pair = try GaussianPair(GaussianCovariance(uu: m * small.uu * m.transposed, uv: m * small.uv, vv: small.vv))
        let inside = try GaussianPair(small)
        #expect(pair.first.rank == 3)
        for (a, b) in zip(pair.correlations, inside.correlations) { #expect(abs(a - b) <= 1e-8) }
        expectEqual(
            pair.firstGivenSecond, mean: m * inside.firstGivenSecond.meanMap,
            covariance: m * inside.firstGivenSecond.covariance * m.transposed,
            tolerance: 1e-8)
        let x = GaussianReference.normals(3, 1, number: 32)
        let mean = pair.secondGivenFirst.mean(given: (m * x).elements),
            expected = inside.secondGivenFirst.mean(given: x.elements)
        for (a, b) in zip(mean, expected) { #expect(abs(a - b) <= 1e-8) }
    }

    @Test func whatIsNoCovarianceIsNamed() {
        let one = Matrix.identity(2)
        func block(_ covariance: GaussianCovariance) -> String? {
            do { _ = try GaussianPair(covariance) } catch { return (error as? GaussianCovarianceError)?.block }
            return nil
        }
        #expect(block(GaussianCovariance(uu: one, uv: 1.2 * one, vv: one)) == "uu, uv, vv")
        #expect(block(GaussianCovariance(uu: .diagonal([1, -1]), uv: one, vv: one)) == "uu")
        #expect(
            block(GaussianCovariance(uu: one, uv: one, vv: Matrix(rows: 2, columns: 2, elements: [1, 0.5, 0, 1])))
                == "vv")
        #expect(block(GaussianCovariance(uu: one, uv: 0.5 * one, vv: .diagonal([1, 0]))) == "uv")
        #expect(block(GaussianCovariance(uu: one, uv: Matrix(rows: 2, columns: 3), vv: one)) == "uv")
        #expect(block(GaussianCovariance(uu: .diagonal([1, .nan]), uv: one, vv: one)) == "uu")
        #expect(block(GaussianCovariance(uu: one, uv: 0.5 * one, vv: one)) == nil)
    }

    // MARK: -

    private func expectEqual(
        _ law: GaussianConditional, mean: Matrix, covariance: Matrix, tolerance: Double = 1e-10,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect((law.meanMap - mean).frobeniusNorm <= tolerance * (1 + mean.frobeniusNorm), sourceLocation: location)
        #expect(
            (law.covariance - covariance).frobeniusNorm <= tolerance * (1 + covariance.frobeniusNorm),
            sourceLocation: location)
    }

    private func encode(_ weight: Matrix, _ bias: [Double], _ x: [Double]) -> [Double] {
        zip((weight * Matrix(rows: x.count, columns: 1, elements: x)).elements, bias).map(+)
    }

    private func squared(_ x: [Double], _ covariance: Matrix) throws -> Double {
        let column = Matrix(rows: x.count, columns: 1, elements: x)
        return try (column.transposed * covariance.solve(column))[0, 0]
    }

    private func logDeterminant(_ a: Matrix) throws -> Double {
        try 2 * a.choleskyFactor().diagonal.reduce(0) { $0 + log($1) }
    }

    private func block(_ a: Matrix, _ rows: Range<Int>, _ columns: Range<Int>) -> Matrix {
        Matrix(rows: rows.count, columns: columns.count, elements: rows.flatMap { i in columns.map { a[i, $0] } })
    }

    private func whole(_ covariance: GaussianCovariance) -> Matrix {
        let m = covariance.uu.rows, n = covariance.vv.rows
        var result = Matrix(rows: m + n, columns: m + n)
        for i in 0..<m { for j in 0..<m { result[i, j] = covariance.uu[i, j] } }
        for i in 0..<n { for j in 0..<n { result[m + i, m + j] = covariance.vv[i, j] } }
        for i in 0..<m {
            for j in 0..<n { result[i, m + j] = covariance.uv[i, j]; result[m + j, i] = covariance.uv[i, j] }
        }
        return result
    }
}
