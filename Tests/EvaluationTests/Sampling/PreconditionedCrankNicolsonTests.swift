import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Glibc
import Testing

@Suite struct PreconditionedCrankNicolsonTests {
    /// Compares expectations with quadrature, for a density with two modes of different height and a marginal with a
    /// nonzero mean.
    @Test func nonGaussianDensityMatchesQuadrature() throws {
        let (m, s) = (0.4, 1.3), score = PairScore(similarity: .cosine, temperature: 0.4), given: [Float] = [-0.35, 1]
        // g(u) = (1, u² - u/4 - 1): two values of u have the same cosine, but different marginal densities.
        func encoding(_ u: Double) -> [Float] { [1, Float(u * u - 0.25 * u - 1)] }
        let marginal = GaussianMarginal(mean: [m], factor: Matrix(rows: 1, columns: 1, elements: [s]))
        var sampler = PreconditionedCrankNicolson(marginal, seed: 8)
        sampler.minimumDraws = 2_000
        let draws = try sampler.draws(queries: [4], count: 1) { points in
            score.scores(
                Tensor([points.rows, 2], points.values.flatMap { encoding(Double($0)) }),
                Tensor([points.rows, 2], points.values.flatMap { _ in given }))
        }[0]
        let grid = stride(from: m - 8 * s, through: m + 8 * s, by: 1e-3).map { $0 }
        func logDensity(_ u: Double) -> Double {
            GalleryFixture.score(encoding(u), given, .cosine) / 0.4 - 0.5 * pow((u - m) / s, 2)
        }
        let densities = grid.map { exp(logDensity($0)) }, total = densities.reduce(0, +)
        func expectation(_ f: (Double) -> Double) -> Double {
            zip(grid, densities).reduce(0) { $0 + f($1.0) * $1.1 } / total
        }
        for f in [{ $0 }, { $0 * $0 }, { $0 < 0 ? 1.0 : 0 }, { $0 > 1.5 ? 1.0 : 0 }] as [(Double) -> Double] {
            let values = (0..<8).map { chain in (0..<2_000).map { f(Double(draws.draws[chain * 2_000 + $0])) } }
            let mean = values.reduce(0) { $0 + $1.reduce(0, +) } / 16_000
            let (size, error) = ChainDiagnostics.effectiveSampleSize(values)
            #expect(size >= 8_000 && abs(mean - expectation(f)) <= 4 * error, "\(mean), \(expectation(f)), \(error)")
        }
        let highest = zip(grid, densities).max { $0.1 < $1.1 }!.0
        #expect(abs(Double(draws.mode[0]) - highest) <= 0.01)
        #expect(draws.rHat <= 1.01)
    }

    /// With a constant likelihood the target is the marginal, and all proposals are accepted.
    @Test func constantLikelihoodGivesTheMarginal() throws {
        let sampler = PreconditionedCrankNicolson(
            GaussianMarginal(mean: [2, -1], factor: .diagonal([0.5, 2])), seed: 2)
        let draws = try sampler.draws(queries: [0], count: 100) { [Double](repeating: 0.7, count: $0.rows) }[0]
        // The correlation from step to step is √(1-β²) = 0.44, so four steps make draws about independent.
        #expect(
            abs(draws.acceptance - 1) <= 1e-9 && abs(draws.stepSize - 0.9) <= 1e-12 && (3...6).contains(draws.thinning))
        let moments = ConditionalMoments(draws: draws.draws)
        #expect(abs(moments.mean[0] - 2) <= 4 * 0.5 / 40 && abs(moments.mean[1] + 1) <= 4 * 2 / 40)
        #expect(abs(moments.variance[0] / 0.25 - 1) <= 0.2 && abs(moments.variance[1] / 4 - 1) <= 0.2)
        #expect(abs(draws.mode[0] - 2) <= 0.01 && abs(draws.mode[1] + 1) <= 0.03)
    }

    /// A linear Φ shifts a Gaussian: u ~ N(m + F Fᵀ a, F Fᵀ). The factor has fewer columns than rows, and the chains as
    /// many dimensions.
    @Test func chainsRunInTheNormalNumbers() throws {
        let factor = Matrix(rows: 4, columns: 2, elements: [1, 0.5, -0.3, 0.8, 0, 1.5, 0.7, 0]),
            slope = [0.4, -1, 0.6, 1]
        let marginal = GaussianMarginal(mean: [1, 0, -1, 2], factor: factor)
        var sampler = PreconditionedCrankNicolson(marginal, seed: 6)
        sampler.findsMode = false
        let draws = try sampler.draws(queries: [0], count: 8_000) { points in
            (0..<points.rows).map { row in (0..<4).reduce(0) { $0 + slope[$1] * Double(points[row * 4 + $1]) } }
        }[0]
        #expect(draws.normals.shape == [8, 1_000, 2] && draws.draws.shape == [8, 1_000, 4] && draws.mode.isEmpty)
        let points = marginal.points(Matrix(draws.normals.reshaped([8_000, 2])))
        #expect(zip(points.values, draws.draws.values).allSatisfy { abs($0 - $1) <= 1e-6 })
        let moments = ConditionalMoments(draws: draws.draws), z = ConditionalMoments(draws: draws.normals)
        let covariance = marginal.covariance
        for i in 0..<4 {
            let mean = marginal.mean[i] + (0..<4).reduce(0) { $0 + covariance[i, $1] * slope[$1] }
            #expect(abs(moments.mean[i] - mean) <= 4 * moments.meanError[i])
            #expect(abs(moments.variance[i] / covariance[i, i] - 1) <= 0.1)
        }
        for j in 0..<2 {
            let mean = (0..<4).reduce(0) { $0 + factor[$1, j] * slope[$1] }
            #expect(abs(z.mean[j] - mean) <= 4 * z.meanError[j])
        }
    }

    /// The adaptation reduces β until about 0.3 of the proposals are accepted.
    @Test func stepSizeIsAdaptedToTheAcceptance() throws {
        let problem = try SamplingProblem(number: 60, similarity: .quadratic, strength: 40)
        for draws in try problem.chains(count: 100, adjust: { $0.burnIn = 1_000 }) {
            #expect(
                draws.stepSize < 0.8 && abs(draws.acceptance - 0.3) <= 0.06, "\(draws.stepSize), \(draws.acceptance)")
            #expect(draws.thinning > 1)
        }
    }

    /// Draws are reproducible, and differ between seeds and queries.
    @Test func drawsAreReproducible() throws {
        let problem = try SamplingProblem(number: 61, similarity: .innerProduct, queries: 3, strength: 1)
        let three = try problem.chains(count: 16), again = try problem.chains(count: 16)
        #expect(three.map(\.draws.values) == again.map(\.draws.values) && three.map(\.mode) == again.map(\.mode))
        #expect(three[0].draws.values != (try problem.chains(count: 16, seed: 4))[0].draws.values)
        #expect(three[0].draws.values != three[1].draws.values)
        // The samples are distinct draws.
        let samples = three[0].samples(10), d = samples.columns
        func rows(_ tensor: Tensor) -> [[Float]] {
            let flat = tensor.values
            return stride(from: 0, to: flat.count, by: d).map { Array(flat[$0..<$0 + d]) }
        }
        let all = Set(rows(three[0].draws))
        #expect(rows(samples).allSatisfy(all.contains) && Set(rows(samples)).count == 10)
    }

    /// Compares ten random problems. For each query, (m̂ - m)ᵀ C⁻¹ (m̂ - m) · ESS must be below a quantile of χ².
    @Test func momentsMatchTheClosedForm() throws {
        var comparisons: [MomentComparison] = []
        for number in 0..<10 {
            // The first problems allow the largest steps, the last ones need shorter steps.
            let similarity = SamplingProblem.similarity(number),
                strength = similarity == .innerProduct ? 1.2 : 1 + 2 * Double(number)
            let problem = try SamplingProblem(number: number, similarity: similarity, strength: strength)
            let draws = try problem.chains(count: 3_000)
            let found = problem.comparisons(draws.map { ConditionalMoments(draws: $0.draws) })
            for (query, draws) in draws.enumerated() {
                #expect(
                    draws.rHat <= 1.01 && draws.effectiveSampleSize >= 0.5 * Double(draws.count),
                    "problem \(number): \(draws.rHat), \(draws.effectiveSampleSize)")
                let moments = ConditionalMoments(draws: draws.draws), d = moments.mean.count
                let difference = Matrix(rows: d, columns: 1, elements: zip(moments.mean, found[query].mean).map(-))
                let distance = (difference.transposed * (try problem.conditional.covariance.solve(difference)))[0, 0]
                #expect(
                    draws.effectiveSampleSize * distance <= Self.chiSquareBound(d), "problem \(number), query \(query)")
                // The mode of a Gaussian is its mean.
                let modeError = Matrix(
                    rows: d, columns: 1, elements: zip(draws.mode, found[query].mean).map { Double($0) - $1 })
                #expect(
                    (modeError.transposed * (try problem.conditional.covariance.solve(modeError)))[0, 0] <= 0.02 * 0.02,
                    "problem \(number): mode \(draws.mode)")
            }
            comparisons += found
        }
        MomentComparison.expectAgreement(comparisons)
    }

    /// Returns the 1 - 10⁻⁴ quantile of χ² with d degrees of freedom (Wilson and Hilferty 1931).
    private static func chiSquareBound(_ d: Int) -> Double {
        let d = Double(d)
        return d * pow(1 - 2 / (9 * d) + 3.719 * (2 / (9 * d)).squareRoot(), 3)
    }
}
