import CoupletTensors

/// What a distribution on a gallery says of the truth: `p_k = softmax_k S_k` for the scores of one query with all rows,
/// one of which is the truth. The scores are learned ones or exact log-likelihoods.
public struct GalleryPosterior: Equatable, Sendable {
    /// log p of the true row.
    public let logProbability: Double
    /// The rank of the true row, from 1. Rows with an equal score count as better.
    public let rank: Int
    /// The rows of highest probability, best first; equal ones in the order of the gallery.
    public let best: [Int]
    /// p of `best`.
    public let bestProbabilities: [Double]

    public init(logProbability: Double, rank: Int, best: [Int], bestProbabilities: [Double]) {
        self.logProbability = logProbability
        self.rank = rank
        self.best = best
        self.bestProbabilities = bestProbabilities
    }

    /// - Parameters:
    ///   - scores: S of each row of the gallery.
    ///   - truth: the true row.
    ///   - top: largest number of rows in `best`.
    public init(scores: [Double], truth: Int, top: Int = 1) {
        precondition(scores.indices.contains(truth), "row \(truth) of a gallery of \(scores.count)")
        let normalizer = LogSumExp.value(scores)
        logProbability = scores[truth] - normalizer
        rank = scores.count { $0 >= scores[truth] }
        let order = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
        best = Array(order.prefix(top))
        bestProbabilities = best.map { exp(scores[$0] - normalizer) }
    }
}

/// Figures of the posteriors of several queries on galleries of one size.
public struct GalleryFigures: Equatable, Sendable {
    /// N, the number of rows of the gallery.
    public let gallery: Int
    /// Number of queries.
    public let queries: Int
    /// Share of queries whose true row is among the best k, by k = 1, 5, 10.
    public let recallAt1: Double, recallAt5: Double, recallAt10: Double
    /// Mean of log p(truth), with its standard error.
    public let logProbability: Double, logProbabilityError: Double

    /// - Parameter posteriors: at least one.
    public init(_ posteriors: [GalleryPosterior], gallery: Int) {
        precondition(!posteriors.isEmpty, "no queries")
        let count = Double(posteriors.count)
        func recall(_ k: Int) -> Double { Double(posteriors.count { $0.rank <= k }) / count }
        (recallAt1, recallAt5, recallAt10) = (recall(1), recall(5), recall(10))
        let mean = posteriors.reduce(0) { $0 + $1.logProbability } / count
        let squares = posteriors.reduce(0) { $0 + ($1.logProbability - mean) * ($1.logProbability - mean) }
        logProbability = mean
        logProbabilityError = (squares / max(count - 1, 1) / count).squareRoot()
        self.gallery = gallery
        queries = posteriors.count
    }

    /// log N + mean log p(truth), in nats: a lower bound on the mutual information of the modalities, in expectation
    /// over galleries of independent rows (Poole, Ozair, van den Oord, Alemi, Tucker, *On Variational Bounds of Mutual
    /// Information*, ICML 2019). It holds for any scores, so that of the exact log-likelihoods is the largest on
    /// average. It cannot exceed log N. Its standard error is `logProbabilityError`.
    public var mutualInformationBound: Double { log(Double(gallery)) + logProbability }
}

/// Log-sum-exp in Double.
package enum LogSumExp {
    /// log Σ exp(x), without overflow; -∞ for no numbers.
    package static func value(_ values: [Double]) -> Double {
        let highest = values.max() ?? -.infinity
        guard highest.isFinite else { return highest }
        return highest + log(values.reduce(0) { $0 + exp($1 - highest) })
    }

    /// log (1/n Σ exp(x)).
    package static func meanValue(_ values: [Double]) -> Double { value(values) - log(Double(values.count)) }
}
