import CoupletLosses
import CoupletTensors

/// One side of a tile of scores: a shard's encodings, as queries with their positives and as candidates for the other side.
struct EncodedShard {
    /// Rows × d; the first `count` are samples, the rest is filling.
    let encodings: Tensor
    let count: Int
    let terms: CandidateScoring
    /// The score of each sample's positive, in Double.
    let positives: [Double]

    init(_ encodings: Tensor, count: Int, terms: CandidateScoring, positives: [Double]) {
        precondition(
            positives.count == count && count <= encodings.rows,
            "\(positives.count) positives for \(count) of \(encodings.rows) rows")
        self.encodings = encodings
        self.count = count
        self.terms = terms
        self.positives = positives
    }

    /// Both sides of a shard of pairs: row i of one is the positive of row i of the other.
    static func pair(
        _ first: Tensor, _ second: Tensor, count: Int, similarity: Similarity
    ) -> (first: EncodedShard, second: EncodedShard) {
        let u = CandidateScoring(first, similarity: similarity), v = CandidateScoring(second, similarity: similarity),
            d = first.columns
        let forward = (0..<count).map { v.score(first.pointer + $0 * d, second.pointer + $0 * d, at: $0) }
        let backward = (0..<count).map { u.score(second.pointer + $0 * d, first.pointer + $0 * d, at: $0) }
        return (
            EncodedShard(first, count: count, terms: u, positives: forward),
            EncodedShard(second, count: count, terms: v, positives: backward)
        )
    }
}
