import Synchronization

/// What the worker threads of one process share: their doorbells, the mailboxes between them, and the groups' abort signals.
final class ProcessBoard: Sendable {
    private struct Pair: Hashable {
        let context: Int
        let sender: Int
        let receiver: Int
    }

    private struct Group: Hashable {
        let context: Int
        let firstMember: Member
    }

    private struct Contents {
        var mailboxes: [Pair: [Mailbox]] = [:]
        var signals: [Group: AbortSignal] = [:]
    }

    let doorbells: [Doorbell]
    private let contents = Mutex(Contents())

    init(threads: Int) { doorbells = (0..<threads).map { _ in Doorbell() } }

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
    func signal(context: Int, firstMember: Member, parent: AbortSignal?) -> AbortSignal {
        contents.withLock { contents in
            let group = Group(context: context, firstMember: firstMember)
            if let known = contents.signals[group] { return known }
            let new = AbortSignal(parent: parent)
            contents.signals[group] = new
            return new
        }
    }

    func wakeAll() {
        for doorbell in doorbells { doorbell.ring() }
    }
}
