/// Finds out which ranks and workers hang when a wait exceeds the timeout.
///
/// The process that waits asks all processes of the group for the status of their workers
/// (`ControlMessage.statusRequest`). If the wait still lasts when they have had time to reply, it ends the job with a
/// message that names the missing ranks or the deadlock.
package struct HangDiagnosis: Sendable {
    /// The activity of a worker, or of a process outside its workers.
    package struct WorkerStatus: Sendable, Equatable {
        /// The raw value is the letter in `ProcessStatus.text`.
        package enum Activity: Character, Sendable {
            case computing = "w"
            case blocked = "i"
            case ended = "e"
        }

        fileprivate let activity: Activity
        /// Whole seconds in the blocked call.
        fileprivate let seconds: Int
        /// The worker it waits for; nil if it waits for several.
        fileprivate let partner: Int?
        /// Name of the blocked call.
        fileprivate let call: String

        package init(_ activity: Activity, seconds: Int = 0, partner: Int? = nil, call: String = "") {
            self.activity = activity
            self.seconds = seconds
            self.partner = partner
            self.call = call
        }
    }

    /// The activities of a process and its workers.
    package struct ProcessStatus: Sendable, Equatable {
        /// By thread; empty between two runs.
        fileprivate let workers: [WorkerStatus]
        /// The call in which the process itself waits, if it does.
        fileprivate let process: WorkerStatus?

        package init(workers: [WorkerStatus], process: WorkerStatus? = nil) {
            self.workers = workers
            self.process = process
        }

        /// One line per worker: thread ("p": the process itself), activity, seconds, partner (-1: none), call.
        package var text: String {
            let lines = workers.enumerated().map { ("\($0)", $1) } + (process.map { [("p", $0)] } ?? [])
            return lines.map { "\($0) \($1.activity.rawValue) \($1.seconds) \($1.partner ?? -1) \($1.call)" }
                .joined(separator: "\n")
        }

        /// Decodes `text`; nil if it is malformed.
        package init?(text: String) {
            var workers: [WorkerStatus] = [], process: WorkerStatus?
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
                guard fields.count == 5, let letter = fields[1].first,
                    let activity = WorkerStatus.Activity(rawValue: letter), let seconds = Int(fields[2]),
                    let partner = Int(fields[3])
                else { return nil }
                let status = WorkerStatus(
                    activity, seconds: seconds, partner: partner < 0 ? nil : partner, call: String(fields[4]))
                if fields[0] == "p" { process = status } else { workers.append(status) }
            }
            self.init(workers: workers, process: process)
        }
    }

    fileprivate let number: Int
    fileprivate let start: UInt64
    /// The thread whose wait started the diagnosis; nil: the process itself.
    fileprivate let thread: Int?
    /// By rank, of the processes that have replied.
    fileprivate var statuses: [Int: ProcessStatus] = [:]

    /// The message that ends the job: who has not arrived where the others wait, or who waits for whom if all wait.
    ///
    /// - Parameters:
    ///   - statuses: by rank, of the processes that have replied.
    ///   - processNames: of all processes, "rank 3 on node7"; empty if there is one process.
    ///   - seconds: duration of the wait.
    package static func message(_ statuses: [Int: ProcessStatus], processNames: [String], seconds: Int) -> String {
        let summary = Summary(statuses, processNames: processNames)
        if summary.missing.isEmpty {
            let limit = 16
            let shown = summary.waits.prefix(limit) + (summary.waits.count > limit ? ["…"] : [])
            return "all wait for each other, for \(seconds) s: " + (shown + summary.ended).joined(separator: ", ")
                + "; every worker must make the same calls in the same order"
        }
        let verb = summary.missing.count == 1 && !summary.missing[0].hasPrefix("workers") ? "has" : "have"
        return summary.missing.joined(separator: " and ") + " \(verb) not arrived for \(seconds) s, while "
            + (summary.waitsByCall + summary.ended).joined(separator: ", ")
            + "; check whether a process there is stopped, hangs or computes for a long time, or raise the timeout"
    }
}

// MARK: - Summary of the statuses

/// The statuses of all processes as phrases for the message.
private struct Summary {
    /// Processes that have not replied, and workers of other processes that are not blocked.
    private(set) var missing: [String] = []
    /// One phrase per blocked worker or process: "worker 3 in barrier for worker 2".
    private(set) var waits: [String] = []
    private var endedWorkers: [Int] = []
    /// Blocked workers by call, in the order of the first worker.
    private var blockedWorkers: [(call: String, workers: [Int])] = []
    private var blockedProcesses: [String] = []
    private let processNames: [String]

    init(_ statuses: [Int: HangDiagnosis.ProcessStatus], processNames: [String]) {
        self.processNames = processNames
        let threads = statuses.values.map(\.workers.count).max() ?? 0
        for process in 0..<max(processNames.count, 1) {
            if let status = statuses[process] {
                add(status, process: process)
            } else {
                let workers = Array(process * threads..<(process + 1) * threads)
                missing.append(processNames[process] + (workers.isEmpty ? "" : " (\(Self.text(workers)))"))
            }
        }
    }

    private mutating func add(_ status: HangDiagnosis.ProcessStatus, process: Int) {
        let first = process * status.workers.count
        let computing = status.workers.indices.filter { status.workers[$0].activity == .computing }.map { first + $0 }
        if !computing.isEmpty {
            missing.append(Self.text(computing) + (processNames.isEmpty ? "" : " (\(processNames[process]))"))
        }
        for (thread, worker) in status.workers.enumerated() {
            switch worker.activity {
            case .computing: break
            case .ended: endedWorkers.append(first + thread)
            case .blocked:
                waits.append(
                    "worker \(first + thread) in \(worker.call)" + (worker.partner.map { " for worker \($0)" } ?? ""))
                if let index = blockedWorkers.firstIndex(where: { $0.call == worker.call }) {
                    blockedWorkers[index].workers.append(first + thread)
                } else {
                    blockedWorkers.append((worker.call, [first + thread]))
                }
            }
        }
        // A process always waits for its workers, so its own call matters only if they have all ended.
        if !processNames.isEmpty, let processCall = status.process?.call,
            status.workers.allSatisfy({ $0.activity == .ended })
        {
            waits.append("\(processNames[process]) in \(processCall)")
            blockedProcesses.append("\(processNames[process]) waits in \(processCall)")
        }
    }

    /// "worker 3 has ended", or nothing.
    var ended: [String] {
        endedWorkers.isEmpty ? [] : ["\(Self.text(endedWorkers)) \(endedWorkers.count == 1 ? "has" : "have") ended"]
    }

    /// One phrase per call: "workers 0 … 5 wait in barrier".
    var waitsByCall: [String] {
        blockedWorkers.map { "\(Self.text($0.workers)) \($0.workers.count == 1 ? "waits" : "wait") in \($0.call)" }
            + blockedProcesses
    }

    /// "worker 3", "workers 3, 5", "workers 3 … 8".
    private static func text(_ workers: [Int]) -> String {
        if workers.count == 1 { return "worker \(workers[0])" }
        let isRange = workers.count > 2 && workers[workers.count - 1] - workers[0] == workers.count - 1
        return "workers "
            + (isRange
                ? "\(workers[0]) … \(workers[workers.count - 1])" : workers.map(String.init).joined(separator: ", "))
    }
}

// MARK: - Exchange of the statuses

/// A call in which a worker, or a process, waits.
struct BlockedCall: Sendable {
    /// Number of the worker in its process; nil: the process itself.
    let thread: Int?
    /// Name of the call: "barrier".
    let name: String
    /// The worker it waits for; nil if it waits for several.
    let partner: WorkerID?
    /// Start of the wait in nanoseconds of the monotonic clock.
    let since: UInt64
}

extension FailureDetector {
    /// Time in nanoseconds for other processes to reply.
    private static let replyTime: UInt64 = 2_000_000_000
    /// Time in nanoseconds for other threads of a single process, which may arrive at this very moment.
    private static let threadTime: UInt64 = 200_000_000

    /// Starts a diagnosis, unless one runs. Ends the job if `call` is still blocked after all processes have had time
    /// to reply.
    ///
    /// If several processes exceed the timeout at the same time, the one with the lowest rank runs the diagnosis.
    func diagnoseHang(of call: BlockedCall, now: UInt64) throws {
        let number = state.withLock { state -> Int? in
            guard state.diagnosis == nil, now > state.nextDiagnosisTime else { return nil }
            state.diagnosesStarted += 1
            state.diagnosis = HangDiagnosis(number: state.diagnosesStarted, start: now, thread: call.thread)
            return state.diagnosesStarted
        }
        if let number, let mpi {
            for process in 0..<mpi.size where process != mpi.rank {
                try send(.statusRequest(diagnosis: number), to: process)
            }
        }
        let time = mpi == nil ? Self.threadTime : Self.replyTime
        guard var diagnosis = state.withLock({ $0.diagnosis }), now > diagnosis.start + time else { return }
        diagnosis.statuses[mpi?.rank ?? 0] = localStatus(now: now)
        let message = HangDiagnosis.message(
            diagnosis.statuses, processNames: mpi?.processNames ?? [], seconds: Int((now - call.since) / 1_000_000_000))
        abortJob(message, exitCode: 70)
    }

    /// Ends the job if a wait for a single process, which began at `start`, has exceeded the timeout.
    ///
    /// - Parameter problem: The beginning of the message: "rank 0 has not answered a request".
    func abortJob(ifTimedOut problem: String, since start: UInt64) {
        guard let timeout, monotonicNanoseconds() > start + timeout else { return }
        abortJob(
            "\(problem) for \(timeout / 1_000_000_000) s; check whether it is stopped or hangs, or raise the timeout",
            exitCode: 70)
    }

    /// Records that a blocked call has returned, and cancels a diagnosis that it had started.
    ///
    /// - Parameter thread: Number of the worker in this process; nil: the process itself.
    func callReturned(thread: Int?) {
        state.withLock { state in
            if let thread {
                state.processState?.setActivity(.computing, thread: thread)
            } else {
                state.processCall = nil
            }
            if let diagnosis = state.diagnosis, diagnosis.thread == thread { state.diagnosis = nil }
        }
    }

    func replyToStatusRequest(_ number: Int, from sender: Int) throws {
        guard let mpi else { return }
        let now = monotonicNanoseconds()
        if sender < mpi.rank {
            state.withLock {
                $0.diagnosis = nil
                $0.nextDiagnosisTime = now + 2 * Self.replyTime
            }
        }
        try send(.statusReply(diagnosis: number, status: localStatus(now: now).text), to: sender)
    }

    func recordStatusReply(_ text: String, from process: Int, diagnosis number: Int) {
        guard let status = HangDiagnosis.ProcessStatus(text: text) else { return }
        state.withLock { state in
            if state.diagnosis?.number == number { state.diagnosis?.statuses[process] = status }
        }
    }

    private func localStatus(now: UInt64) -> HangDiagnosis.ProcessStatus {
        let (processState, processCall) = state.withLock { ($0.processState, $0.processCall) }
        let activities = processState?.activities ?? [], threads = activities.count
        func blocked(_ call: BlockedCall) -> HangDiagnosis.WorkerStatus {
            HangDiagnosis.WorkerStatus(
                .blocked, seconds: Int((max(now, call.since) - call.since) / 1_000_000_000),
                partner: call.partner.map { $0.process * threads + $0.thread }, call: call.name)
        }
        return HangDiagnosis.ProcessStatus(
            workers: activities.map { activity in
                switch activity {
                case .computing: HangDiagnosis.WorkerStatus(.computing)
                case .ended: HangDiagnosis.WorkerStatus(.ended)
                case .blocked(let call): blocked(call)
                }
            }, process: processCall.map(blocked))
    }
}
