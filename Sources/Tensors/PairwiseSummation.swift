/// Pairwise summation over shards. Every sum to which several workers contribute is added in this order.
///
/// Neighbours are added, then neighbouring sums, and so on: a binary tree whose leaves are the shards 0 … S-1, S a
/// power of two. The sum over an aligned block of shards is a node of the tree, so a worker can sum its own shards
/// first without a change of bits.
public enum PairwiseSummation {
    /// The sum of one number per shard. `values.count` is a power of two.
    public static func sum(_ values: [Double]) -> Double {
        precondition(values.count.nonzeroBitCount == 1, "a sum over \(values.count) shards, not a power of two")
        var level = values
        while level.count > 1 {
            level = (0..<(level.count / 2)).map { level[2 * $0] + level[2 * $0 + 1] }
        }
        return level[0]
    }

    /// The slice of a buffer that a worker owns after a recursive-halving reduce-scatter: the worker's number with its
    /// bits reversed, because the first halving is decided by the lowest bit.
    public static func bitReversedSlice(ofWorker worker: Int, workers: Int) -> Int {
        precondition(workers.nonzeroBitCount == 1 && worker >= 0 && worker < workers, "worker \(worker) of \(workers)")
        return (0..<workers.trailingZeroBitCount).reduce(0) { $0 << 1 | (worker >> $1 & 1) }
    }
}
