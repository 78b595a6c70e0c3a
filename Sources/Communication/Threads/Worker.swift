import Glibc

/// Identifies a worker: the number of its process in the group, and of its thread in that process.
struct WorkerID: Hashable {
    let process: Int
    let thread: Int
}

/// One worker thread: its ID, the state that it shares with its process, and its waits. All communicators of the thread
/// use the same `Worker`, and no other thread does.
final class Worker {
    let id: WorkerID
    let processState: SharedProcessState
    let failureDetector: FailureDetector
    /// Nil if all workers are threads of one process.
    let mpi: MPIContext?
    let tags: TagLayout?
    let bufferPool = BufferPool()
    let partPool = PartPool()
    /// What this worker has sent so far.
    var traffic = MessageCount()
    /// Number of the next group that `split` makes: larger than the number of every group of this worker.
    var nextContext = 1

    private let events: EventCount
    /// Whether this process runs other workers. A worker that runs alone never yields; MPI does, because the launcher
    /// tells it whether ranks share cores.
    private let sharesProcess: Bool
    /// Waits poll without a break up to `spinTime` nanoseconds, and between yields up to `yieldTime`, before they
    /// sleep.
    private static let spinTime: UInt64 = 2_000
    private static let yieldTime: UInt64 = 2_000_000

    init(id: WorkerID, processState: SharedProcessState, failureDetector: FailureDetector, tags: TagLayout?) {
        self.id = id
        self.processState = processState
        self.failureDetector = failureDetector
        mpi = failureDetector.mpi
        self.tags = tags
        events = processState.events[id.thread]
        sharesProcess = processState.events.count > 1
    }

    /// Waits until `isDone` returns true: spins for some microseconds, then yields, then sleeps.
    ///
    /// The spin is short, because a host often runs more workers than it has cores: the partner may need this core. A
    /// longer spin makes a barrier five times slower (measured).
    ///
    /// Another thread of the process notifies this worker, so its sleep needs no deadline. A message of another process
    /// notifies no worker: with `pollsMPI`, each sleep is a sixteenth of the time waited so far, at most half a
    /// millisecond. The wait grows by at most that share, and threads that still compute get nearly the whole core.
    ///
    /// A sleeping worker polls the failure detector, which knows that the worker is blocked in `call`, waiting for
    /// `partner` (nil: for several).
    func wait(
        pollsMPI: Bool, call: @autoclosure () -> String, partner: @autoclosure () -> WorkerID?,
        check: () throws -> Void,
        until isDone: () throws -> Bool
    ) throws {
        if try isDone() { return }
        let start = monotonicNanoseconds()
        var blockedCall: BlockedCall?
        defer { if blockedCall != nil { failureDetector.callReturned(thread: id.thread) } }
        while true {
            let epoch = events.epoch
            if try isDone() { return }
            try check()
            let now = monotonicNanoseconds(), waited = now - start
            if waited < Self.spinTime { continue }
            if waited < Self.yieldTime {
                if !pollsMPI || sharesProcess { sched_yield() }
                continue
            }
            if let pollInterval = failureDetector.pollInterval {
                let current =
                    blockedCall ?? BlockedCall(thread: id.thread, name: call(), partner: partner(), since: start)
                if blockedCall == nil {
                    processState.setActivity(.blocked(current), thread: id.thread)
                    blockedCall = current
                }
                try failureDetector.poll(current, now: now)
                // If this poll aborts the group, it advances the epoch, and the wait returns at once.
                events.wait(since: epoch, until: now + (pollsMPI ? min(waited / 16, 500_000) : pollInterval))
            } else {
                events.wait(since: epoch)
            }
        }
    }
}
