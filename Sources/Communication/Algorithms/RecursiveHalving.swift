import CCoupletKernels
import CoupletTensors
import Glibc

// Tree sums where W = number of workers and the shards of a worker are powers of two, so that each worker has one node
// of the tree:
//
//     reduce-scatter   recursive halving, distances 1, 2, 4, …     `HalvingReduceScatter`
//     all-gather       recursive doubling, distances …, 4, 2, 1    `allGatherByDoubling`
//
// Recursive halving is that of Thakur, Rabenseifner, Gropp 2005, section 4.5, with the nearest partner first. Each half
// sends log₂ W messages and n (W - 1)/W numbers per worker, n = count of the buffer.

/// The ranges of recursive halving over a buffer.
///
/// At level l a worker's range is cut in two. Bit l of the worker number selects the half that the worker keeps (0: the
/// lower one); the other half is the partner's, at distance 2^l.
struct RecursiveHalving {
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

// MARK: - All-gather

extension WorkerCommunicator {
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
    func allGatherByDoubling(_ buffer: Tensor) throws {
        let call = MessageHeader.Operation.allGather.call
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
}

// MARK: - Reduce-scatter

/// A reduce-scatter by recursive halving. At level l the worker sends one half of its range to the partner at distance
/// 2^l, and adds the partner's numbers to the half that it keeps.
///
/// A half that has been sent is not written again during the sum, so only the end of the sum waits for the partner's
/// reads.
final class HalvingReduceScatter: RunningSum {
    private let halving: RecursiveHalving
    private var level = 0
    private var transfer: (any Transfer)?
    /// Transfers from which the partner may still read.
    private var unfinishedSends: [any Transfer] = []

    override init(communicator: WorkerCommunicator, nodes: [Tensor], shards: Int) {
        halving = RecursiveHalving(count: nodes[0].count, rank: communicator.rank, size: communicator.size)
        super.init(communicator: communicator, nodes: nodes, shards: shards)
    }

    override var partner: Int? { halving.levels.contains(level) ? halving.partner(level) : nil }

    override func advanceAlone() throws -> Bool {
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
        return true
    }
}
