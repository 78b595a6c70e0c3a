import CoupletTensors

/// One worker's way to the others. A worker is a real thread: an MPI rank, a thread of a process, or a thread of a rank; who uses a
/// communicator does not know which. Every worker of the group calls the same methods in the same order.
///
/// Every method throws `CollectiveError` when a worker has failed (the others are woken, none hangs) or a call of MPI has.
public protocol Communicator: AnyObject, Sendable {
    /// This worker's number, 0 … size - 1. Workers of one process have consecutive numbers.
    var rank: Int { get }
    /// How many workers there are.
    var size: Int { get }
    /// This process's number among the processes of the group, and how many they are (1 without MPI).
    var processRank: Int { get }
    var processCount: Int { get }

    /// Returns when all workers have called it.
    func barrier() throws

    /// The bytes that `root` passes, on every worker (what others pass is ignored). Any length, known to the root alone.
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8]

    /// Every worker's bytes, by worker number, on every worker. Lengths may differ.
    func allGather(bytes: [UInt8]) throws -> [[UInt8]]

    /// Every worker's numbers, end to end by worker number, on every worker. The count is the same on all, and checked.
    func allGather(numbers: [Double]) throws -> [Double]

    /// Every worker's tensor, by worker number, on worker `root`; nil on the others. Counts may differ.
    func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]?

    /// Begins to swap a buffer with a partner (who calls it with this worker as partner). Until `finish` returns, `outgoing` may be
    /// read and not written, by both. In one process buffers change hands and nothing is copied; over MPI the partner's
    /// numbers arrive in `spare`, which may be empty where all workers are of one process.
    func beginExchange(_ outgoing: Tensor, spare: Tensor, with partner: Int) throws -> any PendingExchange

    /// Begins the first half of a tree sum: recursive halving with partner distances 1, 2, 4, …. `buffer.count` is a multiple of
    /// `size`, the same on all workers, and checked. Afterwards this worker holds the sum over all workers of
    /// `ownedRange(of: buffer.count)`;
    /// the rest of the buffer holds partial sums. The sum has the shape of the binary tree over worker numbers.
    func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduceScatter

    /// The other half, by recursive doubling: every worker holds the right numbers in its owned range; afterwards each
    /// holds all of them.
    /// Workers of one process may pass the very same memory: then nothing is copied between them.
    func allGather(_ buffer: Tensor) throws

    /// A communicator among the workers that pass the same color, numbered by (key, rank).
    func split(color: Int, key: Int) throws -> any Communicator

    /// Makes every other worker's present or next call throw, instead of waiting for this one for ever.
    func abort(because error: any Error)
}

extension Communicator {
    /// The range that this worker owns between the two halves of a tree sum over `count` numbers: the slice whose number is this
    /// worker's number with its bits reversed, for the first halving is by the lowest bit.
    public func ownedRange(of count: Int) -> Range<Int> { ownedRange(of: count, worker: rank) }

    /// The range that another worker owns.
    public func ownedRange(of count: Int, worker: Int) -> Range<Int> {
        precondition(count % size == 0, "\(count) numbers over \(size) workers")
        let slice = PairwiseSummation.bitReversedSlice(ofWorker: worker, workers: size), length = count / size
        return slice * length..<(slice + 1) * length
    }
}
