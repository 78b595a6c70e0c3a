import CoupletText

/// How well one modality finds the other: figures over the ranks of the positives, 1 being the best.
public struct RetrievalMetrics: Equatable, Sendable {
    /// The share of queries whose positive is among the first 1, 5, 10.
    public let recallAt1: Double, recallAt5: Double, recallAt10: Double
    /// The middle rank; for an even number of queries the mean of the two middle ones.
    public let medianRank: Double
    /// The mean of 1/rank.
    public let meanReciprocalRank: Double

    /// - Parameter ranks: one a query, in the order of the samples; at least one.
    public init(ranks: [Int]) {
        precondition(!ranks.isEmpty, "retrieval without queries")
        let count = Double(ranks.count), sorted = ranks.sorted(), half = ranks.count / 2
        func recall(_ limit: Int) -> Double { Double(ranks.count { $0 <= limit }) / count }
        recallAt1 = recall(1)
        recallAt5 = recall(5)
        recallAt10 = recall(10)
        medianRank = ranks.count % 2 == 1 ? Double(sorted[half]) : 0.5 * Double(sorted[half - 1] + sorted[half])
        meanReciprocalRank = ranks.reduce(0) { $0 + 1 / Double($1) } / count
    }

    var json: JSONValue {
        .object([
            ("recall_at_1", .number(recallAt1)), ("recall_at_5", .number(recallAt5)),
            ("recall_at_10", .number(recallAt10)),
            ("median_rank", .number(medianRank)), ("mean_reciprocal_rank", .number(meanReciprocalRank)),
        ])
    }
}
