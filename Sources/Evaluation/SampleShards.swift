import CoupletCommunication
import CoupletTensors

/// Splits the samples 0 … N - 1 of an evaluation into shards of equal size.
///
/// The shards depend on N and the config only, not on the number of workers. So every matrix product has the same size,
/// and the same bits, on any worker. Shard a holds the samples a · size … min((a + 1) · size, N) - 1. The last shards
/// are padded with copies of a sample, which no result counts.
public struct SampleShards: Equatable, Sendable {
    /// N.
    public let samples: Int
    /// Number of shards, a power of two.
    public let count: Int
    /// Rows of a shard, padding included; a multiple of 16.
    public let size: Int

    /// Upper limit of `size`: a tile of scores, size × size floats, then fits the second-level cache.
    public static let largestSize = 512

    /// - Parameter minimum: the least number of shards, a power of two. The shards of the config's batch
    ///   (`batch.shards`) allow the same numbers of workers as training.
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

    /// Returns the samples of a shard: `size` of them, fewer or none in the last shards.
    public func samples(of shard: Int) -> Range<Int> {
        min(shard * size, samples)..<min((shard + 1) * size, samples)
    }

    /// Returns the shards of a worker, an aligned block of count / workers shards.
    public func shards(of rank: Int, workers: Int) -> Range<Int> {
        precondition(count % workers == 0, "\(count) shards over \(workers) workers")
        let block = count / workers
        return rank * block..<(rank + 1) * block
    }

    /// Returns the sample numbers to read for a shard, padded to `size` with the last one; nil for a shard without
    /// samples.
    public func filledNumbers(of shard: Int) -> [UInt64]? {
        let range = samples(of: shard)
        guard let last = range.last else { return nil }
        return range.map(UInt64.init) + [UInt64](repeating: UInt64(last), count: size - range.count)
    }
}

/// Encodes samples shard by shard. Each worker encodes its own shards.
public struct ShardedEncoding: Sendable {
    public let shards: SampleShards

    public init(_ shards: SampleShards) {
        self.shards = shards
    }

    /// Encodes this worker's shards.
    /// - Parameters:
    ///   - widths: number of columns of each encoding of a sample, such as [e, e] for both modalities.
    ///   - encode: reads the samples with these numbers (`shards.size` of them, padding included) and writes their
    ///     encodings into one tensor size × width for each of `widths`.
    /// - Returns: for each of `widths`, (size · this worker's shards) × width, in order; rows of shards without samples
    ///   are zero.
    public func run(
        rank: Int, workers: Int, widths: [Int], encode: (_ numbers: [UInt64], _ outputs: [Tensor]) throws -> Void
    ) rethrows -> [Tensor] {
        let localShards = shards.shards(of: rank, workers: workers)
        let results = widths.map { Tensor([localShards.count * shards.size, $0]) }
        for (index, shard) in localShards.enumerated() {
            guard let numbers = shards.filledNumbers(of: shard) else { continue }
            try encode(numbers, results.map { $0.rows(index * shards.size..<(index + 1) * shards.size) })
        }
        return results
    }
}

/// Sums over the samples of all workers, in Double, by pairwise summation in the order of the shards. The sums have the
/// same bits for every number of workers.
struct ShardedSum {
    let shards: SampleShards
    let communicator: any Communicator
    /// The shards of this worker.
    let localShards: Range<Int>

    init(_ shards: SampleShards, _ communicator: any Communicator) {
        self.shards = shards
        self.communicator = communicator
        localShards = shards.shards(of: communicator.rank, workers: communicator.size)
    }

    /// Computes `count` sums. Every worker calls it.
    /// - Parameter shard: returns the `count` sums of one shard. `localShard` is its index among this worker's shards.
    ///   It is not called for shards without samples.
    /// - Returns: the sums, on every worker.
    /// - Throws: `CollectiveError` if a worker has failed; an error of `shard`.
    func run(
        count: Int, _ shard: (_ localShard: Int, _ samples: Range<Int>) throws -> [Double]
    ) throws -> [Double] {
        func sum(_ range: Range<Int>) throws -> [Double] {
            if range.count > 1 {
                let middle = range.lowerBound + range.count / 2
                return Self.add(try sum(range.lowerBound..<middle), try sum(middle..<range.upperBound))
            }
            let samples = shards.samples(of: localShards.lowerBound + range.lowerBound)
            return samples.isEmpty ? [Double](repeating: 0, count: count) : try shard(range.lowerBound, samples)
        }
        let gathered = try communicator.allGather(numbers: try sum(0..<localShards.count))
        // Each worker's shards are one subtree, so the upper levels of the tree add the workers' sums.
        var level = (0..<communicator.size).map { Array(gathered[$0 * count..<($0 + 1) * count]) }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { Self.add(level[$0], level[$0 + 1]) }
        }
        return level[0]
    }

    private static func add(_ a: [Double], _ b: [Double]) -> [Double] {
        var sum = a
        for index in sum.indices { sum[index] += b[index] }
        return sum
    }
}
