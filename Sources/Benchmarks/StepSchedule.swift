import CoupletCommunication
import CoupletLosses
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
    public let encoders: [EncoderCost]
    /// The part of the scores that is kept between the passes, 0 … 1. Pass 2 computes the others again.
    public let keptTiles: Double

    /// The most workers that sum by direct messages where recursive halving does not apply.
    public static let directLimit = SumAlgorithm.usualDirectLimit

    public init(
        workers: Int, shards: Int, batch: Int, dimension: Int, encoders: [EncoderCost], keptTiles: Double
    ) {
        precondition(batch % shards == 0, "a batch of \(batch) in \(shards) shards")
        partition = ShardPartition(shards: shards, workers: workers)
        precondition(
            Self.allows(workers: workers, shards: shards),
            "\(workers) workers of \(shards) shards sum in two levels, which this schedule does not have")
        self.batch = batch
        self.dimension = dimension
        self.encoders = encoders
        self.keptTiles = keptTiles
    }

    /// Whether the schedule has the gradient sum of so many workers.
    public static func allows(workers: Int, shards: Int) -> Bool {
        workers <= directLimit || ShardPartition(shards: shards, workers: workers).allowsRecursiveHalving
    }

    /// What an encoder computes and sends.
    public struct EncoderCost: Sendable {
        /// Operations of the forward pass for a pair.
        public let forward: Double
        /// In the order of the backward pass.
        public let buckets: [Bucket]

        /// Parameters whose gradients are summed as one unit, as soon as the last shard has passed their layers.
        public struct Bucket: Sendable {
            public let parameters: Int
            /// Operations of the backward pass through their layers for a pair.
            public let operations: Double

            public init(parameters: Int, operations: Double) {
                self.parameters = parameters
                self.operations = operations
            }
        }

        public init(forward: Double, buckets: [Bucket]) {
            self.forward = forward
            self.buckets = buckets
        }
    }

    /// P, the parameters of all encoders.
    public var parameters: Int { encoders.joinedBuckets.reduce(0) { $0 + $1.parameters } }

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
        let forward = encoders.reduce(0) { $0 + $1.forward }
        var events: [Event] = [.compute(.forward, operations: rows * forward)]
        pass(.scores, worker, readFloats: dimension + 1, summedFloats: 2, &events)
        pass(.gradients, worker, readFloats: dimension + 3, summedFloats: dimension, &events)
        backward(worker, &events)
        if partition.workers > 1 {
            for bucket in encoders.joinedBuckets { allGather(worker, bucket.parameters, &events) }
        }
        return events
    }

    /// The backward passes. When the last shard has passed the layers of a bucket, the sums of earlier buckets go a
    /// stage further, and that of the bucket begins.
    private func backward(_ worker: Int, _ events: inout [Event]) {
        let shards = partition.range(of: worker).count
        var sums: [ArraySlice<ReductionStage>] = []
        func advance() {
            for index in sums.indices {
                events += sums[index].removeFirst().completion
                events += sums[index].first?.start ?? []
            }
            sums.removeAll(where: \.isEmpty)
        }
        for encoder in encoders {
            let operations = encoder.buckets.reduce(0) { $0 + $1.operations }
            if shards > 1 {
                events.append(.compute(.backward, operations: Double((shards - 1) * shardRows) * operations))
            }
            for bucket in encoder.buckets {
                events.append(.compute(.backward, operations: Double(shardRows) * bucket.operations))
                guard partition.workers > 1 else { continue }
                advance()
                let stages = reduction(worker, bucket.parameters)
                events += stages[0].start
                sums.append(stages[...])
            }
        }
        while !sums.isEmpty { advance() }
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
            shardRows <= PairwiseSchedule.messageColumns
            ? max(1, PairwiseSchedule.messageColumns / shardRows) * shardRows : PairwiseSchedule.messageColumns
        if shardRows <= width {
            return stride(from: 0, to: columns, by: width).map { $0..<min($0 + width, columns) }
        }
        return (0..<shards).flatMap { shard in
            stride(from: 0, to: shardRows, by: width).map {
                shard * shardRows + $0..<shard * shardRows + min($0 + width, shardRows)
            }
        }
    }

    // MARK: - Gradient sum

    /// A part of a reduce-scatter: messages that leave together, and what happens when all of them have come.
    private struct ReductionStage {
        let start: [Event]
        let completion: [Event]
    }

    /// The reduce-scatter of a bucket: recursive halving, or messages to the owners of the slices.
    private func reduction(_ worker: Int, _ parameters: Int) -> [ReductionStage] {
        if partition.allowsRecursiveHalving {
            return distances.map { distance in
                let partner = worker ^ distance, count = parameters / (2 * distance)
                return ReductionStage(
                    start: exchange(partner, bytes: 4 * count),
                    completion: [
                        .wait(from: partner, .parameters), .compute(.additions, operations: Double(count)),
                    ])
            }
        }
        // Each worker sends the partial sums of its nodes in the slice of every other worker, and gets theirs.
        let others = others(of: worker), ownNodes = nodeCount(of: worker)
        let ownCount = sliceCount(of: worker, parameters)
        let allNodes = (0..<partition.workers).reduce(0) { $0 + nodeCount(of: $1) }
        return [
            ReductionStage(
                start: others.map { .receive(from: $0, .parameters, bytes: 4 * nodeCount(of: $0) * ownCount) }
                    + others.reversed().map {
                        .send(to: $0, .parameters, bytes: 4 * ownNodes * sliceCount(of: $0, parameters))
                    },
                completion: others.map { .wait(from: $0, .parameters) }
                    + [.compute(.additions, operations: Double((allNodes - 1) * ownCount))])
        ]
    }

    /// The way of the updated parameters of a bucket from their owners to all workers.
    private func allGather(_ worker: Int, _ parameters: Int, _ events: inout [Event]) {
        if partition.allowsRecursiveHalving {
            for distance in distances.reversed() {
                let partner = worker ^ distance
                events += exchange(partner, bytes: 4 * parameters / (2 * distance))
                events.append(.wait(from: partner, .parameters))
            }
            return
        }
        let others = others(of: worker), ownBytes = 4 * sliceCount(of: worker, parameters)
        events += others.map { .receive(from: $0, .parameters, bytes: 4 * sliceCount(of: $0, parameters)) }
        events += others.reversed().map { .send(to: $0, .parameters, bytes: ownBytes) }
        events += others.map { .wait(from: $0, .parameters) }
    }

    /// Messages of equal size between two workers, without the wait for that of the other one.
    private func exchange(_ partner: Int, bytes: Int) -> [Event] {
        [.receive(from: partner, .parameters, bytes: bytes), .send(to: partner, .parameters, bytes: bytes)]
    }

    /// 1, 2, 4, … W/2.
    private var distances: [Int] { (0..<partition.workers.trailingZeroBitCount).map { 1 << $0 } }

    private func others(of worker: Int) -> [Int] {
        (1..<partition.workers).map { (worker + $0) % partition.workers }
    }

    /// Number of a bucket's parameters that a worker sums and updates.
    private func sliceCount(of worker: Int, _ parameters: Int) -> Int {
        parameters / partition.shards * partition.range(of: worker).count
    }

    /// Number of nodes of the pairwise sum that cover a worker's shards.
    private func nodeCount(of worker: Int) -> Int {
        PairwiseSummation.nodes(covering: partition.range(of: worker), of: partition.shards).count
    }
}

extension [StepSchedule.EncoderCost] {
    /// The buckets of all encoders, in the order of the backward passes.
    fileprivate var joinedBuckets: [StepSchedule.EncoderCost.Bucket] { flatMap(\.buckets) }
}
