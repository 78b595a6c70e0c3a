import Synchronization

/// A process's eyes and mouth beside the collectives, for a group and all that it runs: hears from other processes that one has failed and
/// wakes the workers here, tells others of a failure here, and finds out who is missing when a wait lasts too long.
///
/// Whoever waits for longer than some milliseconds calls `look` now and then; nobody else does, so what does not wait pays nothing.
final class FailureDetector: Sendable {
    struct State {
        /// How many runs have begun. A message says of which run it is: one that comes late must not disturb the next.
        var run = 0
        /// What the workers of the present run share.
        var board: SharedProcessState?
        /// What the process itself waits in, outside of its workers: an agreement, say.
        var processWait: BlockedCall?
        /// What was told to others and may still be on its way.
        var sent: [MPIRequests] = []
        /// The one that this process has called and not ended, and how many it has called.
        var rollCall: HangDiagnosis?
        var rollCalls = 0
        /// Until when another process, with a lower rank, has the word.
        var isQuietUntil: UInt64 = 0
    }

    /// Nil where there is one process.
    let messagePassing: MPIContext?
    /// How long a wait may last, in nanoseconds; nil: for ever.
    let timeout: UInt64?
    let state = Mutex(State())
    private let lastLook = Atomic<UInt64>(0)

    init(messagePassing: MPIContext?, timeout: Duration?) {
        self.messagePassing = messagePassing
        self.timeout = timeout.map { UInt64(max($0, .milliseconds(10)) / .nanoseconds(1)) }
    }

    /// How long a worker may sleep without looking, in nanoseconds; nil where there is nothing to look for.
    var lookPeriod: UInt64? { messagePassing != nil || timeout != nil ? 20_000_000 : nil }

    /// Before the processes agree to run something.
    func beginRun(_ board: SharedProcessState) {
        state.withLock {
            $0.run += 1
            $0.board = board
        }
    }

    func endRun() {
        state.withLock { $0.board = nil }
    }

    /// Hears what has come, at most once a millisecond, and asks who is missing where the wait at `point` has become too long.
    func look(_ point: BlockedCall, now: UInt64) throws {
        let last = lastLook.load(ordering: .relaxed)
        guard now > last + 1_000_000,
            lastLook.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
        else { return }
        if let messagePassing {
            while let message = try messagePassing.takeNotice() { try hear(message.bytes, from: message.sender) }
        }
        if let timeout, now > point.since + timeout { try callTheRoll(point, now: now) }
    }

    private func hear(_ bytes: [UInt8], from sender: Int) throws {
        guard let notice = ControlMessage(bytes: bytes) else { return }
        switch notice {
        case .failure(let run, let failed, let reason): hearFailure(run: run, failed, reason)
        case .rollCall(let number): try answer(number, to: sender)
        case .answer(let number, let report): note(report, from: sender, number: number)
        }
    }

    /// Sends to another process; does not wait.
    func send(_ notice: ControlMessage, to receiver: Int) throws {
        guard let messagePassing else { return }
        let requests = try messagePassing.sendNotice(notice.bytes, to: receiver)
        state.withLock { state in
            state.sent.removeAll { (try? $0.areDone()) ?? true }
            state.sent.append(requests)
        }
    }
}
