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

    /// Whether another worker is in this process, so that its messages are not copied.
    func sharesMemory(with worker: Int) -> Bool

    /// Starts to send a message of some tensors to another worker, which calls `beginReceive`. The messages of a stream
    /// between two workers arrive in order; streams do not wait for each other.
    ///
    /// Within a process nothing is copied: the receiver gets the memory itself, and the send is complete at once. Both
    /// may then read it. One may write it after the other has done with it, which another message or a collective call
    /// has to tell. Over MPI the sender may write the memory when the send is complete.
    func beginSend(_ tensors: [Tensor], to receiver: Int, stream: MessageStream) throws -> any PendingSend

    /// Starts to receive a message of another worker. The messages of a stream are finished in the order in which their
    /// receives began.
    /// - Parameters:
    ///   - counts: number of elements of each tensor of the message.
    ///   - landing: returns memory with these counts. It is called only if the sender is in another process.
    func beginReceive(
        counts: [Int], from sender: Int, stream: MessageStream, into landing: () -> [Tensor]
    ) throws -> any PendingReceive

    /// The blocks of a buffer that a worker owns between the two halves of a tree sum: contiguous ones, of S equal
    /// blocks, one for each shard.
    ///
    /// - Parameter shards: S, at least the number of workers.
    func ownedBlocks(of shards: Int, worker: Int) -> Range<Int>

    /// Starts the first half of a tree sum: the sum over all shards in the order of `PairwiseSummation`.
    ///
    /// When it has finished, `ownedRange(of: count, shards: shards)` of the first buffer holds the sum over all
    /// workers, and the rest of the buffers holds partial sums. Until then no other code may write the buffers.
    ///
    /// - Parameters:
    ///   - nodes: the sums of this worker's shards (`ShardPartition`), one buffer for each of the nodes that cover
    ///     them, from left to right (`PairwiseSummation.nodes`).
    ///   - shards: S, at least the number of workers.
    /// - Throws: `CollectiveError` unless S divides the count, and all workers pass the same count.
    func beginReduceScatter(_ nodes: [Tensor], shards: Int) throws -> any PendingReduceScatter

    /// The second half of a tree sum. Before the call each worker's owned range holds its final numbers; after it the
    /// whole buffer does, on every worker.
    ///
    /// The workers of one process may pass the same memory; then nothing is copied between them.
    ///
    /// - Throws: as `beginReduceScatter`.
    func allGather(_ buffer: Tensor, shards: Int) throws

    /// What this worker has sent so far, in all its groups.
    var traffic: MessageCount { get }

    /// Returns a communicator among the workers that pass the same color, numbered by (key, rank).
    func split(color: Int, key: Int) throws -> any Communicator

    /// Makes the current or next call of every other worker throw, so that they do not wait for this worker.
    func abort(because error: any Error)
}

extension Communicator {
    /// Whether this worker is the first of its process. The workers of a process have consecutive ranks.
    package var isFirstOfProcess: Bool { rank % (size / processCount) == 0 }

    /// The range of a buffer with `count` numbers that a worker owns between the two halves of a tree sum.
    /// - Parameters:
    ///   - shards: S, which divides the count.
    ///   - worker: nil is this worker.
    public func ownedRange(of count: Int, shards: Int, worker: Int? = nil) -> Range<Int> {
        precondition(count % shards == 0, "\(count) numbers in \(shards) blocks")
        let blocks = ownedBlocks(of: shards, worker: worker ?? rank), block = count / shards
        return blocks.lowerBound * block..<blocks.upperBound * block
    }

    /// The range that a worker owns of a part of a buffer, such as a bucket of parameters. Nil: this worker.
    package func ownedRange(in part: Range<Int>, shards: Int, worker: Int? = nil) -> Range<Int> {
        let owned = ownedRange(of: part.count, shards: shards, worker: worker)
        return part.lowerBound + owned.lowerBound..<part.lowerBound + owned.upperBound
    }

    /// The first half of a tree sum over the workers: each has one buffer.
    public func beginReduceScatter(_ buffer: Tensor) throws -> any PendingReduceScatter {
        try beginReduceScatter([buffer], shards: size)
    }

    /// The second half of a tree sum over the workers.
    public func allGather(_ buffer: Tensor) throws { try allGather(buffer, shards: size) }

    /// The range that a worker owns of the buffer of a tree sum over the workers. Nil: this worker.
    public func ownedRange(of count: Int, worker: Int? = nil) -> Range<Int> {
        ownedRange(of: count, shards: size, worker: worker)
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

/// Streams of messages between two workers.
public enum MessageStream: Int, CaseIterable, Sendable {
    /// What a receiver reads.
    case data
    /// What a receiver adds to and sends on.
    case sums
}

/// A running send.
public protocol PendingSend: AnyObject {
    /// Whether the message no longer needs this worker's memory. Lets the transfer make progress; does not wait.
    func isComplete() throws -> Bool

    /// Waits until it is complete.
    func finish() throws
}

/// A running receive.
public protocol PendingReceive: AnyObject {
    /// Whether the message has arrived. Lets the transfer make progress; does not wait.
    func isComplete() throws -> Bool

    /// Waits for the message and returns its tensors: the sender's memory within a process, otherwise `landing`.
    ///
    /// - Throws: `CollectiveError` (`workersDisagree`) if the sender passed other counts.
    func finish() throws -> [Tensor]
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
