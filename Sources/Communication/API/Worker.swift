#if canImport(Glibc)
    import Glibc
#endif

/// One worker thread: who it is, what it shares with its process, and how it waits. All communicators of the thread use it,
/// and no other thread does.
final class Worker {
    let member: WorkerID
    let board: SharedProcessState
    let lookout: FailureDetector
    /// Nil where all workers are threads of one process.
    let messagePassing: MPIContext?
    let tags: TagLayout?
    let scratch = BufferPool()
    /// The number for the next group that `split` makes: above that of every group that this worker has been in.
    var nextContext = 1

    private let doorbell: EventCount
    /// Whether other workers run in this process. One that is alone leaves it to MPI to yield, which knows from its
    /// launcher whether ranks
    /// share cores.
    private let hasSiblings: Bool
    /// How long to look again and again, in nanoseconds; how long to look between yields if a ring will end the sleep, and
    /// if it will not.
    private static let spinTime: UInt64 = 2_000
    private static let yieldTime: UInt64 = 2_000_000
    private static let pollTime: UInt64 = 2_000_000

    init(member: WorkerID, board: SharedProcessState, lookout: FailureDetector, tags: TagLayout?) {
        self.member = member
        self.board = board
        self.lookout = lookout
        messagePassing = lookout.messagePassing
        self.tags = tags
        doorbell = board.doorbells[member.thread]
        hasSiblings = board.doorbells.count > 1
    }

    /// Waits until `isDone`: spins for some microseconds, then yields, then sleeps, for more workers than cores are normal.
    /// (The spin is short because the
    /// partner may be waiting for this very core: a yield lets it go on, a longer spin was measured to make a barrier five
    /// times slower.)
    ///
    /// What a thread of this process does rings the doorbell, so the sleep needs no end. A message of another process rings
    /// nothing (`polls`): MPI
    /// must be asked, so there the yields last longer, and then each sleep is a sixteenth of the time waited so far, at most half a
    /// millisecond: a wait grows by at most that share, and threads that still compute get nearly the whole core.
    ///
    /// From the sleeps on, the worker looks out now and then for what other processes say, and is known to wait in `call` for `partner`.
    func wait(
        polls: Bool, call: @autoclosure () -> String, partner: @autoclosure () -> WorkerID?, check: () throws -> Void,
        until isDone: () throws -> Bool
    ) throws {
        if try isDone() { return }
        let start = EventCount.now
        var point: BlockedCall?
        defer { if point != nil { lookout.leave(member.thread) } }
        while true {
            let rings = doorbell.rings
            if try isDone() { return }
            try check()
            let now = EventCount.now, waited = now - start
            if waited < Self.spinTime { continue }
            if waited < (polls ? Self.pollTime : Self.yieldTime) {
                if !polls || hasSiblings { sched_yield() }
                continue
            }
            if let period = lookout.lookPeriod {
                let known = point ?? BlockedCall(thread: member.thread, call: call(), partner: partner(), since: start)
                if point == nil {
                    board.note(.waits(known), thread: member.thread)
                    point = known
                }
                try lookout.look(known, now: now)
                // It may be this very look that woke the group: the ring comes before the sleep.
                doorbell.sleep(after: rings, until: now + (polls ? min(waited / 16, 500_000) : period))
            } else {
                doorbell.sleep(after: rings)
            }
        }
    }
}
