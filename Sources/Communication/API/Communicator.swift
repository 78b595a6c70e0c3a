import CoupletTensors

/// The operations of one worker with the other workers of its group.
///
/// A worker is one computing thread: an MPI rank, a thread of a process, or a thread of a rank. Callers do not need to
/// know which. All workers of a group call the same methods in the same order. A communicator belongs to its worker's
/// thread; only `abort` may be called from any thread.
///
/// Every method throws `CollectiveError` if another worker has failed or an MPI call fails. A failure wakes all workers
/// that wait, so none of them hangs.
public protocol Communicator: AnyObject, Sendable {
    /// Number of this worker, 0 … size - 1. Workers of one process have consecutive numbers.
    var rank: Int { get }
    /// Number of workers, W.
    var size: Int { get }
    /// Number of this process among the processes of the group.
    var processRank: Int { get }
    /// Number of processes of the group; 1 without MPI.
    var processCount: Int { get }

    /// Returns after all workers have called it.
    func barrier() throws

    /// Returns the bytes of worker `root` on every worker; bytes that other workers pass are ignored. Only the root
    /// needs to know the length.
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8]

    /// Returns the bytes of every worker, ordered by worker number, on every worker. Lengths may differ.
    func allGather(bytes: [UInt8]) throws -> [[UInt8]]

    /// Returns the concatenated numbers of all workers, ordered by worker number, on every worker.
    ///
    /// - Throws: `CollectiveError` (`workersDisagree`) unless all workers pass the same count.
    func allGather(numbers: [Double]) throws -> [Double]

    /// Returns the tensors of all workers, ordered by worker number, on worker `root`, and nil on the others. Shapes
    /// may differ.
    func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]?

    /// Starts to swap a buffer with a partner; the partner makes the same call with this worker as its partner.
    ///
    /// Until `finish` returns, both workers may read `outgoing` and neither may write it. Within a process the two
    /// workers swap their buffers and nothing is copied. Over MPI the partner's numbers arrive in `spare`, which may be
    /// empty if all workers belong to one process.
    func beginExchange(_ outgoing: Tensor, spare: Tensor, with partner: Int) throws -> any PendingExchange

    /// Starts the first half of a tree sum: recursive halving with partner distances 1, 2, 4, ….
    ///
    /// When it has finished, `ownedRange(of: buffer.count)` of the buffer holds the sum over all workers, and the rest
    /// of the buffer holds partial sums. The order of addition is the binary tree over worker numbers.
    ///
    /// - Throws: `CollectiveError` unless `size` is a power of two, `buffer.count` is a multiple of `size`, and all
    ///   workers pass the same count.
    func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduceScatter

    /// The second half of a tree sum: recursive doubling. Before the call each worker's owned range holds its final
    /// numbers; after it the whole buffer does, on every worker.
    ///
    /// Workers of one process may pass the same memory; then nothing is copied between them.
    ///
    /// - Throws: as `beginReduceScatter`.
    func allGather(_ buffer: Tensor) throws

    /// Returns a communicator among the workers that pass the same color, numbered by (key, rank).
    func split(color: Int, key: Int) throws -> any Communicator

    /// Makes the current or next call of every other worker throw, so that they do not wait for this worker.
    func abort(because error: any Error)
}

extension Communicator {
    /// Whether this worker is the first of its process. The workers of a process have consecutive ranks.
    package var isFirstOfProcess: Bool { rank % (size / processCount) == 0 }

    /// The range of a buffer with `count` numbers that this worker owns between the two halves of a tree sum: the slice
    /// whose number is the worker number with its bits reversed, because the first halving uses the lowest bit.
    public func ownedRange(of count: Int) -> Range<Int> { ownedRange(of: count, worker: rank) }

    /// The range that another worker owns.
    public func ownedRange(of count: Int, worker: Int) -> Range<Int> {
        precondition(count % size == 0, "\(count) numbers over \(size) workers")
        let slice = PairwiseSummation.bitReversedSlice(ofWorker: worker, workers: size), length = count / size
        return slice * length..<(slice + 1) * length
    }

    /// The range that a worker owns of a part of a buffer, such as a bucket of parameters. Nil: this worker.
    package func ownedRange(in part: Range<Int>, worker: Int? = nil) -> Range<Int> {
        let owned = ownedRange(of: part.count, worker: worker ?? rank)
        return part.lowerBound + owned.lowerBound..<part.lowerBound + owned.upperBound
    }

    /// Returns the rows of all workers on worker 0, concatenated by worker number, and nil on the others. All workers
    /// call it.
    ///
    /// - Parameter rows: rows × …; the number of rows may differ between workers.
    package func gatherRows(_ rows: Tensor) throws -> Tensor? {
        guard let parts = try gather(rows, to: 0) else { return nil }
        let all = Tensor([parts.reduce(0) { $0 + $1.rows }] + rows.shape.dropFirst())
        var start = 0
        for part in parts {
            all.rows(start..<(start + part.rows)).copy(from: part)
            start += part.rows
        }
        return all
    }
}

/// A running swap of two buffers.
public protocol PendingExchange: AnyObject {
    /// Lets the transfer make progress; does not wait.
    func advance() throws

    /// Waits for the partner and returns its numbers as `incoming`.
    ///
    /// `incoming` and `spare` belong to this worker now. The outgoing tensor does not, unless it is returned as
    /// `spare`.
    func finish() throws -> (incoming: Tensor, spare: Tensor)
}

/// A running reduce-scatter, the first half of a tree sum.
public protocol PendingReduceScatter: AnyObject {
    /// Lets the transfers make progress; does not wait.
    func advance() throws

    /// Waits until this worker's owned range holds the sum.
    func finish() throws
}

/// A collective operation failed: which call, between whom, why, and what to do.
public struct CollectiveError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable, Equatable {
        /// Another worker failed and woke this one. That worker's error is the cause.
        case otherWorkerFailed
        /// The workers passed different counts or made different calls.
        case workersDisagree
        /// The call does not support this number of workers or this count.
        case badSize
        /// An MPI call returned an error code.
        case mpi(code: Int32)
        /// The processes or threads cannot be started as requested.
        case launch
    }

    public let kind: Kind
    /// Name of the call: "beginReduceScatter", "MPI_Isend".
    public let call: String
    /// The workers or ranks of the call: "worker 3 of 4", "rank 1 to rank 2".
    public let participants: String
    public let reason: String
    public let remedy: String

    public init(_ kind: Kind, call: String, participants: String, reason: String, remedy: String = "") {
        self.kind = kind
        self.call = call
        self.participants = participants
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String {
        "\(call) (\(participants)): \(reason)" + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}
