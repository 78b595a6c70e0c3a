/// The header that precedes every message.
///
/// Two workers that make different calls, or pass different counts, detect it at their first contact, instead of adding
/// wrong numbers or waiting forever.
struct MessageHeader: BitwiseCopyable {
    enum Operation: Int64 {
        case barrier = 1, broadcast, gather, allGatherBytes, send, reduceScatter, allGather, checkReduceScatter,
            checkAllGather

        /// Name of the method of `Communicator`.
        var call: String {
            switch self {
            case .barrier: "barrier"
            case .broadcast: "broadcast"
            case .gather: "gather"
            case .allGatherBytes: "allGather(bytes:)"
            case .send: "beginReceive"
            case .reduceScatter, .checkReduceScatter: "beginReduceScatter"
            case .allGather, .checkAllGather: "allGather(_:)"
            }
        }
    }

    /// `Operation.rawValue`.
    let operation: Int64
    /// Number of bytes of a byte message; number of elements of all tensors of a message, or of the whole
    /// buffer of a tree sum.
    let count: Int64
    /// For the count checks: the smallest and the largest count so far, and the workers that passed them.
    private(set) var smallest: Int64
    private(set) var smallestWorker: Int64
    private(set) var largest: Int64
    private(set) var largestWorker: Int64

    init(_ operation: Operation, count: Int, worker: Int) {
        self.operation = operation.rawValue
        self.count = Int64(count)
        smallest = Int64(count)
        largest = Int64(count)
        smallestWorker = Int64(worker)
        largestWorker = Int64(worker)
    }

    /// Whether the message checks counts: the header is the whole message.
    var isCountCheck: Bool { [Operation.checkReduceScatter, .checkAllGather].contains { $0.rawValue == operation } }

    /// Name of the method of `Communicator` that sent the message.
    var call: String { Operation(rawValue: operation)?.call ?? "an unknown call (\(operation))" }

    /// Keeps the smaller of the two smallest counts and the larger of the two largest counts. Of equal counts, it keeps
    /// the one with the lower worker number.
    mutating func merge(_ other: MessageHeader) {
        if (other.smallest, other.smallestWorker) < (smallest, smallestWorker) {
            (smallest, smallestWorker) = (other.smallest, other.smallestWorker)
        }
        if (-other.largest, other.largestWorker) < (-largest, largestWorker) {
            (largest, largestWorker) = (other.largest, other.largestWorker)
        }
    }

    /// Checks a received header against this expected one.
    ///
    /// - Throws: `CollectiveError` (`workersDisagree`) if `received`, from worker `partner`, belongs to another call,
    ///   or, with `sameCount`, has another count.
    func validate(_ received: MessageHeader, from partner: Int, to worker: Int, sameCount: Bool) throws {
        let participants = "workers \(worker) and \(partner)"
        if call != received.call {
            throw CollectiveError(
                .workersDisagree, call: call, participants: participants,
                reason: "worker \(partner) called \(received.call) at the same time",
                remedy: "every worker must make the same calls in the same order")
        }
        if (sameCount || operation != received.operation), count != received.count {
            throw CollectiveError(
                .workersDisagree, call: call, participants: participants,
                reason: "worker \(worker) passed \(count) numbers, worker \(partner) passed \(received.count)")
        }
        if operation != received.operation {
            throw CollectiveError(
                .workersDisagree, call: call, participants: participants,
                reason: "the workers made different calls on this communicator before")
        }
    }
}
