import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct SamplingTests {
    private static let similarities = Similarity.allCases

    @Test(arguments: similarities)
    func weightsAreTheSoftmaxOfScores(_ similarity: Similarity) throws {
        let gallery = GalleryFixture(count: 40, dimension: 3), query = gallery.second[7]
        let temperature = 0.3, score = PairScore(similarity: similarity, temperature: temperature)
        let encodings = Tensor([40, 3], gallery.first.flatMap { $0 })
        let draws = try GalleryResampling(gallery: encodings, score: score, seed: 1).draws(
            5, query: 0, of: Tensor([1, 3], query))
        let powers = gallery.first.map { exp(GalleryFixture.score($0, query, similarity) / temperature) },
            sum = powers.reduce(0, +)
        for (weight, power) in zip(draws.weights, powers) { #expect(abs(weight - power / sum) <= 1e-12) }
        #expect(draws.mode == powers.firstIndex(of: powers.max()!))
        let squares = powers.reduce(0) { $0 + pow($1 / sum, 2) }
        #expect(abs(draws.effectiveSampleSize * squares - 1) <= 1e-12)
    }

    /// Systematic resampling: ⌊N w⌋ or ⌈N w⌉ copies for any offset, N w on the mean over offsets.
    @Test func copiesAreWhatWeightsSay() {
        let weights = [0.0, 0.31, 0.02, 0.0, 0.2701, 0.1, 0.2999, 0.0], count = 13, offsets = 2_000
        var mean = [Double](repeating: 0, count: weights.count)
        for offset in 0..<offsets {
            let rows = GalleryResampling.systematic(
                weights, count: count, offset: (Double(offset) + 0.5) / Double(offsets))
            #expect(rows.count == count)
            for (row, weight) in weights.enumerated() {
                let copies = rows.count { $0 == row }, wanted = Double(count) * weight
                #expect(copies == Int(wanted.rounded(.down)) || copies == Int(wanted.rounded(.up)))
                mean[row] += Double(copies) / Double(offsets)
            }
        }
        for (found, weight) in zip(mean, weights) { #expect(abs(found - Double(count) * weight) <= 2e-3) }
        // Weights that rounding leaves below 1.
        #expect(GalleryResampling.systematic([0.5, 0.5 - 1e-9, 0], count: 3, offset: 1 - 1e-12) == [0, 1, 1])
    }

    /// Scores far beyond what an exponential holds.
    @Test func hugeScoresGiveWeights() throws {
        #expect(GalleryResampling.weights([1e5, 1e5 + log(3), -1e6]).map { ($0 * 4).rounded() } == [1, 3, 0])
        let score = PairScore(similarity: .innerProduct, temperature: 1)
        let resampling = GalleryResampling(gallery: Tensor([2, 1], [1, .infinity]), score: score, seed: 1)
        #expect(throws: SamplingError.self) { try resampling.draws(3, query: 0, of: Tensor([1, 1], [1])) }
    }

    /// A law that is no Gaussian, with two modes of unlike height and a marginal off the origin, against quadrature.
    @Test func chainsFindALawThatQuadratureKnows() throws {
        let (m, s) = (0.4, 1.3), score = PairScore(similarity: .cosine, temperature: 0.4), given: [Float] = [-0.35, 1]
        // g(u) = (1, u² - u/4 - 1): the cosine sees two values of u alike, the marginal does not.
        func encoding(_ u: Double) -> [Float] { [1, Float(u * u - 0.25 * u - 1)] }
        var sampler = PreconditionedCrankNicolson(mean: [m], root: Matrix(rows: 1, columns: 1, elements: [s]), seed: 8)
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

    /// A likelihood that says nothing leaves the marginal, proposals are its draws, and all are accepted.
    @Test func withoutLikelihoodTheMarginalIsSampled() throws {
        let sampler = PreconditionedCrankNicolson(mean: [2, -1], root: .diagonal([0.5, 2]), seed: 2)
        let draws = try sampler.draws(queries: [0], count: 100) { [Double](repeating: 0.7, count: $0.rows) }[0]
        // √(1-β²) is then the correlation from step to step, 0.44, and four steps make draws independent.
        #expect(
            abs(draws.acceptance - 1) <= 1e-9 && abs(draws.stepSize - 0.9) <= 1e-12 && (3...6).contains(draws.thinning))
        let moments = ConditionalMoments(draws: draws.draws)
        #expect(abs(moments.mean[0] - 2) <= 4 * 0.5 / 40 && abs(moments.mean[1] + 1) <= 4 * 2 / 40)
        #expect(abs(moments.variance[0] / 0.25 - 1) <= 0.2 && abs(moments.variance[1] / 4 - 1) <= 0.2)
        #expect(abs(draws.mode[0] - 2) <= 0.01 && abs(draws.mode[1] + 1) <= 0.03)
    }

    /// β goes down until about 0.3 of the proposals pass.
    @Test func stepSizeIsAdaptedToTheAcceptance() throws {
        let problem = try SamplingProblem(number: 60, similarity: .quadratic, strength: 40)
        for draws in try problem.chains(count: 100, adjust: { $0.burnIn = 1_000 }) {
            #expect(
                draws.stepSize < 0.8 && abs(draws.acceptance - 0.3) <= 0.06, "\(draws.stepSize), \(draws.acceptance)")
            #expect(draws.thinning > 1)
        }
    }

    /// The same bits in whatever company; others from another seed.
    @Test func aQuerysDrawsAreItsOwn() throws {
        let problem = try SamplingProblem(number: 61, similarity: .innerProduct, queries: 3, strength: 1)
        let three = try problem.chains(count: 16), again = try problem.chains(count: 16)
        #expect(three.map(\.draws.values) == again.map(\.draws.values) && three.map(\.mode) == again.map(\.mode))
        #expect(three[0].draws.values != (try problem.chains(count: 16, seed: 4))[0].draws.values)
        #expect(three[0].draws.values != three[1].draws.values)
        // The samples are some of the draws, and none of them twice.
        let samples = three[0].samples(10), d = samples.columns
        func rows(_ tensor: Tensor) -> [[Float]] {
            let flat = tensor.values; return stride(from: 0, to: flat.count, by: d).map { Array(flat[$0..<$0 + d]) }
        }
        let all = Set(rows(three[0].draws))
        #expect(rows(samples).allSatisfy(all.contains) && Set(rows(samples)).count == 10)
    }

    @Test func labelsHaveProbabilities() {
        let labels = [2, 0, 2, 1, 2], weights = [0.1, 0.2, 0.3, 0.15, 0.25]
        let found = ConditionalMoments(labels: labels, weights: weights, classes: 4)
        // The same from one-hot rows.
        let rows = Tensor([5, 4], labels.flatMap { label in (0..<4).map { $0 == label ? Float(1) : 0 } })
        let expected = ConditionalMoments(rows: rows, weights: weights)
        for i in 0..<4 {
            #expect(
                abs(found.mean[i] - expected.mean[i]) <= 1e-12
                    && abs(found.meanError[i] - expected.meanError[i]) <= 1e-12)
        }
        #expect(abs(found.mean[2] - 0.65) <= 1e-12 && found.mean[3] == 0)
    }

    /// Independent draws with equal weights: the textbook's mean, covariance and their errors.
    @Test func equalWeightsGiveTheUsualMoments() {
        let philox = Philox(seed: 1), values = philox.normals(3_000, .evaluation, number: 0)
        let rows = Tensor([1_000, 3], values),
            moments = ConditionalMoments(rows: rows, weights: [Double](repeating: 1e-3, count: 1_000))
        let chains = ConditionalMoments(draws: rows.reshaped([4, 250, 3]))
        for i in 0..<3 {
            let x = (0..<1_000).map { Double(values[$0 * 3 + i]) }, mean = x.reduce(0, +) / 1_000
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 999
            #expect(abs(moments.mean[i] - mean) <= 1e-12 && abs(moments.variance[i] - variance) <= 1e-12)
            #expect(abs(moments.meanError[i] - (variance / 1_000).squareRoot()) <= 1e-3 * moments.meanError[i])
            #expect(abs(chains.mean[i] - mean) <= 1e-12 && abs(chains.variance[i] - variance) <= 1e-12)
            #expect(abs(chains.meanError[i] / moments.meanError[i] - 1) <= 0.15)
            // Of a normal variance: √(2/n).
            #expect(abs(moments.covarianceError![i, i] / (variance * (2.0 / 1_000).squareRoot()) - 1) <= 0.15)
            #expect(abs(chains.covarianceError![i, i] / moments.covarianceError![i, i] - 1) <= 0.2)
            for j in 0..<3 { #expect(abs(moments.covariance![i, j] - chains.covariance![i, j]) <= 1e-12) }
        }
    }

    /// Public figures of the normal law.
    @Test func boundsAreThoseOfTheNormalLaw() {
        #expect(abs(MomentComparison.bound(count: 1, probability: 0.05) - 1.959963984540054) <= 1e-12)
        #expect(abs(MomentComparison.bound(count: 1, probability: 0.31731050786291415) - 1) <= 1e-12)
        #expect(abs(MomentComparison.bound(count: 1_000, probability: 2 * 1.2798125438858352e-12 * 1_000) - 7) <= 1e-9)
        #expect(MomentComparison.shareWithinThree([1, -2.9, 3.1, -4]) == 0.5)
    }
}
