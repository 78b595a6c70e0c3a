/// One shard pair of a walk: a shard of this worker meets a shard of the block that is visiting.
package struct ShardPair {
    /// The shard of the first side, counted within this worker.
    package let first: Int
    /// The shard of the second side, counted within the visiting block.
    package let second: Int
    /// Whether they are the same shard of the batch, so that positives lie on the diagonal.
    package let isDiagonal: Bool
}
