import CoupletTensors

// A tree sum adds the buffers of all workers along the tree of `PairwiseSummation`, in two halves:
//
//     reduce-scatter   leaves the sum of a slice of the buffer on the slice's owner    `beginReduceScatter`
//     all-gather       gives the slices of all owners to all workers                   `allGather(_:shards:)`
//
// A buffer is cut into S blocks, one for each shard, and a slice is a contiguous part of them (`ownedBlocks`). Where W
// and S/W are powers of two the two halves are recursive halving and doubling (`RecursiveHalving`), otherwise
// messages to the owners of the slices, directly or in levels (`SliceRouting`). Both add along the same tree.

/// How the sums of a communicator are computed. The bits do not depend on it.
package struct SumAlgorithm: Sendable {
    /// Whether recursive halving is used where it can be.
    var usesHalving = true
    /// The most processes, or workers of one process, that send to each other directly. Above, a sum has a level more.
    var directLimit = usualDirectLimit
    /// Number of consecutive workers that add their parts first; nil: the workers of a process.
    var workersPerUnit: Int?

    /// The direct limit of a run.
    package static let usualDirectLimit = 64

    package init(usesHalving: Bool = true, directLimit: Int = usualDirectLimit, workersPerUnit: Int? = nil) {
        self.usesHalving = usesHalving
        self.directLimit = directLimit
        self.workersPerUnit = workersPerUnit
    }
}

extension Communicator {
    /// A communicator among the same workers whose sums are computed by another algorithm, for tests. All workers call
    /// it.
    package func withSums(by algorithm: SumAlgorithm) throws -> any Communicator {
        let group = try split(color: 0, key: rank)
        (group as? WorkerCommunicator)?.treeSums.algorithm = algorithm
        return group
    }
}

/// The tree sums of one communicator.
struct TreeSumState {
    var algorithm = SumAlgorithm()
    /// Reduce-scatters that are not complete, oldest first.
    fileprivate var pending: [RunningSum] = []
    /// Number of the next reduce-scatter.
    private var nextNumber = 0
    /// Counts that all workers are known to have passed to each half.
    fileprivate var verifiedReduceScatterCounts: Set<Int> = []
    fileprivate var verifiedAllGatherCounts: Set<Int> = []
    /// By number of shards.
    fileprivate var routings: [Int: SliceRouting] = [:]

    fileprivate mutating func takeNumber() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }
}

// MARK: - The two halves

extension WorkerCommunicator {
    /// Whether a sum goes by recursive halving; with one worker there is nothing to send.
    private func usesHalving(shards: Int) -> Bool {
        if size == 1 { return true }
        return treeSums.algorithm.usesHalving
            && ShardPartition(shards: shards, workers: size).allowsRecursiveHalving
    }

    func ownedBlocks(of shards: Int, worker: Int) -> Range<Int> {
        precondition(size <= shards, "\(shards) blocks over \(size) workers")
        guard usesHalving(shards: shards) else {
            return ShardPartition(shards: shards, workers: size).range(of: worker)
        }
        let slice = PairwiseSummation.bitReversedSlice(ofWorker: worker, workers: size), length = shards / size
        return slice * length..<(slice + 1) * length
    }

    /// The way of the slices of a buffer with a number of blocks.
    func routing(shards: Int) -> SliceRouting {
        if let known = treeSums.routings[shards] { return known }
        let new = SliceRouting(
            ShardPartition(shards: shards, workers: size), rank: rank,
            workersPerUnit: treeSums.algorithm.workersPerUnit ?? workersPerProcess ?? 1,
            directLimit: treeSums.algorithm.directLimit)
        treeSums.routings[shards] = new
        return new
    }

    func beginReduceScatter(_ nodes: [Tensor], shards: Int) throws -> any PendingReduceScatter {
        let call = MessageHeader.Operation.reduceScatter.call
        try throwIfAborted(call: call)
        let expected = PairwiseSummation.nodes(
            covering: ShardPartition(shards: shards, workers: size).range(of: rank), of: shards)
        precondition(
            nodes.count == expected.count && nodes.allSatisfy { $0.count == nodes[0].count },
            "\(nodes.map(\.count)) numbers of \(expected.count) nodes: \(expected)")
        let sum =
            usesHalving(shards: shards)
            ? HalvingReduceScatter(communicator: self, nodes: nodes, shards: shards)
            : RoutedReduceScatter(communicator: self, nodes: nodes, shards: shards)
        try sum.verifyCountAndTakeNumber()
        treeSums.pending.append(sum)
        try advanceTreeSums()
        return sum
    }

    /// Advances every pending sum as far as possible without waiting, the oldest first.
    fileprivate func advanceTreeSums() throws {
        for sum in treeSums.pending where try sum.advanceAlone() {
            sum.isDone = true
            treeSums.pending.removeAll { $0 === sum }
        }
    }

    func allGather(_ buffer: Tensor, shards: Int) throws {
        try throwIfAborted(call: MessageHeader.Operation.allGather.call)
        try verifyCount(buffer.count, shards: shards, .checkAllGather, channel: Channel.blocking)
        if usesHalving(shards: shards) {
            try allGatherByDoubling(buffer)
        } else {
            try allGatherByRouting(buffer, shards: shards)
        }
    }

    // MARK: - Checks before the first number is sent

    fileprivate func isVerified(_ count: Int, _ operation: MessageHeader.Operation) -> Bool {
        operation == .checkReduceScatter
            ? treeSums.verifiedReduceScatterCounts.contains(count) : treeSums.verifiedAllGatherCounts.contains(count)
    }

    /// Checks that all workers pass the same count, and that the number of shards divides it.
    ///
    /// Each count is checked once, with messages of 48 bytes. They use the channel and take the way of the call itself.
    /// So if one worker already knows its count and another has to check a different one, both fail at their first
    /// contact.
    ///
    /// - Throws: `CollectiveError` (`badSize`, `workersDisagree`) on all workers.
    fileprivate func verifyCount(
        _ count: Int, shards: Int, _ operation: MessageHeader.Operation, channel: Int
    ) throws {
        let call = operation.call, participants = "\(size) workers"
        if !isVerified(count, operation) {
            let header = try mergedCounts(count, shards: shards, operation, channel: channel)
            guard header.smallest == header.largest else {
                throw CollectiveError(
                    .workersDisagree, call: call, participants: participants,
                    reason: "worker \(header.smallestWorker) passed \(header.smallest) numbers, "
                        + "worker \(header.largestWorker) passed \(header.largest)",
                    remedy: "pass the same count on all workers")
            }
            if operation == .checkReduceScatter {
                treeSums.verifiedReduceScatterCounts.insert(count)
            } else {
                treeSums.verifiedAllGatherCounts.insert(count)
            }
        }
        guard count % shards == 0 else {
            throw CollectiveError(
                .badSize, call: call, participants: participants,
                reason: "\(count) numbers cannot be cut into \(shards) equal blocks",
                remedy: "pad to \((count + shards - 1) / shards * shards)")
        }
    }

    /// The smallest and the largest count of all workers.
    private func mergedCounts(
        _ count: Int, shards: Int, _ operation: MessageHeader.Operation, channel: Int
    ) throws -> MessageHeader {
        var header = MessageHeader(operation, count: count, worker: rank)
        let isReduceScatter = operation == .checkReduceScatter
        /// Receivers and senders of each round.
        let rounds: [(to: [Int], from: [Int])] =
            if usesHalving(shards: shards) {
                (isReduceScatter ? distances : distances.reversed()).map { ([rank ^ $0], [rank ^ $0]) }
            } else if isReduceScatter {
                routing(shards: shards).stages.map { ($0.outgoing.map(\.peer), $0.incoming.map(\.peer)) }
            } else {
                routing(shards: shards).stages.reversed().map { ($0.incoming.map(\.peer), $0.outgoing.map(\.peer)) }
            }
        for (receivers, senders) in rounds {
            let outgoing = header
            for receiver in receivers { try connection(to: receiver).send(outgoing, bytes: [], channel: channel) }
            for sender in senders {
                header.merge(try connection(to: sender).receive(outgoing, channel: channel).header)
            }
            for receiver in receivers { try connection(to: receiver).completeSend(channel: channel) }
        }
        return header
    }
}

// MARK: - A running reduce-scatter

/// A reduce-scatter in progress.
class RunningSum: PendingReduceScatter {
    let communicator: WorkerCommunicator
    /// The buffers of this worker's nodes, from left to right.
    let nodes: [Tensor]
    let shards: Int
    /// Selects the channel. It is the same on all workers, because all start the same sums in the same order.
    private var number = 0
    fileprivate(set) var isDone = false

    init(communicator: WorkerCommunicator, nodes: [Tensor], shards: Int) {
        self.communicator = communicator
        self.nodes = nodes
        self.shards = shards
    }

    /// Receives the sum.
    var buffer: Tensor { nodes[0] }

    /// The worker whose numbers this sum waits for; nil when all have arrived, or if it waits for several.
    var partner: Int? { nil }

    /// Advances this sum as far as possible without waiting; returns whether it is complete.
    func advanceAlone() throws -> Bool { preconditionFailure("a sum without an algorithm") }

    /// A check of the count takes a separate number, and so a separate channel.
    fileprivate func verifyCountAndTakeNumber() throws {
        let isVerified = communicator.isVerified(buffer.count, .checkReduceScatter)
        if !isVerified {
            number = communicator.treeSums.takeNumber()
            try communicator.wait(MessageHeader.Operation.reduceScatter.call) {
                try communicator.advanceTreeSums()
                return isChannelFree
            }
        }
        try communicator.verifyCount(buffer.count, shards: shards, .checkReduceScatter, channel: channel)
        number = communicator.treeSums.takeNumber()
    }

    var channel: Int { Channel.firstSum + number % Channel.concurrentSums }

    /// Whether the sum that used the channel before is complete, so that none of its messages are left.
    var isChannelFree: Bool {
        communicator.treeSums.pending.allSatisfy { $0 === self || $0.number > number - Channel.concurrentSums }
    }

    func advance() throws {
        if isDone { return }
        try communicator.throwIfAborted(call: "advance")
        try communicator.advanceTreeSums()
    }

    func finish() throws {
        try communicator.wait("finish of \(MessageHeader.Operation.reduceScatter.call)", for: partner) {
            if isDone { return true }
            try communicator.advanceTreeSums()
            return isDone
        }
    }
}
