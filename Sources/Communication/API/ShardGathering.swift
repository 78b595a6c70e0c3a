extension Communicator {
    /// Returns some numbers of each shard, ordered by shard number, on every worker. Every worker calls it.
    ///
    /// Cost: one `allGather(numbers:)` of the numbers of `partition.largest` shards a worker.
    /// - Parameter shards: as many numbers of each of this worker's shards.
    /// - Throws: as `allGather(numbers:)`.
    package func allGather(shards: [[Double]], _ partition: ShardPartition) throws -> [[Double]] {
        precondition(
            shards.count == partition.range(of: rank).count && partition.workers == size,
            "\(shards.count) shards of worker \(rank) of \(size), of \(partition.shards) over \(partition.workers)")
        let count = shards[0].count, length = partition.largest * count
        let numbers = Array(shards.joined())
        precondition(numbers.count == shards.count * count, "numbers of shards: \(shards.map(\.count))")
        let all = try allGather(numbers: numbers + [Double](repeating: 0, count: length - numbers.count))
        return (0..<size).flatMap { worker in
            (0..<partition.range(of: worker).count).map { shard in
                let start = worker * length + shard * count
                return Array(all[start..<start + count])
            }
        }
    }
}
