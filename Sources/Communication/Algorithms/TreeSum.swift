import CCoupletKernels
import CoupletTensors
import Glibc

// A tree sum adds a buffer over all workers, in the order of the binary tree over worker numbers, in two halves:
//
//     reduce-scatter   recursive halving, distances 1, 2, 4, …     `beginReduceScatter`, `TreeReduceScatter`
//     all-gather       recursive doubling, distances …, 4, 2, 1    `allGather(_:)`
//
// W = number of workers, a power of two; n = count of the buffer, a multiple of W. Each half sends log₂ W messages and
// n (W - 1)/W numbers per worker.

/// The ranges of recursive halving over a buffer.
///
/// At level l a worker's range is cut in two. Bit l of the worker number selects the half that the worker keeps (0: the
/// lower one); the other half is the partner's, at distance 2^l.
private struct RecursiveHalving {
    /// The worker's range after 0, 1, … halvings. The last one is `Communicator.ownedRange`.
    private let ranges: [Range<Int>]
    private let rank: Int

    init(count: Int, rank: Int, size: Int) {
        self.rank = rank
        var ranges = [0..<count], distance = 1
        while distance < size {
            let range = ranges[ranges.count - 1], middle = range.lowerBound + range.count / 2
            ranges.append(rank & distance == 0 ? range.lowerBound..<middle : middle..<range.upperBound)
            distance *= 2
        }
        self.ranges = ranges
    }

    var levels: Range<Int> { 0..<(ranges.count - 1) }

    func partner(_ level: Int) -> Int { rank ^ (1 << level) }

    /// The half that this worker keeps.
    func keptHalf(_ level: Int) -> Range<Int> { ranges[level + 1] }

    /// The half that the partner keeps.
    func partnerHalf(_ level: Int) -> Range<Int> {
        let whole = ranges[level], kept = ranges[level + 1]
        return rank & (1 << level) == 0 ? kept.upperBound..<whole.upperBound : whole.lowerBound..<kept.lowerBound
    }
}

/// The tree sums of one communicator.
struct TreeSumState {
    /// Reduce-scatters that are not complete, oldest first.
    fileprivate var pending: [TreeReduceScatter] = []
    /// Number of the next reduce-scatter.
    private var nextNumber = 0
    /// Counts that all workers are known to have passed to each half.
    fileprivate var verifiedReduceScatterCounts: Set<Int> = []
    fileprivate var verifiedAllGatherCounts: Set<Int> = []

    fileprivate mutating func takeNumber() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }
}

// MARK: - The two halves

extension WorkerCommunicator {
    /// Recursive halving (Thakur, Rabenseifner, Gropp 2005, section 4.5), with the nearest partner first. Each worker
    /// sends, receives and adds n (W - 1)/W numbers.
    func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduceScatter {
        try throwIfAborted(call: "beginReduceScatter")
        let sum = TreeReduceScatter(communicator: self, buffer: buffer)
        try sum.verifyCountAndTakeNumber()
        treeSums.pending.append(sum)
        try advanceTreeSums()
        return sum
    }

    /// Advances every pending sum as far as possible without waiting, the oldest first.
    fileprivate func advanceTreeSums() throws {
        for sum in treeSums.pending where try sum.advanceAlone() {
            treeSums.pending.removeAll { $0 === sum }
        }
    }

    /// Recursive doubling. Each worker sends and receives n (W - 1)/W numbers; nothing is copied between workers that
    /// share the buffer.
    ///
    /// *Why a shared buffer is safe.* Before the step with distance d, this worker holds a range H, which depends only
    /// on the worker number modulo 2d. In the step it writes its partner's range H', while its partner reads H. H and
    /// H' together are the range of the next step. It depends only on the worker number modulo d, so workers whose
    /// numbers differ modulo d read and write disjoint ranges. A step ends when *both* directions are complete: the
    /// partner's numbers have arrived, and the partner has read this worker's numbers, or MPI has sent them.
    ///
    /// - A buffer that no other worker shares: the partner has finished reading at the end of each step, so the worker
    ///   may write it after the return.
    /// - A buffer shared by the T threads of a process (an aligned block of workers, so their numbers differ modulo T):
    ///   the steps with distances W/2 … T go to other processes; there the threads read and write disjoint ranges. The
    ///   steps T/2 … 1 stay in the process and only synchronise. After them each thread knows, directly or indirectly,
    ///   that all T threads have finished their transfers. So the whole buffer is final, and this call no longer reads
    ///   or writes it.
    /// - Before the call, no worker of the process may still read the old numbers. A finished `beginReduceScatter`
    ///   guarantees it, because it finishes only after *every* worker has started it.
    func allGather(_ buffer: Tensor) throws {
        let call = "allGather(_:)"
        try throwIfAborted(call: call)
        try verifyCount(buffer.count, .checkAllGather, channel: Channel.blocking)
        let halving = RecursiveHalving(count: buffer.count, rank: rank, size: size)
        let header = MessageHeader(.allGather, count: buffer.count, worker: rank)
        let pointer = buffer.pointer
        var isShared = false, wasShared = false
        for level in halving.levels.reversed() {
            let partner = halving.partner(level)
            let outgoing = halving.keptHalf(level), incoming = halving.partnerHalf(level)
            let destination = pointer + incoming.lowerBound
            isShared = false
            let connection = try connection(to: partner)
            let transfer = try connection.beginTransfer(
                header, channel: Channel.blocking, outgoing: buffer.flat(outgoing), destination: buffer.flat(incoming))
            try wait(call, for: partner) {
                try transfer.advance { source, range in
                    if source == destination + range.lowerBound {
                        isShared = true
                    } else {
                        memcpy(
                            destination + range.lowerBound, source, range.count * MemoryLayout<Float>.stride)
                    }
                } && transfer.isSendComplete()
            }
            isShared = isShared && !connection.isRemote
            if wasShared, !isShared, buffer.count > 0 {
                throw CollectiveError(
                    .workersDisagree, call: call, participants: "worker \(rank) of \(size)",
                    reason: "the workers that share a buffer are not an aligned block of worker numbers",
                    remedy:
                        "share it among all threads of a process, with consecutive numbers, or give each worker its own"
                )
            }
            wasShared = isShared
        }
        withExtendedLifetime(buffer) {}
    }

    // MARK: - Checks before the first number is sent

    fileprivate func isVerified(_ count: Int, _ operation: MessageHeader.Operation) -> Bool {
        operation == .checkReduceScatter
            ? treeSums.verifiedReduceScatterCounts.contains(count) : treeSums.verifiedAllGatherCounts.contains(count)
    }

    /// Checks that W is a power of two that divides the count, and that all workers pass the same count.
    ///
    /// Each count is checked once, with log₂ W messages of 48 bytes. They use the channel and the order of partners of
    /// the call itself. So if one worker already knows its count and another has to check a different one, both fail at
    /// their first contact.
    ///
    /// - Throws: `CollectiveError` (`badSize`, `workersDisagree`) on all workers.
    fileprivate func verifyCount(_ count: Int, _ operation: MessageHeader.Operation, channel: Int) throws {
        if isVerified(count, operation) { return }
        let call = operation.call, participants = "\(size) workers"
        guard isPowerOfTwo else {
            let exponent = Int.bitWidth - 1 - size.leadingZeroBitCount
            throw CollectiveError(
                .badSize, call: call, participants: participants,
                reason: "a tree sum needs a power of two of workers, not \(size)",
                remedy: "take \(1 << exponent) or \(1 << (exponent + 1))")
        }
        var header = MessageHeader(operation, count: count, worker: rank)
        for distance in operation == .checkReduceScatter ? distances : distances.reversed() {
            let connection = try connection(to: rank ^ distance)
            try connection.send(header, bytes: [], channel: channel)
            let received = try connection.receive(header, channel: channel).header
            try connection.completeSend(channel: channel)
            header.merge(received)
        }
        guard header.smallest == header.largest else {
            throw CollectiveError(
                .workersDisagree, call: call, participants: participants,
                reason: "worker \(header.smallestWorker) passed \(header.smallest) numbers, "
                    + "worker \(header.largestWorker) passed \(header.largest)",
                remedy: "pass the same count on all workers")
        }
        guard count % size == 0 else {
            throw CollectiveError(
                .badSize, call: call, participants: participants,
                reason: "\(count) numbers cannot be divided among \(size) workers",
                remedy: "pad to \((count + size - 1) / size * size)")
        }
        if operation == .checkReduceScatter {
            treeSums.verifiedReduceScatterCounts.insert(count)
        } else {
            treeSums.verifiedAllGatherCounts.insert(count)
        }
    }
}

// MARK: - A running reduce-scatter

/// A reduce-scatter in progress. At level l the worker sends one half of its range to the partner at distance 2^l, and
/// adds the partner's numbers to the half that it keeps.
///
/// A half that has been sent is not written again during the sum, so only the end of the sum waits for the partner's
/// reads.
private final class TreeReduceScatter: PendingReduceScatter {
    private let communicator: WorkerCommunicator
    private let buffer: Tensor
    private let halving: RecursiveHalving
    /// Selects the channel. It is the same on all workers, because all start the same sums in the same order.
    private var number = 0
    private var level = 0
    private var transfer: (any Transfer)?
    /// Transfers from which the partner may still read.
    private var unfinishedSends: [any Transfer] = []
    private var isDone = false

    init(communicator: WorkerCommunicator, buffer: Tensor) {
        self.communicator = communicator
        self.buffer = buffer
        halving = RecursiveHalving(count: buffer.count, rank: communicator.rank, size: communicator.size)
    }

    /// A check of the count takes a separate number, and so a separate channel.
    func verifyCountAndTakeNumber() throws {
        if !communicator.isVerified(buffer.count, .checkReduceScatter) {
            number = communicator.treeSums.takeNumber()
            try communicator.wait("beginReduceScatter") {
                try communicator.advanceTreeSums()
                return isChannelFree
            }
            try communicator.verifyCount(buffer.count, .checkReduceScatter, channel: channel)
        }
        number = communicator.treeSums.takeNumber()
    }

    /// The worker whose numbers this sum waits for; nil when all have arrived.
    private var partner: Int? { halving.levels.contains(level) ? halving.partner(level) : nil }

    private var channel: Int { Channel.firstSum + number % Channel.concurrentSums }

    /// Whether the sum that used the channel before is complete, so that none of its messages are left.
    private var isChannelFree: Bool {
        communicator.treeSums.pending.allSatisfy { $0 === self || $0.number > number - Channel.concurrentSums }
    }

    func advance() throws {
        if isDone { return }
        try communicator.throwIfAborted(call: "advance")
        try communicator.advanceTreeSums()
    }

    func finish() throws {
        try communicator.wait("finish of beginReduceScatter", for: partner) {
            if isDone { return true }
            try communicator.advanceTreeSums()
            return isDone
        }
    }

    /// Advances this sum as far as possible without waiting; returns whether it is complete.
    func advanceAlone() throws -> Bool {
        let pointer = buffer.pointer
        while let partner {
            guard let current = transfer else {
                if level == 0, !isChannelFree { return false }
                let new = try communicator.connection(to: partner).beginTransfer(
                    MessageHeader(.reduceScatter, count: buffer.count, worker: communicator.rank), channel: channel,
                    outgoing: buffer.flat(halving.partnerHalf(level)), destination: nil)
                transfer = new
                unfinishedSends.append(new)
                continue
            }
            let sum = pointer + halving.keptHalf(level).lowerBound
            guard try current.advance({ couplet_add($1.count, $0, sum + $1.lowerBound) }) else { return false }
            transfer = nil
            level += 1
        }
        while let last = unfinishedSends.last {
            guard try last.isSendComplete() else { return false }
            unfinishedSends.removeLast()
        }
        isDone = true
        return true
    }
}
