import CoupletTensors

/// Encodes many samples, each worker its own shards, one shard at a time.
public struct ShardedEncoding: Sendable {
    public let shards: SampleShards

    public init(_ shards: SampleShards) {
        self.shards = shards
    }

    /// Encodes this worker's shards.
    /// - Parameters:
    ///   - widths: the numbers of each encoding that a sample gets, such as [e, e] for both modalities.
    ///   - encode: reads the samples of these numbers (`shards.size` of them, the filling included) and writes their encodings, one
    ///     tensor size × width for each of `widths`.
    /// - Returns: for each of `widths`, (size · shards of this worker) × width, in order; rows of shards without samples are zero.
    public func run(
        rank: Int, workers: Int, widths: [Int], encode: (_ numbers: [UInt64], _ outputs: [Tensor]) throws -> Void
    ) rethrows -> [Tensor] {
        let own = shards.shards(of: rank, workers: workers)
        let results = widths.map { Tensor([own.count * shards.size, $0]) }
        for (place, shard) in own.enumerated() {
            guard let numbers = shards.filledNumbers(of: shard) else { continue }
            try encode(numbers, results.map { $0.rows(place * shards.size..<(place + 1) * shards.size) })
        }
        return results
    }
}
