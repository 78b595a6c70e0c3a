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
    /// Number of shards: `minimum` times a power of two.
    public let count: Int
    /// The least number of shards. The runs of count / minimum shards are shared among workers as the shards of a batch
    /// of `minimum` shards are (`ShardPartition`).
    public let minimum: Int
    /// Rows of a shard, padding included; a multiple of 16.
    public let size: Int

    /// Upper limit of `size`: a tile of scores, size × size floats, then fits the second-level cache.
    public static let largestSize = 512

    /// - Parameter minimum: the least number of shards. The shards of the config's batch (`batch.shards`) allow the
    ///   same numbers of workers as training.
    public init(samples: Int, minimum: Int) {
        precondition(samples >= 0, "\(samples) samples")
        precondition(minimum > 0, "\(minimum) shards")
        self.samples = samples
        self.minimum = minimum
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

    /// Number of consecutive shards that always belong to one worker.
    package var unit: Int { count / minimum }

    /// Returns the shards of a worker, for any number of workers. They are contiguous; workers beyond `minimum` have
    /// none.
    public func shards(of rank: Int, workers: Int) -> Range<Int> {
        if rank >= minimum { return count..<count }
        let range = ShardPartition(shards: minimum, workers: min(workers, minimum)).range(of: rank)
        return range.lowerBound * unit..<range.upperBound * unit
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
        // Each worker adds the shards of the nodes of the tree that are its own, and all workers add the nodes.
        let nodes = (0..<communicator.size).map {
            Self.nodes(shards.shards(of: $0, workers: communicator.size), of: shards.count)
        }
        var numbers: [Double] = []
        for node in nodes[communicator.rank] {
            let sums = try node.map { number -> [Double] in
                let samples = shards.samples(of: number)
                return samples.isEmpty
                    ? [Double](repeating: 0, count: count) : try shard(number - localShards.lowerBound, samples)
            }
            numbers += PairwiseSummation.sum(sums, Self.add)
        }
        let length = nodes.reduce(0) { max($0, $1.count) } * count
        let gathered = try communicator.allGather(
            numbers: numbers + [Double](repeating: 0, count: length - numbers.count))
        var sums: [Range<Int>: [Double]] = [:]
        for (worker, nodes) in nodes.enumerated() {
            for (index, node) in nodes.enumerated() {
                let start = worker * length + index * count
                sums[node] = Array(gathered[start..<start + count])
            }
        }
        func total(_ node: Range<Int>) -> [Double] {
            if let sum = sums[node] { return sum }
            let middle = Self.middle(node)
            return Self.add(total(node.lowerBound..<middle), total(middle..<node.upperBound))
        }
        return total(0..<shards.count)
    }

    /// Where the shards of a node with several shards are cut: the left child has a power of two of them.
    private static func middle(_ node: Range<Int>) -> Int {
        var half = 1
        while 2 * half < node.count { half *= 2 }
        return node.lowerBound + half
    }

    /// The largest nodes of the tree over `count` shards that lie in a range.
    private static func nodes(_ range: Range<Int>, of count: Int) -> [Range<Int>] {
        func nodes(within node: Range<Int>) -> [Range<Int>] {
            if !node.overlaps(range) { return [] }
            if range.lowerBound <= node.lowerBound, node.upperBound <= range.upperBound { return [node] }
            let middle = middle(node)
            return nodes(within: node.lowerBound..<middle) + nodes(within: middle..<node.upperBound)
        }
        return nodes(within: 0..<count)
    }

    private static func add(_ a: [Double], _ b: [Double]) -> [Double] {
        var sum = a
        for index in sum.indices { sum[index] += b[index] }
        return sum
    }
}
