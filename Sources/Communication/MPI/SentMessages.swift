import Synchronization

/// Number of messages and of their bytes, headers of MPI not included.
public struct MessageCount: Sendable, Equatable {
    public var messages = 0
    public var bytes = 0

    public init(messages: Int = 0, bytes: Int = 0) {
        self.messages = messages
        self.bytes = bytes
    }

    /// The average of some repetitions, rounded down.
    public func divided(by repetitions: Int) -> MessageCount {
        MessageCount(messages: messages / repetitions, bytes: bytes / repetitions)
    }

    public static func - (left: MessageCount, right: MessageCount) -> MessageCount {
        MessageCount(messages: left.messages - right.messages, bytes: left.bytes - right.bytes)
    }
}

/// Counts what this process sends to every other process by MPI's point-to-point messages: all that workers send to
/// each other. The collective operations of MPI, by which processes agree before and after a run, are left out.
final class SentMessages: Sendable {
    private let counts: Mutex<[MessageCount]>

    init(processes: Int) { counts = Mutex(Array(repeating: MessageCount(), count: processes)) }

    func add(bytes: Int, to rank: Int) {
        counts.withLock {
            $0[rank].messages += 1
            $0[rank].bytes += bytes
        }
    }

    /// By rank of the receiver in the whole job.
    var byReceiver: [MessageCount] { counts.withLock { $0 } }
}
