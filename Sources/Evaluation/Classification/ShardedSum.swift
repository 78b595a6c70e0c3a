import CoupletCommunication

/// Sums of several numbers over the samples of all workers, in Double: over a shard's samples as the caller makes them, and over the tree of the shards,
/// so they are the same bits for every number of workers.
struct ShardedSum {
    let shards: SampleShards
    let communicator: any Communicator
    /// The shards of this worker.
    let own: Range<Int>

    init(_ shards: SampleShards, _ communicator: any Communicator) {
        self.shards = shards
        self.communicator = communicator
        own = shards.shards(of: communicator.rank, workers: communicator.size)
    }

    /// Every worker calls it.
    /// - Parameter shard: the `count` sums of a shard; `place` counts this worker's shards from 0. It is not asked for shards without samples.
    /// - Returns: the sums, on every worker.
    /// - Throws: `CollectiveError` where a worker has failed.
    func run(count: Int, _ shard: (_ place: Int, _ samples: Range<Int>) -> [Double]) throws -> [Double] {
        func sum(_ places: Range<Int>) -> [Double] {
            if places.count > 1 {
                let middle = places.lowerBound + places.count / 2
                return Self.add(sum(places.lowerBound..<middle), sum(middle..<places.upperBound))
            }
            let samples = shards.samples(of: own.lowerBound + places.lowerBound)
            return samples.isEmpty ? [Double](repeating: 0, count: count) : shard(places.lowerBound, samples)
        }
        let gathered = try communicator.allGather(numbers: sum(0..<own.count))
        // The tree's upper part: its leaves are the workers.
        var level = (0..<communicator.size).map { Array(gathered[$0 * count..<($0 + 1) * count]) }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { Self.add(level[$0], level[$0 + 1]) }
        }
        return level[0]
    }

    private static func add(_ a: [Double], _ b: [Double]) -> [Double] {
        var sum = a
        for place in sum.indices { sum[place] += b[place] }
        return sum
    }
}
