import CoupletFiles
import CoupletStorage
import CoupletText
import CoupletTraining

/// What of a sweep that goes on is done already: results that were taken down and whose run is still whole, and runs that ended just before the sweep was
/// killed.
struct FinishedTrials {
    private let plan: TrialPlan
    private let folder: SweepFolder

    init(_ plan: TrialPlan, _ folder: SweepFolder) {
        self.plan = plan
        self.folder = folder
    }

    /// - Parameter recorded: the results that were taken down.
    /// - Returns: those that hold, and new ones, which are taken down now.
    /// - Throws: `FileError` where the system refuses.
    func known(_ recorded: [TrialResult], _ file: ResultsFile) throws -> [TrialResult] {
        let records = Dictionary(grouping: recorded, by: \.trial)
        var known: [TrialResult] = []
        for trial in plan.possible {
            let last = plan.steps(trial), own = records[trial.name] ?? []
            known += own.filter { $0.steps < last || $0.isFailed }
            if own.contains(where: \.isFailed) { continue }
            let record = own.first { $0.steps == last }
            // Between two rungs a trial that just ended is evaluated once more, which is all that is left of it to do.
            guard let found = try finished(trial, steps: last, seconds: record?.seconds) else { continue }
            if found != record { try file.append(found) }
            known.append(found)
        }
        return known
    }

    /// The result of a trial whose run is whole and at its end; nil of any other.
    private func finished(_ trial: Trial, steps: Int, seconds: Double?) throws -> TrialResult? {
        let run = RunFolder(path: folder.trial(trial.name)), store = CheckpointStore(folder: run.checkpoints)
        guard let configuration = trial.configuration, FileSystem.exists(run.evaluation),
            let stored = try? run.storedConfiguration(), stored.train.steps == steps,
            configuration.resolvingScheduleSteps().differences(from: stored).isEmpty, try store.list().last == steps,
            let evaluation = JSONValue(text: try FileSystem.text(at: run.evaluation)),
            evaluation["step"]?.integer == steps,
            let metric = plan.specification.metric.value(in: evaluation),
            // Whole, not merely there: a damaged checkpoint sends the trial back to the one before.
            let content = try? store.read(store.path(ofStep: steps)), content.step == steps
        else { return nil }
        return TrialResult(
            trial: trial.name, steps: steps, metric: metric, digest: content.digest,
            seconds: seconds ?? Self.seconds(run))
    }

    /// Those of the run's last start, by its metrics.
    private static func seconds(_ run: RunFolder) -> Double {
        let last = (try? FileSystem.text(at: run.metrics))?.split(separator: "\n").last
        return last.flatMap { JSONValue(text: $0) }?["seconds"]?.number ?? 0
    }
}
