import CoupletCommunication
import CoupletTensors

/// The computations and messages of a training step on each of W workers, as the pairwise engine, the ring and the
/// gradient sum perform them. No worker has to run: the schedule follows from a few numbers.
///
/// B pairs of d numbers in S shards. Each pass of the loss goes once around the ring (`PairwiseSchedule`): at step k =
/// 0 … W a worker computes on the block of worker p + k, sends to p - 1 and receives from p + 1. A row of a block has d
/// + 1 numbers that are read in pass 1 and d + 3 in pass 2, which move W - 1 times, and 2 and d sums, which move W
/// times. So all workers together send
///
///     4 B ((W - 1) (2 d + 4) + W (d + 2))   bytes in the ring,   2 · 4 P (W - 1)   in the gradient sum
///
/// for two-sided losses of one batch and P parameters, where W and S/W are powers of two. The schedule leaves out
/// headers and the messages of scalars, some tens of bytes each.
public struct StepSchedule: Sendable {
    public let partition: ShardPartition
    /// B.
    public let batch: Int
    /// d.
    public let dimension: Int
    /// P, the parameters of all encoders.
    public let parameters: Int
    /// Operations of the encoders for a pair, forward and backward.
    public let encoderOperations: Double
    /// The part of the scores that is kept between the passes, 0 … 1. Pass 2 computes the others again.
    public let keptTiles: Double

    /// Columns of a message of sums, if a shard has more.
    static let messageColumns = 512
    /// The most workers that sum by direct messages where recursive halving does not apply.
    public static let directLimit = 64

    public init(
        workers: Int, shards: Int, batch: Int, dimension: Int, parameters: Int, encoderOperations: Double,
        keptTiles: Double
    ) {
        precondition(batch % shards == 0, "a batch of \(batch) in \(shards) shards")
        partition = ShardPartition(shards: shards, workers: workers)
        precondition(
            Self.allows(workers: workers, shards: shards),
            "\(workers) workers of \(shards) shards sum in two levels, which this schedule does not have")
        self.batch = batch
        self.dimension = dimension
        self.parameters = parameters
        self.encoderOperations = encoderOperations
        self.keptTiles = keptTiles
    }

    /// Whether the schedule has the gradient sum of so many workers.
    public static func allows(workers: Int, shards: Int) -> Bool {
        isHalving(workers: workers, shards: shards) || workers <= directLimit
    }

    /// Whether W and S/W are powers of two, so that each worker has one node of the tree.
    private static func isHalving(workers: Int, shards: Int) -> Bool {
        workers.nonzeroBitCount == 1 && shards % workers == 0 && (shards / workers).nonzeroBitCount == 1
    }

    // MARK: - Events

    /// Kinds of computation.
    public enum Phase: String, Sendable, CaseIterable {
        case forward
        /// Pass 1 of the loss: scores and their sums.
        case scores
        /// Pass 2 of the loss: weights and gradients.
        case gradients
        case backward
        /// Additions of the gradient sum; an operation adds one number.
        case additions
    }

    /// Messages of a stream between two workers arrive in order.
    public enum Stream: String, Sendable, CaseIterable {
        /// Blocks that are read.
        case data
        /// Sums of a block's columns.
        case sums
        /// Gradients and parameters.
        case parameters
    }

    /// What a worker does, in this order. Sends and receives do not wait.
    public enum Event: Sendable, Equatable {
        case compute(Phase, operations: Double)
        case send(to: Int, Stream, bytes: Int)
        /// The memory for a message of a worker is there.
        case receive(from: Int, Stream, bytes: Int)
        /// Waits for the oldest message of a worker that has not been waited for.
        case wait(from: Int, Stream)
    }

    private var shardRows: Int { batch / partition.shards }

    /// All events of a worker in a step.
    public func events(of worker: Int) -> [Event] {
        let rows = Double(partition.range(of: worker).count * shardRows)
        var events: [Event] = [.compute(.forward, operations: rows * encoderOperations / 3)]
        pass(.scores, worker, readFloats: dimension + 1, summedFloats: 2, &events)
        pass(.gradients, worker, readFloats: dimension + 3, summedFloats: dimension, &events)
        events.append(.compute(.backward, operations: rows * encoderOperations * 2 / 3))
        if partition.workers > 1 { gradientSum(worker, &events) }
        return events
    }

    /// Operations of a pair of rows in a pass: one product of 2 d operations in pass 1, two in pass 2, and the
    /// recomputed part of a third.
    private func operations(_ phase: Phase) -> Double {
        let product = 2 * Double(dimension)
        return phase == .scores ? product : product * (2 + 1 - keptTiles)
    }

    private func pass(_ phase: Phase, _ worker: Int, readFloats: Int, summedFloats: Int, _ events: inout [Event]) {
        let size = partition.workers, local = partition.range(of: worker).count
        let next = (worker + size - 1) % size, previous = (worker + 1) % size
        func blockShards(_ step: Int) -> Int { partition.range(of: (worker + step) % size).count }
        func bytes(_ columns: Int, _ floats: Int) -> Int { 4 * columns * floats }
        for step in 0...size {
            let shards = blockShards(step), isOwn = step % size == 0
            if step + 1 < size {
                events.append(.send(to: next, .data, bytes: bytes(shards * shardRows, readFloats)))
                events.append(
                    .receive(from: previous, .data, bytes: bytes(blockShards(step + 1) * shardRows, readFloats)))
            }
            if step < size, size > 1 {
                for columns in messages(blockShards(step + 1)) {
                    events.append(.receive(from: previous, .sums, bytes: bytes(columns.count, summedFloats)))
                }
            }
            for columns in messages(shards) {
                if step > 0, size > 1 { events.append(.wait(from: previous, .sums)) }
                var pairs = 0.0
                for shard in columns.lowerBound / shardRows...(columns.upperBound - 1) / shardRows {
                    let width = columns.clamped(to: shard * shardRows..<(shard + 1) * shardRows).count
                    let rowShards = !isOwn ? local : step == 0 ? shard + 1 : local - shard - 1
                    pairs += Double(width) * Double(rowShards * shardRows)
                }
                if pairs > 0 { events.append(.compute(phase, operations: pairs * operations(phase))) }
                if step < size, size > 1 {
                    events.append(.send(to: next, .sums, bytes: bytes(columns.count, summedFloats)))
                }
            }
            if step + 1 < size { events.append(.wait(from: previous, .data)) }
        }
    }

    /// The columns of each message of the sums of a block.
    private func messages(_ shards: Int) -> [Range<Int>] {
        let columns = shards * shardRows
        // Whole shards where several fit, otherwise equal parts of a shard.
        let width =
            shardRows <= Self.messageColumns
            ? max(1, Self.messageColumns / shardRows) * shardRows : Self.messageColumns
        if shardRows <= width {
            return stride(from: 0, to: columns, by: width).map { $0..<min($0 + width, columns) }
        }
        return (0..<shards).flatMap { shard in
            stride(from: 0, to: shardRows, by: width).map {
                shard * shardRows + $0..<shard * shardRows + min($0 + width, shardRows)
            }
        }
    }

    /// The gradient sum after the backward pass, and the way of the parameters back. The overlap of the first buckets
    /// with the backward pass is left out.
    private func gradientSum(_ worker: Int, _ events: inout [Event]) {
        let size = partition.workers
        func exchange(_ partner: Int, bytes: Int) {
            events += [
                .receive(from: partner, .parameters, bytes: bytes), .send(to: partner, .parameters, bytes: bytes),
                .wait(from: partner, .parameters),
            ]
        }
        if Self.isHalving(workers: size, shards: partition.shards) {
            let distances = (0..<size.trailingZeroBitCount).map { 1 << $0 }
            for distance in distances {
                exchange(worker ^ distance, bytes: 4 * parameters / (2 * distance))
                events.append(.compute(.additions, operations: Double(parameters / (2 * distance))))
            }
            for distance in distances.reversed() {
                exchange(worker ^ distance, bytes: 4 * parameters / (2 * distance))
            }
            return
        }
        // Each worker sends the partial sums of its nodes in the slice of every other worker, and gets theirs.
        func sliceBytes(_ owner: Int) -> Int {
            4 * (parameters / partition.shards * partition.range(of: owner).count)
        }
        let others = (1..<size).map { (worker + $0) % size }
        for other in others {
            let nodes = nodeCount(of: other)
            events.append(.receive(from: other, .parameters, bytes: nodes * sliceBytes(worker)))
        }
        let ownNodes = nodeCount(of: worker)
        for other in others.reversed() {
            events.append(.send(to: other, .parameters, bytes: ownNodes * sliceBytes(other)))
        }
        for other in others { events.append(.wait(from: other, .parameters)) }
        let allNodes = (0..<size).reduce(0) { $0 + nodeCount(of: $1) }
        events.append(.compute(.additions, operations: Double((allNodes - 1) * sliceBytes(worker) / 4)))
        for other in others { events.append(.receive(from: other, .parameters, bytes: sliceBytes(other))) }
        for other in others.reversed() { events.append(.send(to: other, .parameters, bytes: sliceBytes(worker))) }
        for other in others { events.append(.wait(from: other, .parameters)) }
    }

    /// Number of nodes of the pairwise sum that cover a worker's shards.
    private func nodeCount(of worker: Int) -> Int {
        PairwiseSummation.nodes(covering: partition.range(of: worker), of: partition.shards).count
    }
}
