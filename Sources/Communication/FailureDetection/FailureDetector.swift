import Glibc
import Synchronization

/// Detects failures for one process of a group, outside the collective operations:
///
/// - It receives the failures of other processes and wakes the workers of this one.
/// - It reports failures of this process to the others.
/// - It finds out which ranks hang when a wait exceeds the timeout (`HangDiagnosis`).
///
/// A thread that waits for longer than some milliseconds calls `poll` repeatedly. No other thread does, so computing
/// costs nothing.
final class FailureDetector: Sendable {
    struct State {
        /// Number of runs started so far. Control messages carry it, so that a late message does not disturb the next
        /// run.
        var runNumber = 0
        /// Nil between two runs.
        var processState: SharedProcessState?
        /// The call in which the process itself waits, outside of its workers, such as `agree`.
        var processCall: BlockedCall?
        /// Control messages that may not be sent yet.
        var pendingSends: [MPIRequests] = []
        /// The diagnosis that this process has started and not completed.
        var diagnosis: HangDiagnosis?
        /// Number of diagnoses that this process has started.
        var diagnosesStarted = 0
        /// Until this time, this process starts no diagnosis, because a process with a lower rank runs one.
        var nextDiagnosisTime: UInt64 = 0
    }

    /// Nil if there is one process.
    let mpi: MPIContext?
    /// Longest wait in nanoseconds; nil: unlimited.
    let timeout: UInt64?
    let state = Mutex(State())
    private let lastPoll = Atomic<UInt64>(0)

    init(mpi: MPIContext?, timeout: Duration?) {
        self.mpi = mpi
        self.timeout = timeout.map { UInt64(max($0, .milliseconds(10)) / .nanoseconds(1)) }
    }

    /// Longest time in nanoseconds that a worker may sleep without a poll; nil if it need not poll.
    var pollInterval: UInt64? { mpi != nil || timeout != nil ? 20_000_000 : nil }

    /// Starts to watch a run. Call it before the processes agree to start the run.
    func beginRun(_ processState: SharedProcessState) {
        state.withLock {
            $0.runNumber += 1
            $0.processState = processState
        }
    }

    func endRun() {
        state.withLock { $0.processState = nil }
    }

    /// Handles arrived control messages, at most once per millisecond, and starts a hang diagnosis if `call` has
    /// exceeded the timeout.
    func poll(_ call: BlockedCall, now: UInt64) throws {
        let last = lastPoll.load(ordering: .relaxed)
        guard now > last + 1_000_000,
            lastPoll.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
        else { return }
        if let mpi {
            while let message = try mpi.receiveControlMessage() { try handle(message.bytes, from: message.sender) }
        }
        if let timeout, now > call.since + timeout { try diagnoseHang(of: call, now: now) }
    }

    private func handle(_ bytes: [UInt8], from sender: Int) throws {
        guard let message = ControlMessage(bytes: bytes) else { return }
        switch message {
        case .failure(let run, let group, let reason):
            let processState = state.withLock { $0.runNumber == run ? $0.processState : nil }
            processState?.abort(group, because: reason)
        case .statusRequest(let diagnosis): try replyToStatusRequest(diagnosis, from: sender)
        case .statusReply(let diagnosis, let status): recordStatusReply(status, from: sender, diagnosis: diagnosis)
        }
    }

    /// Starts to send to another process; does not wait.
    func send(_ message: ControlMessage, to receiver: Int) throws {
        guard let mpi else { return }
        let requests = try mpi.sendControlMessage(message, to: receiver)
        state.withLock { state in
            state.pendingSends.removeAll { (try? $0.areDone()) ?? true }
            state.pendingSends.append(requests)
        }
    }

    // MARK: - Failures

    /// Seconds that a failed process waits for the others of the whole job before it aborts the job.
    private static let graceSeconds = 5
    /// Longest reason in a control message, in bytes. It must be short enough for MPI to send it before the receiver
    /// polls.
    private static let reasonLimit = 2_000

    /// Reports to the other processes that a group of workers has failed. Send errors are ignored: the end of the run
    /// aborts the job if the others do not respond.
    func reportFailure(of group: SharedProcessState.GroupID, workerIDs: [WorkerID], reason: String) {
        guard let mpi else { return }
        let run = state.withLock { $0.runNumber }
        let text = "rank \(mpi.jobRanks[mpi.rank]): \(reason)"
        let message = ControlMessage.failure(
            run: run, group: group, reason: String(decoding: text.utf8.prefix(Self.reasonLimit), as: UTF8.self))
        for process in Set(workerIDs.map(\.process)).sorted() where process != mpi.rank {
            try? send(message, to: process)
        }
    }

    /// The outcome of a run, the same on all processes.
    struct RunOutcome {
        /// Nil if no process failed.
        let error: GroupError?
        /// Whether no group of workers was aborted, so that no messages are left over.
        let isClean: Bool
    }

    /// Ends a run on all processes. A process that has failed aborts the job if the others do not respond within
    /// `graceSeconds`.
    ///
    /// - Parameters:
    ///   - failure: the failure of this process; nil if it succeeded.
    ///   - isPart: whether the group is a part of the job. A part waits without limit for processes that compute,
    ///     because an abort would end the other parts.
    func agreeOnOutcome(_ failure: ProcessFailure?, isPart: Bool) throws -> RunOutcome {
        guard let mpi else { preconditionFailure("a run of one process has no other processes to agree with") }
        let isClean = state.withLock { $0.processState?.hasAborted != true }
        let message = failure?.message ?? []
        // -1: the process succeeded, but it has aborted some group of its workers.
        let length = message.isEmpty && !isClean ? -1 : message.count
        let grace = UInt64(Self.graceSeconds) * 1_000_000_000 + (failure?.isConsequence == true ? 2_000_000_000 : 0)
        let start = monotonicNanoseconds()
        let lengths = try allGather(length, call: "end of run") { now in
            guard let failure, !isPart, now > start + grace else { return }
            self.abortJob(
                "\(failure.text)\n\(mpi.rankOfJob) aborts the job: other ranks did not respond to this failure within "
                    + "\(Self.graceSeconds) s", exitCode: failure.exitCode)
        }
        if lengths.allSatisfy({ $0 == 0 }) { return RunOutcome(error: nil, isClean: true) }
        let failures = try allGather(message, call: "end of run").map(ProcessFailure.init(message:))
        return RunOutcome(error: GroupError(failures: failures, jobRanks: mpi.jobRanks), isClean: false)
    }

    /// Writes the reason to standard error and ends all processes of the job. For errors that cannot be thrown, because
    /// some processes do not respond.
    func abortJob(_ text: String, exitCode: Int32) -> Never {
        let prefix = mpi.map { "\($0.rankOfJob): " } ?? ""
        let line = Array("\(prefix)\(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        MPIContext.abort(exitCode: exitCode)
        _exit(exitCode)
    }
}

/// A message between processes outside the collective operations.
enum ControlMessage: Equatable {
    /// A group of workers has failed, in the run with that number.
    case failure(run: Int, group: SharedProcessState.GroupID, reason: String)
    /// Asks for the status of the receiver's workers. `diagnosis` is the sender's number of the hang diagnosis.
    case statusRequest(diagnosis: Int)
    /// The reply: `HangDiagnosis.ProcessStatus.text`.
    case statusReply(diagnosis: Int, status: String)

    /// Encoding: the kind and four numbers (8 bytes each), then the text (UTF-8).
    var bytes: [UInt8] {
        let (numbers, text): ([Int], String) =
            switch self {
            case .failure(let run, let group, let reason):
                ([0, run, group.context, group.firstWorker.process, group.firstWorker.thread], reason)
            case .statusRequest(let diagnosis): ([1, diagnosis, 0, 0, 0], "")
            case .statusReply(let diagnosis, let status): ([2, diagnosis, 0, 0, 0], status)
            }
        return numbers.withUnsafeBytes { Array($0) } + Array(text.utf8)
    }

    /// Decodes a message; nil if it is malformed.
    init?(bytes: [UInt8]) {
        guard bytes.count >= 40 else { return nil }
        let numbers = bytes.withUnsafeBytes { raw in
            (0..<5).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int.self) }
        }
        let text = String(decoding: bytes[40...], as: UTF8.self)
        switch numbers[0] {
        case 0:
            let firstWorker = WorkerID(process: numbers[3], thread: numbers[4])
            self = .failure(
                run: numbers[1],
                group: SharedProcessState.GroupID(context: numbers[2], firstWorker: firstWorker), reason: text)
        case 1: self = .statusRequest(diagnosis: numbers[1])
        case 2: self = .statusReply(diagnosis: numbers[1], status: text)
        default: return nil
        }
    }
}
