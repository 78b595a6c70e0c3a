import CCoupletKernels
import CoupletTensors

/// A reduce-scatter under way: recursive halving, the nearest partner first.
///
/// At level l this worker gives one half of what it holds to the partner with distance 2^l and adds the partner's numbers
/// to the half it keeps.
/// A half that was given is not written again in this sum, so nothing waits for the partner's reading until the end.
final class TreeReduceScatter: PendingReduceScatter {
    private let communicator: WorkerCommunicator
    private let buffer: Tensor
    private var ranges = RecursiveHalving(count: 0, rank: 0, size: 1)
    private var number = 0
    private var level = 0
    private var transfer: (any Transfer)?
    /// All transfers that the partner may still be reading from.
    private var given: [any Transfer] = []
    private var isDone = false

    init(communicator: WorkerCommunicator, buffer: Tensor) {
        self.communicator = communicator
        self.buffer = buffer
    }

    /// Checks the count, and takes the number that decides on the lane: the same on all workers, for all begin the same
    /// sums in the same
    /// order. Where a check is made it takes a number of its own, and so the lane that the sum itself would have.
    func prepare() throws {
        let count = buffer.count
        if !communicator.isVerified(.checkReduceScatter, count: count) {
            number = communicator.takeSumNumber()
            try communicator.wait("beginReduceScatter") {
                try communicator.advanceSums()
                return isLaneFree
            }
            try communicator.verify(.checkReduceScatter, count: count, lane: lane)
        }
        number = communicator.takeSumNumber()
        ranges = RecursiveHalving(count: count, rank: communicator.rank, size: communicator.size)
    }

    /// Whose numbers come next; nil when all have come.
    private var partner: Int? { level < ranges.levels.count ? communicator.rank ^ (1 << level) : nil }

    private var lane: Int { Lane.reductions + number % Lane.sumsUnderWay }

    /// Whether the sum that used this lane before is done: then nothing of it lies in a mailbox or waits to be received.
    private var isLaneFree: Bool {
        communicator.sums.allSatisfy { $0 === self || $0.number > number - Lane.sumsUnderWay }
    }

    func advance() throws {
        if isDone { return }
        try communicator.check("advance")
        try communicator.advanceSums()
    }

    func finish() throws {
        try communicator.wait("finish of beginReduceScatter", for: partner) {
            if isDone { return true }
            try communicator.advanceSums()
            return isDone
        }
    }

    /// Goes on with this sum alone as far as it goes without waiting; true when it is done.
    func advanceAlone() throws -> Bool {
        let pointer = buffer.pointer
        while level < ranges.levels.count {
            guard let current = transfer else {
                if level == 0, !isLaneFree { return false }
                let partner = communicator.rank ^ (1 << level), out = ranges.given(level)
                let new = try communicator.link(to: partner).beginTransfer(
                    MessageHeader(.reduceScatter, count: buffer.count, worker: communicator.rank), lane: lane,
                    outgoing: buffer.flat(out), destination: nil)
                transfer = new
                given.append(new)
                continue
            }
            let sum = pointer + ranges.kept(level).lowerBound
            guard try current.advance({ couplet_add($1.count, $0, sum + $1.lowerBound) }) else { return false }
            transfer = nil
            level += 1
        }
        while let last = given.last {
            guard try last.isReclaimed() else { return false }
            given.removeLast()
        }
        isDone = true
        return true
    }
}
