import CoupletFiles
import CoupletStorage
import CoupletText
import CoupletTraining
import Synchronization

/// Assigns trials to slots, stores their results and reports progress. It exists on the first process of a sweep.
///
/// A result is durable before anything depends on it.
final class SweepCoordinator: Sendable {
    private struct State {
        var scheduler: TrialScheduler
        var isStopping = false
        /// The error that ends the sweep, such as a full disk.
        var failure: (any Error)?
    }

    private let plan: TrialPlan
    private let folder: SweepFolder
    private let results: ResultsFile
    private let display: SweepDisplay
    private let state: Mutex<State>
    /// Held for the duration of the sweep.
    private let lock: FolderLock
    private let started = ContinuousClock.now
    /// The shortest `train.stop_after` of the trials, measured from the start of the sweep.
    private let stopAfter: Duration?

    /// Prepares the folder and reads the results of finished trials.
    /// - Parameter retriesFailed: Whether failed trials run again.
    /// - Throws: `FileError` if the folder cannot be used, an older program trained a trial, or the system refuses.
    init(
        _ plan: TrialPlan, _ folder: SweepFolder, _ existing: RunFolder.ExistingRun, retriesFailed: Bool,
        display: SweepDisplay
    ) throws {
        self.plan = plan
        self.folder = folder
        self.display = display
        stopAfter = plan.runnableTrials.compactMap { $0.configuration?.train.stopAfter }.min()
        if existing == .resume {
            // One sweep compares results of one arithmetic.
            for trial in plan.runnableTrials {
                let run = RunFolder(path: folder.trial(trial.name))
                try CheckpointStore(folder: run.checkpoints).requireResumable()
            }
        }
        lock = try folder.lock(existing)
        try folder.prepare(existing, for: plan.specification)
        results = try ResultsFile(path: folder.results)
        let recorded = try results.read().filter { !retriesFailed || !$0.isFailed }
        let valid = try FinishedTrials(plan, folder).validResults(recorded, results)
        state = Mutex(State(scheduler: TrialScheduler(plan, known: valid)))
        try writeTable()
        let scheduler = state.withLock { $0.scheduler }
        display.begin(rows: scheduler.rows, stepsLeft: scheduler.stepsLeft)
    }

    private var table: SweepTable {
        let specification = plan.specification
        return SweepTable(
            name: specification.name, keys: specification.varied.map(\.key), metric: specification.metric.description,
            goal: specification.goal, rows: state.withLock { $0.scheduler.rows })
    }

    private func writeTable() throws { try DurableFile.replace(folder.table, with: table.csv) }

    /// Answers a request of a slot. Calls never overlap.
    func answer(_ request: [UInt8]) -> [UInt8] {
        switch SlotRequest(request) {
        case .next(let result):
            if let result { record(result) }
            return assignTrial().bytes
        case .heartbeat(let isStopRequested):
            let mustStop = state.withLock { state in
                if isStopRequested || stopAfter.map({ .now - started >= $0 }) ?? false { state.isStopping = true }
                return state.isStopping || state.failure != nil
            }
            display.tick()
            return (mustStop ? SlotReply.finished : .wait).bytes
        case nil: return SlotReply.finished.bytes
        }
    }

    private func record(_ result: TrialResult) {
        do {
            try results.append(result)
            state.withLock { $0.scheduler.end(result) }
            try writeTable()
        } catch {
            state.withLock { $0.failure = $0.failure ?? error }
            return
        }
        let scheduler = state.withLock { $0.scheduler }
        display.trialEnded(
            result, rows: scheduler.rows, running: scheduler.runningCount, stepsLeft: scheduler.stepsLeft)
    }

    private func assignTrial() -> SlotReply {
        let (assignment, running) = state.withLock { state -> (TrialScheduler.Assignment, Int) in
            if state.isStopping || state.failure != nil { return (.finished, state.scheduler.runningCount) }
            return (state.scheduler.next(), state.scheduler.runningCount)
        }
        switch assignment {
        case .run(let trial, let steps):
            display.trialStarted(running: running)
            return .train(trial, steps: steps)
        case .wait: return .wait
        case .finished: return .finished
        }
    }

    /// Ends the sweep after all slots have ended.
    /// - Throws: The error that ended the sweep, if any.
    func close() throws -> (outcome: SweepOutcome, table: SweepTable) {
        display.finish()
        if let failure = state.withLock({ $0.failure }) { throw failure }
        try writeTable()
        let table = self.table
        let isFinished = state.withLock { $0.scheduler.isFinished }
        return (isFinished ? .done(failed: table.rows.count { $0.status == .failed }) : .stopped, table)
    }
}

/// The results of trials that finished before a resume.
private struct FinishedTrials {
    private let plan: TrialPlan
    private let folder: SweepFolder

    init(_ plan: TrialPlan, _ folder: SweepFolder) {
        self.plan = plan
        self.folder = folder
    }

    /// Selects the recorded results whose runs are intact, and adds results of runs that ended just before the sweep
    /// was killed. New results are appended to the file.
    /// - Throws: `FileError` if the system refuses.
    func validResults(_ recorded: [TrialResult], _ file: ResultsFile) throws -> [TrialResult] {
        let resultsByTrial = Dictionary(grouping: recorded, by: \.trial)
        var valid: [TrialResult] = []
        for trial in plan.runnableTrials {
            let lastStep = plan.steps(trial), results = resultsByTrial[trial.name] ?? []
            valid += results.filter { $0.steps < lastStep || $0.isFailed }
            if results.contains(where: \.isFailed) { continue }
            let record = results.first { $0.steps == lastStep }
            // A trial that ended at an earlier rung without a record is trained to that rung again, which only costs
            // an evaluation.
            guard let found = try finalResult(trial, steps: lastStep, seconds: record?.seconds) else { continue }
            if found != record { try file.append(found) }
            valid.append(found)
        }
        return valid
    }

    /// The result of a trial whose run is intact and has reached its last step; nil for any other.
    private func finalResult(_ trial: Trial, steps: Int, seconds: Double?) throws -> TrialResult? {
        let run = RunFolder(path: folder.trial(trial.name)), store = CheckpointStore(folder: run.checkpoints)
        guard let configuration = trial.configuration,
            let stored = try? run.storedConfiguration(registry: plan.registry), stored.train.steps == steps,
            configuration.resolvingScheduleSteps().differences(from: stored).isEmpty,
            // Whole checkpoints are read: a trial with a damaged one resumes from the checkpoint before.
            let last = try store.list().last, let newest = try? store.read(store.path(ofStep: last)),
            newest.step == steps || BestEvaluation.isExhausted(newest.scalars, stored.train.stopEarly),
            let measured = MeasuredCheckpoint(of: run, last: last, scalars: newest.scalars),
            let figures = TrialFigures(plan.specification.metric, in: measured.evaluation),
            let checkpoint = measured.step == last ? newest : try? store.read(store.path(ofStep: measured.step))
        else { return nil }
        return TrialResult(
            trial: trial.name, steps: steps, figures, digest: checkpoint.digest,
            seconds: seconds ?? Self.seconds(run))
    }

    /// The seconds of the run's last start, from its metrics.
    private static func seconds(_ run: RunFolder) -> Double {
        let last = (try? FileSystem.text(at: run.metrics))?.split(separator: "\n").last
        return last.flatMap { JSONValue(text: $0) }?["seconds"]?.number ?? 0
    }
}
