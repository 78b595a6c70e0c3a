/// A collective call that could not be done: which call, who was involved, why, and what to do.
public struct CollectiveError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable, Equatable {
        /// Another worker failed and this one was woken; the cause is that worker's error.
        case otherWorkerFailed
        /// The workers passed different counts, or are in different calls.
        case workersDisagree
        /// The number of workers, or a count, does not suit the call.
        case badSize
        /// A call of MPI returned an error code.
        case messagePassing(code: Int32)
        /// The processes or threads could not be started as asked.
        case launch
    }

    public let kind: Kind
    /// The call: "beginReduceScatter", "MPI_Isend".
    public let call: String
    /// Who: "worker 3 of 4", "rank 1 to rank 2".
    public let place: String
    public let reason: String
    public let remedy: String

    public init(_ kind: Kind, call: String, place: String, reason: String, remedy: String = "") {
        self.kind = kind
        self.call = call
        self.place = place
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String {
        "\(call) (\(place)): \(reason)" + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}
