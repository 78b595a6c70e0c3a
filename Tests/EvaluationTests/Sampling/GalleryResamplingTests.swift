import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Glibc
import Testing

@Suite struct GalleryResamplingTests {
    @Test(arguments: Similarity.allCases)
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

    /// Systematic resampling draws ⌊N w⌋ or ⌈N w⌉ copies for any offset, and N w on average over offsets.
    @Test func numbersOfCopiesFollowTheWeights() {
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
        // Rounding may leave the sum of the weights below 1.
        #expect(GalleryResampling.systematic([0.5, 0.5 - 1e-9, 0], count: 3, offset: 1 - 1e-12) == [0, 1, 1])
    }

    /// Scores whose exponentials overflow.
    @Test func hugeScoresGiveFiniteWeights() throws {
        #expect(GalleryResampling.weights([1e5, 1e5 + log(3), -1e6]).map { ($0 * 4).rounded() } == [1, 3, 0])
        let score = PairScore(similarity: .innerProduct, temperature: 1)
        let resampling = GalleryResampling(gallery: Tensor([2, 1], [1, .infinity]), score: score, seed: 1)
        #expect(throws: SamplingError.self) { try resampling.draws(3, query: 0, of: Tensor([1, 1], [1])) }
    }

    @Test func momentsMatchTheClosedForm() throws {
        var comparisons: [MomentComparison] = []
        for number in 0..<10 {
            let problem = try SamplingProblem(
                number: 20 + number, similarity: SamplingProblem.similarity(number), strength: 0.5)
            let gallery = problem.gallery(20_000)
            let resampling = GalleryResampling(gallery: problem.encode(first: gallery), score: problem.score, seed: 6)
            let moments = try problem.queries.indices.map { query in
                let draws = try resampling.draws(1_000, query: query, of: problem.encodedQueries)
                // The law of large numbers needs many rows with a significant weight.
                #expect(draws.effectiveSampleSize >= 1_000, "problem \(number): \(draws.effectiveSampleSize)")
                if problem.score.similarity == .innerProduct {
                    // For log-normal weights the effective share is exp(-|b|²), b = C^½ Gᵀ (H v + c)/τ.
                    let shift = Matrix(problem.encodedQueries.rows(query..<query + 1)).transposed
                    let b =
                        (1 / problem.score.temperature)
                        * (problem.pair.first.root * (problem.tilt.first.transposed * shift))
                    let share = exp(-b.frobeniusNorm * b.frobeniusNorm)
                    #expect(
                        abs(draws.effectiveSampleSize / (20_000 * share) - 1) <= 0.15,
                        "\(draws.effectiveSampleSize), \(20_000 * share)")
                }
                return ConditionalMoments(rows: gallery, weights: draws.weights)
            }
            comparisons += problem.comparisons(moments)
        }
        MomentComparison.expectAgreement(comparisons)
    }

    /// The mean of the drawn rows differs from the weighted mean by no more than the error of independent draws.
    @Test func drawnRowsHaveTheWeightedMoments() throws {
        let problem = try SamplingProblem(number: 40, similarity: .quadratic, queries: 6, strength: 0.5),
            gallery = problem.gallery(5_000)
        let resampling = GalleryResampling(gallery: problem.encode(first: gallery), score: problem.score, seed: 6)
        for query in problem.queries.indices {
            let draws = try resampling.draws(4_000, query: query, of: problem.encodedQueries)
            let moments = ConditionalMoments(rows: gallery, weights: draws.weights), d = gallery.columns
            for i in 0..<d {
                let mean = draws.rows.reduce(0) { $0 + Double(gallery[$1 * d + i]) } / 4_000
                #expect(abs(mean - moments.mean[i]) <= 4 * (moments.variance[i] / 4_000).squareRoot())
            }
            // The same holds for a prefix of the draws.
            for i in 0..<d {
                let mean = draws.rows.prefix(1_000).reduce(0) { $0 + Double(gallery[$1 * d + i]) } / 1_000
                #expect(abs(mean - moments.mean[i]) <= 4.5 * (moments.variance[i] / 1_000).squareRoot())
            }
        }
    }
}
