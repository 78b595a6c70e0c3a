/// What a message is about. It goes ahead of every message, so two workers that are in different calls, or that pass different
/// counts, notice at their first contact instead of adding the wrong numbers or waiting for ever.
struct MessageHeader: BitwiseCopyable {
    enum Operation: Int64 {
        case barrier = 1, broadcast, gather, allGatherBytes, exchange, reduceScatter, allGather, checkReduceScatter,
            checkAllGather

        /// The name of the method of `Communicator`.
        var call: String {
            switch self {
            case .barrier: "barrier"
            case .broadcast: "broadcast"
            case .gather: "gather"
            case .allGatherBytes: "allGather(bytes:)"
            case .exchange: "beginExchange"
            case .reduceScatter, .checkReduceScatter: "beginReduceScatter"
            case .allGather, .checkAllGather: "allGather(_:)"
            }
        }
    }

    /// `Operation.rawValue`.
    let operation: Int64
    /// Bytes of a message of any length; numbers of the whole buffer for a tree sum or an exchange.
    let count: Int64
    /// While counts are checked: the smallest and the largest so far, and the workers that passed them.
    var smallest: Int64
    var smallestWorker: Int64
    var largest: Int64
    var largestWorker: Int64

    init(_ operation: Operation, count: Int, worker: Int) {
        self.operation = operation.rawValue
        self.count = Int64(count)
        smallest = Int64(count)
        largest = Int64(count)
        smallestWorker = Int64(worker)
        largestWorker = Int64(worker)
    }

    /// Whether the count is what is talked about, and no content follows.
    var isCheck: Bool { [Operation.checkReduceScatter, .checkAllGather].contains { $0.rawValue == operation } }

    /// The method of `Communicator` that it belongs to.
    var call: String { Operation(rawValue: operation)?.call ?? "an unknown call (\(operation))" }

    /// The smallest and largest counts of both.
    mutating func merge(_ other: MessageHeader) {
        if (other.smallest, other.smallestWorker) < (smallest, smallestWorker) {
            (smallest, smallestWorker) = (other.smallest, other.smallestWorker)
        }
        if (-other.largest, other.largestWorker) < (-largest, largestWorker) {
            (largest, largestWorker) = (other.largest, other.largestWorker)
        }
    }

    /// Throws unless `other`, from worker `partner`, belongs to the same call (and with `sameCount` has the same count).
    func expect(_ other: MessageHeader, from partner: Int, to worker: Int, sameCount: Bool) throws {
        let place = "workers \(worker) and \(partner)"
        let mine = call, theirs = other.call
        if mine != theirs {
            throw CollectiveError(
                .workersDisagree, call: mine, place: place, reason: "worker \(partner) called \(theirs) meanwhile",
                remedy: "every worker must make the same calls in the same order")
        }
        if (sameCount || operation != other.operation), count != other.count {
            throw CollectiveError(
                .workersDisagree, call: mine, place: place,
                reason: "worker \(worker) passed \(count) numbers, worker \(partner) \(other.count)")
        }
        if operation != other.operation {
            throw CollectiveError(
                .workersDisagree, call: mine, place: place,
                reason: "the workers have used this communicator differently before")
        }
    }
}
