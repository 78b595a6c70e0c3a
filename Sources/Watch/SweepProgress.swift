import CoupletEvaluation
import CoupletFiles
import CoupletReports
import CoupletSweeps
import CoupletTraining

/// How far a sweep and its trials are, from the files in its folder.
struct SweepProgress {
    /// A trial with what its run has logged.
    struct TrialProgress {
        let row: SweepRow
        /// The state of the row, or running if a process has the trial's folder.
        let status: TrialStatus
        let step: Int?
        let plannedSteps: Int?
        /// The metric of the sweep: of the finished trial, or of the last evaluation during its training.
        let metric: Double?
    }

    let folder: SweepFolder
    /// Nil while the sweep is being prepared.
    private(set) var table: SweepTable?
    private(set) var trials: [TrialProgress] = []
    /// Whether a process runs the sweep.
    private(set) var isActive = false
    private var runs: [String: RunProgress] = [:]
    private var halves = false

    init(_ folder: SweepFolder) { self.folder = folder }

    /// Reads what was written since the last call.
    /// - Throws: `FileError` or `ConfigurationError` if the table of the sweep is damaged.
    mutating func update() throws {
        isActive = FolderLock.isLocked(folder.path) ?? true
        // A sweep that has just begun has no table yet.
        guard !isActive || FileSystem.exists(folder.table) && FileSystem.exists(folder.specification) else { return }
        let table = try SweepTable(folder: folder)
        halves = try SweepSpecification.load(path: folder.specification).halving != nil
        trials = table.rows.map { progress($0, table) }
        self.table = table
    }

    private mutating func progress(_ row: SweepRow, _ table: SweepTable) -> TrialProgress {
        let run = RunFolder(path: folder.trial(row.trial))
        // The table is written when a trial ends, so a trial that has begun since is waiting there.
        let isOpen = row.status == .waiting || row.status == .running
        let isRunning = isOpen && isActive && FolderLock.isLocked(run.path) ?? run.holdsRun
        guard isRunning || isOpen && run.holdsRun else {
            runs[row.trial] = nil
            return TrialProgress(
                row: row, status: row.status, step: row.steps, plannedSteps: nil, metric: row.metric)
        }
        var progress = runs[row.trial] ?? RunProgress(run)
        progress.update()
        runs[row.trial] = progress
        return TrialProgress(
            row: row, status: isRunning ? .running : row.status, step: progress.step,
            plannedSteps: progress.plannedSteps,
            metric: row.metric ?? progress.metrics.evaluations.last(table.metric))
    }

    func count(_ status: TrialStatus) -> Int { trials.count { $0.status == status } }

    /// The best trial that is done.
    var best: SweepRow? { table?.ranked.first }

    /// Seconds until the last trial ends, by the mean time of a step in the finished trials, or in the running ones
    /// before any has finished, as if the others had as many steps; nil if that is not known, and with halving, which
    /// decides later how many steps there are.
    var secondsLeft: Double? {
        guard isActive, !halves else { return nil }
        let finished = trials.filter { $0.status == .done }
        let steps = finished.reduce(0) { $0 + ($1.row.steps ?? 0) }
        let seconds = finished.reduce(0) { $0 + ($1.row.seconds ?? 0) }
        let speeds = runs.values.compactMap(\.secondsPerStep)
        let perStep = steps > 0 ? seconds / Double(steps) : speeds.reduce(0, +) / Double(speeds.count)
        let usual = (finished.map(\.row.steps) + trials.map(\.plannedSteps)).compactMap(\.self).max()
        guard let usual, perStep.isFinite else { return nil }
        let left = trials.filter { $0.status == .waiting || $0.status == .running }.reduce(0) {
            $0 + max(0, ($1.plannedSteps ?? usual) - ($1.step ?? 0))
        }
        return perStep * Double(left) / Double(max(1, count(.running)))
    }
}
