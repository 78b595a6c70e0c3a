import Synchronization

/// State that the worker threads of one process share during a run: their event counts, the mailboxes between them, the
/// abort signals of their groups, and the activity of each worker.
final class SharedProcessState: Sendable {
    /// Identifies a group of workers, on all processes.
    struct GroupID: Hashable, Sendable {
        /// Number of the group; groups without a common pair of workers may share it.
        let context: Int
        let firstWorker: WorkerID
    }

    /// The current activity of a worker.
    enum Activity: Sendable {
        case computing
        case blocked(BlockedCall)
        case ended
    }

    private struct MailboxKey: Hashable {
        let context: Int
        let sender: Int
        let receiver: Int
    }

    private struct Contents {
        var mailboxes: [MailboxKey: [Mailbox]] = [:]
        var streams: [MailboxKey: [MessageQueue]] = [:]
        var abortSignals: [GroupID: AbortSignal] = [:]
        /// Reasons of failed groups. A failure can be reported before this process has the group.
        var failures: [GroupID: String] = [:]
        var hasAborted = false
        var activities: [Activity]
    }

    /// By thread.
    let events: [EventCount]
    private let contents: Mutex<Contents>

    init(threads: Int) {
        events = (0..<threads).map { _ in EventCount() }
        contents = Mutex(Contents(activities: Array(repeating: .computing, count: threads)))
    }

    /// The mailboxes from one thread to another within a group, by channel.
    func mailboxes(context: Int, from sender: Int, to receiver: Int) -> [Mailbox] {
        let key = MailboxKey(context: context, sender: sender, receiver: receiver)
        return contents.withLock { contents in
            if let existing = contents.mailboxes[key] { return existing }
            let new = (0..<Channel.count).map { _ in Mailbox() }
            contents.mailboxes[key] = new
            return new
        }
    }

    /// The streams from one thread to another within a group, by `MessageStream.rawValue`.
    func streams(context: Int, from sender: Int, to receiver: Int) -> [MessageQueue] {
        let key = MailboxKey(context: context, sender: sender, receiver: receiver)
        return contents.withLock { contents in
            if let existing = contents.streams[key] { return existing }
            let new = MessageStream.allCases.map { _ in MessageQueue() }
            contents.streams[key] = new
            return new
        }
    }

    /// The abort signal of a group; all its workers in this process share it.
    func abortSignal(of group: GroupID, parent: AbortSignal?) -> AbortSignal {
        contents.withLock { contents in
            if let existing = contents.abortSignals[group] { return existing }
            let new = AbortSignal(parent: parent)
            contents.abortSignals[group] = new
            if let reason = contents.failures[group] { new.raise(reason) }
            return new
        }
    }

    /// Makes the group's workers in this process throw. Returns whether this is the group's first failure.
    @discardableResult
    func abort(_ group: GroupID, because reason: String) -> Bool {
        let isFirst = contents.withLock { contents in
            contents.hasAborted = true
            if contents.failures[group] != nil { return false }
            contents.failures[group] = reason
            contents.abortSignals[group]?.raise(reason)
            return true
        }
        for event in events { event.notify() }
        return isFirst
    }

    /// Whether any group of this run has failed.
    var hasAborted: Bool { contents.withLock { $0.hasAborted } }

    /// By thread.
    var activities: [Activity] { contents.withLock { $0.activities } }

    func setActivity(_ activity: Activity, thread: Int) { contents.withLock { $0.activities[thread] = activity } }
}

/// Signals that a worker of a group has failed. A group made by `split` also observes the signal of its parent group.
final class AbortSignal: Sendable {
    private let isRaised = Atomic<Bool>(false)
    private let reason = Mutex<String?>(nil)
    private let parent: AbortSignal?

    init(parent: AbortSignal?) { self.parent = parent }

    /// Raises the signal; the first reason is kept.
    func raise(_ text: String) {
        reason.withLock { if $0 == nil { $0 = text } }
        isRaised.store(true, ordering: .sequentiallyConsistent)
    }

    /// - Throws: `CollectiveError` (`otherWorkerFailed`) if this signal or a parent's is raised.
    func throwIfRaised(call: String, participants: @autoclosure () -> String) throws {
        if isRaised.load(ordering: .acquiring) {
            throw CollectiveError(
                .otherWorkerFailed, call: call, participants: participants(),
                reason: "another worker failed: \(reason.withLock { $0 } ?? "")")
        }
        try parent?.throwIfRaised(call: call, participants: participants())
    }
}
