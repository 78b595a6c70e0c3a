import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletText
import CoupletTraining

/// Trains trials in a group of ranks, as `couplet train` would each, and reads what they came to.
struct TrialRunner: Sendable {
    let plan: TrialPlan
    let folder: SweepFolder
    let group: WorkerGroup
    let signals: StopSignals
    let sources: SourceCache

    /// Trains a trial to so many steps and evaluates it there. An error is a result too; nil where a signal came first.
    func run(_ trial: Trial, steps: Int) -> TrialResult? {
        let start = ContinuousClock.now
        func seconds() -> Double { (ContinuousClock.now - start).inSeconds }
        do {
            guard var configuration = trial.configuration?.resolvingScheduleSteps() else {
                preconditionFailure("\(trial.name) cannot run")
            }
            configuration.train.steps = steps
            // It is the sweep's.
            configuration.train.stopAfter = nil
            var source: (any PairSource)?
            try group.agree(Result { source = try sources.source(of: configuration) })
            let options = TrainingOptions(
                output: folder.trial(trial.name), existing: .resume, threads: plan.specification.threadsPerTrial,
                progress: .none)
            let outcome = try Trainer(options: options, group: group, signals: signals).run(source: source) {
                configuration
            }
            if case .stopped = outcome { return nil }
            return try result(trial, steps: steps, seconds: seconds())
        } catch {
            return .failed(trial.name, steps: steps, seconds: seconds(), reason: "\(error)")
        }
    }

    private func result(_ trial: Trial, steps: Int, seconds: Double) throws -> TrialResult {
        // The others have nothing to tell.
        guard group.processRank == 0 else {
            return TrialResult(trial: trial.name, steps: steps, metric: nil, digest: "", seconds: seconds)
        }
        let run = RunFolder(path: folder.trial(trial.name)), store = CheckpointStore(folder: run.checkpoints)
        let evaluation = JSONValue(text: try FileSystem.text(at: run.evaluation)) ?? .null,
            path = plan.specification.metric
        guard let metric = path.value(in: evaluation) else {
            return .failed(trial.name, steps: steps, seconds: seconds, reason: path.problem(in: evaluation))
        }
        let digest = try CheckpointStore.summary(store.path(ofStep: steps)).digest
        return TrialResult(trial: trial.name, steps: steps, metric: metric, digest: digest, seconds: seconds)
    }
}
