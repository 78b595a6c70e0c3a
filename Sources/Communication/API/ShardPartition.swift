/// Which shards of a batch each worker owns: worker p of W owns the shards ⌊p S / W⌋ ..< ⌊(p + 1) S / W⌋.
///
/// The ranges are contiguous and as equal as possible; their lengths differ by at most one.
public struct ShardPartition: Sendable, Equatable {
    /// S, number of shards.
    public let shards: Int
    /// W, number of workers, 1 … S.
    public let workers: Int

    public init(shards: Int, workers: Int) {
        precondition(workers > 0 && workers <= shards, "\(shards) shards over \(workers) workers")
        self.shards = shards
        self.workers = workers
    }

    /// The shards of a worker.
    public func range(of worker: Int) -> Range<Int> {
        precondition(worker >= 0 && worker < workers, "worker \(worker) of \(workers)")
        return worker * shards / workers..<(worker + 1) * shards / workers
    }

    /// The worker that owns a shard.
    public func worker(ofShard shard: Int) -> Int {
        precondition(shard >= 0 && shard < shards, "shard \(shard) of \(shards)")
        // The largest p with ⌊p S / W⌋ ≤ shard.
        return ((shard + 1) * workers - 1) / shards
    }

    /// Whether W and S/W are powers of two. Then each worker has one node of the tree of sums, and the nodes above are
    /// those of recursive halving.
    public var allowsRecursiveHalving: Bool {
        workers.nonzeroBitCount == 1 && shards % workers == 0 && (shards / workers).nonzeroBitCount == 1
    }

    /// ⌈S / W⌉: number of shards of the workers that own most. A step takes as long as theirs.
    public var largest: Int { (shards + workers - 1) / workers }

    /// S / (W ⌈S / W⌉): the part of the workers' time that a step can use.
    public var efficiency: Double { Double(shards) / Double(workers * largest) }
}
