import CoupletCommunication
import CoupletLosses
import CoupletTensors

/// Zero-shot classification: retrieval with one candidate a class (Baptista, Stuart, Tran 2025, on classification).
///
/// A sample counts as right where its own class scores above every other class: a tie at the top counts as wrong, as does a
/// class that has no encoding. Scores are compared as in Double (`RankCounter`).
///
/// With a prior the scores are those of the learned conditional of the label on the data's own labels, `κ(g(u), h(c)) / τ + log p(c)`: what softmax
/// makes probabilities of. Without it all classes count as equally frequent, and τ changes nothing.
public enum Classification {
    /// The figures, on every worker.
    /// - Parameters:
    ///   - encodings: this worker's shards, (size · its shards) × e, as from `ShardedEncoding`.
    ///   - labels: the classes of this worker's samples, in order, filling left out.
    ///   - prior: how frequent the classes are, and the temperature that the scores are taken at; nil where that is unknown.
    /// - Throws: `CollectiveError` where a worker has failed.
    public static func evaluate(
        _ encodings: Tensor, labels: [Int], classes: ClassEncodings, similarity: Similarity, prior: LabelPrior? = nil,
        shards: SampleShards, communicator: any Communicator
    ) throws -> ClassificationResult {
        precondition(
            shards.samples > 0 && !classes.classes.isEmpty,
            "\(shards.samples) samples of \(classes.classes.count) classes")
        let own = shards.shards(of: communicator.rank, workers: communicator.size), size = shards.size,
            e = encodings.columns
        precondition(
            encodings.rows == own.count * size && e == classes.encodings.columns,
            "encodings \(encodings.shape) of \(own.count) shards of \(size), classes \(classes.encodings.shape)")
        let samples = own.reduce(0) { $0 + shards.samples(of: $1).count }
        precondition(labels.count == samples, "\(labels.count) labels for \(samples) samples")
        let count = classes.classes.count
        let terms = CandidateScoring(classes.encodings, similarity: similarity)
        let candidates = EncodedShard(
            classes.encodings, count: count, terms: terms, positives: [Double](repeating: 0, count: count))
        var counter = RankCounter(similarity: similarity, rows: size, columns: count)
        let posterior = prior.map { PosteriorScores(classes, terms: terms, similarity: similarity, prior: $0) }
        var right = 0, rightWithPrior = 0, done = 0
        for (place, shard) in own.enumerated() {
            let samples = shards.samples(of: shard).count
            if samples == 0 { continue }
            let rows = encodings.rows(place * size..<(place + 1) * size)
            let answers = (0..<samples).map { classes.row(of: labels[done + $0]) }
            let positives = answers.enumerated().map { i, answer in
                answer.map { terms.score(rows.pointer + i * e, classes.encodings.pointer + $0 * e, at: $0) } ?? .nan
            }
            let queries = EncodedShard(
                rows, count: samples, terms: CandidateScoring(rows, similarity: similarity), positives: positives)
            counter.count(queries, candidates, bothWays: false)
            right += (0..<samples).count { answers[$0] != nil && counter.rowCounts[$0] == 1 }
            if let posterior {
                rightWithPrior += (0..<samples).count { i in
                    answers[i].map { posterior.isBest($0, of: rows.pointer + i * e) } ?? false
                }
            }
            done += samples
        }
        let totals = try communicator.allGather(numbers: [Double(right), Double(rightWithPrior)])
        func share(_ place: Int) -> Double {
            (0..<communicator.size).reduce(0) { $0 + totals[2 * $1 + place] } / Double(shards.samples)
        }
        return ClassificationResult(
            top1: share(0), top1WithPrior: prior == nil ? nil : share(1), classes: count, count: shards.samples)
    }
}
