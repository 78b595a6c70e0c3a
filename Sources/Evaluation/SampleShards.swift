/// How the samples 0 … N - 1 of an evaluation are cut into shards: by N and the config, never by the number of workers, so that
/// every product has the same size, and the same bits, whoever makes it.
///
/// Shard a holds the samples a · size … (a + 1) · size - 1, as far as there are any; what is missing in the last ones is filled up
/// with a repeated sample, which nobody counts.
public struct SampleShards: Equatable, Sendable {
    /// N.
    public let samples: Int
    /// A power of two.
    public let count: Int
    /// The rows of a shard, filling included.
    public let size: Int

    /// Samples above which a shard is cut in two: a tile of scores, size × size floats, then stays in the second cache.
    public static let largestSize = 512

    /// - Parameter minimum: the least number of shards, a power of two: the S of the config, so that every worker count of the
    ///   run will do.
    public init(samples: Int, minimum: Int) {
        precondition(samples >= 0, "\(samples) samples")
        precondition(minimum > 0 && minimum.nonzeroBitCount == 1, "\(minimum) shards, not a power of two")
        self.samples = samples
        var count = minimum
        while count * Self.largestSize < samples { count *= 2 }
        self.count = count
        let rows = max((samples + count - 1) / count, 1)
        size = (rows + 15) / 16 * 16
    }

    /// The samples of a shard; may be fewer than `size`, and none.
    public func samples(of shard: Int) -> Range<Int> {
        min(shard * size, samples)..<min((shard + 1) * size, samples)
    }

    /// The aligned block of shards of a worker.
    public func shards(of rank: Int, workers: Int) -> Range<Int> {
        precondition(count % workers == 0, "\(count) shards over \(workers) workers")
        let block = count / workers
        return rank * block..<(rank + 1) * block
    }

    /// The numbers to read for a shard: its samples, filled up to `size` by repeating the last; nil where it has none.
    public func filledNumbers(of shard: Int) -> [UInt64]? {
        let range = samples(of: shard)
        guard let last = range.last else { return nil }
        return range.map(UInt64.init) + [UInt64](repeating: UInt64(last), count: size - range.count)
    }
}
