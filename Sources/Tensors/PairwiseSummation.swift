/// The binary tree over shard numbers: the one order in which sums over shards are made where many add.
///
/// Leaves are the shards 0 … S-1, S a power of two; a node adds its two children. An aligned block of shards is a subtree, and
/// a + b = b + a, so whoever adds a subtree, the bits are the same.
public enum PairwiseSummation {
    /// The sum of one number a shard. `values.count` is a power of two.
    public static func sum(_ values: [Double]) -> Double {
        precondition(values.count.nonzeroBitCount == 1, "a tree over \(values.count) shards")
        var level = values
        while level.count > 1 {
            level = (0..<(level.count / 2)).map { level[2 * $0] + level[2 * $0 + 1] }
        }
        return level[0]
    }

    /// Which slice of a buffer a worker owns between the two halves of a tree sum: its number with the bits reversed, for the first halving is by
    /// the lowest bit.
    public static func bitReversedSlice(ofWorker worker: Int, workers: Int) -> Int {
        precondition(workers.nonzeroBitCount == 1 && worker >= 0 && worker < workers, "worker \(worker) of \(workers)")
        return (0..<workers.trailingZeroBitCount).reduce(0) { $0 << 1 | (worker >> $1 & 1) }
    }
}
