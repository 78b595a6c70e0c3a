import Synchronization

/// What the worker threads of one process share: their doorbells, the mailboxes between them, and the groups' abort signals.
final class SharedProcessState: Sendable {
    private struct Pair: Hashable {
        let context: Int
        let sender: Int
        let receiver: Int
    }

    /// A group of workers, by its number and its first worker.
    struct Group: Hashable, Sendable {
        let context: Int
        let firstMember: WorkerID
    }

    private struct Contents {
        var mailboxes: [Pair: [Mailbox]] = [:]
        var signals: [Group: AbortSignal] = [:]
        /// Of groups that failed before anybody here knew of them.
        var failures: [Group: String] = [:]
        var hasAborted = false
        var attendance: [Attendance]
    }

    /// What a worker does.
    enum Attendance: Sendable {
        case works
        case waits(BlockedCall)
        case hasEnded
    }

    let doorbells: [EventCount]
    private let contents: Mutex<Contents>

    init(threads: Int) {
        doorbells = (0..<threads).map { _ in EventCount() }
        contents = Mutex(Contents(attendance: Array(repeating: .works, count: threads)))
    }

    /// The mailboxes, one a lane, from one thread to another within a group.
    func mailboxes(context: Int, from sender: Int, to receiver: Int) -> [Mailbox] {
        let pair = Pair(context: context, sender: sender, receiver: receiver)
        return contents.withLock { contents in
            if let known = contents.mailboxes[pair] { return known }
            let new = (0..<Lane.count).map { _ in Mailbox() }
            contents.mailboxes[pair] = new
            return new
        }
    }

    /// The abort signal of a group, the same object for all its workers in this process.
    func signal(_ group: Group, parent: AbortSignal?) -> AbortSignal {
        contents.withLock { contents in
            if let known = contents.signals[group] { return known }
            let new = AbortSignal(parent: parent)
            contents.signals[group] = new
            if let reason = contents.failures[group] { new.raise(reason) }
            return new
        }
    }

    /// Makes the group's workers in this process throw. Returns whether this is the first that is heard of its failure.
    @discardableResult
    func abort(_ group: Group, because reason: String) -> Bool {
        let isFirst = contents.withLock { contents in
            contents.hasAborted = true
            if contents.failures[group] != nil { return false }
            contents.failures[group] = reason
            contents.signals[group]?.raise(reason)
            return true
        }
        wakeAll()
        return isFirst
    }

    /// Whether any group of this run has failed.
    var hasAborted: Bool { contents.withLock { $0.hasAborted } }

    /// By thread.
    var attendance: [Attendance] { contents.withLock { $0.attendance } }

    func note(_ attendance: Attendance, thread: Int) { contents.withLock { $0.attendance[thread] = attendance } }

    func wakeAll() {
        for doorbell in doorbells { doorbell.ring() }
    }
}
