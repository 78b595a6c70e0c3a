#if canImport(Glibc)
import Glibc
#endif

/// One worker thread: who it is, what it shares with its process, and how it waits. All communicators of the thread use it, and no other thread does.
final class Worker {
    let member: Member
    let board: ProcessBoard
    /// Nil where all workers are threads of one process.
    let messagePassing: MessagePassing?
    let tags: TagLayout?
    let scratch = ScratchMemory()
    /// The number for the next group that `split` makes: above that of every group that this worker has been in.
    var nextContext = 1

    private let doorbell: Doorbell
    /// How long to look again and again before sleeping, in nanoseconds.
    private let spinTime: UInt64

    init(member: Member, board: ProcessBoard, messagePassing: MessagePassing?, tags: TagLayout?, isOversubscribed: Bool) {
        self.member = member
        self.board = board
        self.messagePassing = messagePassing
        self.tags = tags
        doorbell = board.doorbells[member.thread]
        spinTime = isOversubscribed ? 2_000 : 20_000
    }

    /// Waits until `isDone`: spins for some microseconds, then gives the core away, for more workers than cores are normal.
    ///
    /// What a thread of this process does rings the doorbell, so the sleep needs no end. A message of another process rings nothing (`polls`): MPI
    /// must be asked, so the thread yields at first and then sleeps for a sixteenth of the time that it has waited, at most half a
    /// millisecond: a wait grows by at most that share, and threads that still compute get nearly the whole core.
    func wait(polls: Bool, check: () throws -> Void, until isDone: () throws -> Bool) throws {
        if try isDone() { return }
        let start = Doorbell.now
        while true {
            let rings = doorbell.rings
            if try isDone() { return }
            try check()
            let now = Doorbell.now, waited = now - start
            if waited < spinTime { continue }
            if !polls {
                doorbell.sleep(after: rings)
            } else if waited < 1_000_000 {
                sched_yield()
            } else {
                doorbell.sleep(after: rings, until: now + min(waited / 16, 500_000))
            }
        }
    }
}
