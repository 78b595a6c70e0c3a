import Synchronization

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
