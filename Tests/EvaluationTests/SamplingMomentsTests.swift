import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Sampled moments are those of the learned coupling's closed form, on ten random problems each.
///
/// Of hundreds of deviations some exceed 3 standard errors by chance. The rule: none exceeds what a normal law exceeds among so many once in
/// 1,000 times (Bonferroni, which holds for dependent ones as well); 98 % lie within 3; and per query (m̂ - m)ᵀ C⁻¹ (m̂ - m) · ESS lies below the quantile of χ² that
/// belongs to so many queries.
@Suite struct SamplingMomentsTests {
    private static func similarity(_ number: Int) -> Similarity { number % 2 == 0 ? .innerProduct : .quadratic }

    private static func check(_ comparisons: [MomentComparison], at location: SourceLocation = #_sourceLocation) {
        let deviations = comparisons.flatMap(\.deviations), largest = deviations.map { abs($0) }.max()!
        #expect(
            deviations.allSatisfy { abs($0) <= MomentComparison.bound(count: deviations.count, probability: 1e-3) },
            sourceLocation: location)
        #expect(MomentComparison.shareWithinThree(deviations) >= 0.98, sourceLocation: location)
        // They must not be small either: standard errors that are too large hide everything.
        let spread = (deviations.reduce(0) { $0 + $1 * $1 } / Double(deviations.count)).squareRoot()
        #expect(
            spread >= 0.75 && spread <= 1.25, "\(deviations.count) moments, spread \(spread), largest \(largest)",
            sourceLocation: location)
    }

    /// The quantile of χ² with d degrees of freedom that a share of 10⁻⁴ exceeds (Wilson and Hilferty 1931).
    private static func chiSquareBound(_ d: Int) -> Double {
        let d = Double(d)
        return d * pow(1 - 2 / (9 * d) + 3.719 * (2 / (9 * d)).squareRoot(), 3)
    }

    @Test func chainsHaveTheMomentsOfTheClosedForm() throws {
        var comparisons: [MomentComparison] = []
        for number in 0..<10 {
            // Weak enough for steps of full length, and strong enough to need shorter ones.
            let similarity = Self.similarity(number),
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
                let distance = (difference.transposed * (try problem.law.covariance.solve(difference)))[0, 0]
                #expect(
                    draws.effectiveSampleSize * distance <= Self.chiSquareBound(d), "problem \(number), query \(query)")
                // The mode of a Gaussian is its mean.
                let off = Matrix(
                    rows: d, columns: 1, elements: zip(draws.mode, found[query].mean).map { Double($0) - $1 })
                #expect(
                    (off.transposed * (try problem.law.covariance.solve(off)))[0, 0] <= 0.02 * 0.02,
                    "problem \(number): mode \(draws.mode)")
            }
            comparisons += found
        }
        Self.check(comparisons)
    }

    @Test func resamplingHasTheMomentsOfTheClosedForm() throws {
        var comparisons: [MomentComparison] = []
        for number in 0..<10 {
            let problem = try SamplingProblem(number: 20 + number, similarity: Self.similarity(number), strength: 0.5)
            let gallery = problem.gallery(20_000)
            let resampling = GalleryResampling(gallery: problem.encode(first: gallery), score: problem.score, seed: 6)
            let moments = try problem.queries.indices.map { query in
                let draws = try resampling.draws(1_000, query: query, of: problem.encodedQueries)
                // A law of large numbers needs weights of which many count.
                #expect(draws.effectiveSampleSize >= 1_000, "problem \(number): \(draws.effectiveSampleSize)")
                if problem.score.similarity == .innerProduct {
                    // Log-normal weights: the share that counts is exp(-|b|²), b = C^½ Gᵀ (H v + c)/τ.
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
        Self.check(comparisons)
    }

    /// What is written, not only what moments are made of: the mean of drawn rows differs from that of all weighted ones by what
    /// drawing adds, at most that of independent draws.
    @Test func drawnRowsHaveTheMomentsOfTheWeights() throws {
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
            // And so have the first of them.
            for i in 0..<d {
                let mean = draws.rows.prefix(1_000).reduce(0) { $0 + Double(gallery[$1 * d + i]) } / 1_000
                #expect(abs(mean - moments.mean[i]) <= 4.5 * (moments.variance[i] / 1_000).squareRoot())
            }
        }
    }
}
