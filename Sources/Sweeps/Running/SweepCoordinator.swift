import CoupletEvaluation
import CoupletFiles
import CoupletTraining
import Synchronization

/// Process 0's book of a sweep: gives out trials, takes down what they come to, durably before anything follows from it, and tells who watches.
final class SweepCoordinator: Sendable {
    private struct State {
        var queue: TrialScheduler
        var isStopping = false
        /// What ended the sweep, such as a full disk.
        var failure: (any Error)?
    }

    private let plan: TrialPlan
    private let folder: SweepFolder
    private let results: ResultsFile
    private let display: SweepDisplay
    private let state: Mutex<State>
    /// As long as the sweep lasts.
    private let lock: FolderLock
    private let started = ContinuousClock.now
    /// The shortest `train.stop_after` of the trials: it counts from the start of the sweep.
    private let stopAfter: Duration?

    /// Makes the folder ready and reads what is done.
    /// - Parameter retriesFailed: whether trials that failed before are worked on again.
    /// - Throws: `FileError` where the folder does not fit or the system refuses.
    init(
        _ plan: TrialPlan, _ folder: SweepFolder, _ existing: RunFolder.ExistingRun, retriesFailed: Bool,
        display: SweepDisplay
    ) throws {
        self.plan = plan
        self.folder = folder
        self.display = display
        stopAfter = plan.possible.compactMap { $0.configuration?.train.stopAfter }.min()
        lock = try folder.lock(existing)
        try folder.prepare(existing, for: plan.specification)
        results = try ResultsFile(path: folder.results)
        let known = try FinishedTrials(plan, folder).known(
            results.read().filter { !retriesFailed || !$0.isFailed }, results)
        state = Mutex(State(queue: TrialScheduler(plan, known: known)))
        try write()
        let queue = state.withLock { $0.queue }
        display.begin(rows: queue.rows, stepsLeft: queue.stepsLeft)
    }

    private var table: SweepTable {
        let specification = plan.specification
        return SweepTable(
            name: specification.name, keys: specification.varied.map(\.key), metric: specification.metric.description,
            goal: specification.goal, rows: state.withLock { $0.queue.rows })
    }

    private func write() throws { try DurableFile.replace(folder.table, with: table.csv) }

    /// Answers a lane. Never twice at a time.
    func answer(_ question: [UInt8]) -> [UInt8] {
        switch SlotRequest(question) {
        case .next(let result):
            if let result { took(result) }
            return next().bytes
        case .pulse(let isStopRequested):
            let mustStop = state.withLock { state in
                if isStopRequested || stopAfter.map({ .now - started >= $0 }) ?? false { state.isStopping = true }
                return state.isStopping || state.failure != nil
            }
            display.tick()
            return (mustStop ? SlotReply.finished : .wait).bytes
        case nil: return SlotReply.finished.bytes
        }
    }

    private func took(_ result: TrialResult) {
        do {
            try results.append(result)
            state.withLock { $0.queue.end(result) }
            try write()
        } catch {
            state.withLock { $0.failure = $0.failure ?? error }
            return
        }
        let queue = state.withLock { $0.queue }
        display.ended(result, rows: queue.rows, running: queue.runningCount, stepsLeft: queue.stepsLeft)
    }

    private func next() -> SlotReply {
        let (assignment, running) = state.withLock { state -> (TrialScheduler.Assignment, Int) in
            if state.isStopping || state.failure != nil { return (.finished, state.queue.runningCount) }
            return (state.queue.next(), state.queue.runningCount)
        }
        switch assignment {
        case .run(let trial, let steps):
            display.began(running: running)
            return .run(trial, steps: steps)
        case .wait: return .wait
        case .finished: return .finished
        }
    }

    /// When all lanes have ended.
    /// - Throws: what ended the sweep.
    func close() throws -> (outcome: SweepOutcome, table: SweepTable) {
        display.finish()
        if let failure = state.withLock({ $0.failure }) { throw failure }
        try write()
        let table = self.table
        let isFinished = state.withLock { $0.queue.isFinished }
        return (isFinished ? .done(failed: table.rows.count { $0.status == .failed }) : .stopped, table)
    }
}
