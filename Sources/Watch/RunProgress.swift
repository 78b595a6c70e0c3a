import CoupletEvaluation
import CoupletFiles
import CoupletReports
import CoupletSchema
import CoupletStorage
import CoupletText
import CoupletTraining
import Glibc

/// How far a run is, from the files in its folder. Reading changes nothing, and the run may be writing them.
struct RunProgress {
    /// The state of a run.
    enum Status: Equatable {
        /// A process has the folder and has not begun to train.
        case starting
        case running
        case done
        /// Stopped by a signal or `train.stop_after`, as the log says.
        case stopped(String)
        /// Ended by an error.
        case failed(String)
        /// No process has the folder, and the log does not say how it ended.
        case interrupted
    }

    let folder: RunFolder
    private(set) var status = Status.starting
    private(set) var metrics = MetricsHistory("")
    private(set) var settings: ConfigurationSettings?
    /// The step of the newest checkpoint; nil if there is none.
    private(set) var checkpoint: Int?
    /// Seconds since the last record of metrics.
    private(set) var recordAge = 0.0
    private var metricsLines: AppendedLines
    private var logLines: AppendedLines
    /// What the log says since the last start of the run; nil if it says nothing about the end.
    private var ending: Status?
    /// Whether the log has a start.
    private var hasStarted = false

    init(_ folder: RunFolder) {
        self.folder = folder
        metricsLines = AppendedLines(folder.metrics)
        logLines = AppendedLines(folder.log)
    }

    /// Reads what was written since the last call.
    mutating func update() {
        if let added = metricsLines.read() {
            if added.isFromStart { metrics = MetricsHistory("") }
            metrics.append(added.text)
        }
        if let added = logLines.read() {
            if added.isFromStart { (ending, hasStarted) = (nil, false) }
            for line in added.text.split(separator: "\n") { read(logLine: line) }
        }
        let text = try? FileSystem.text(at: folder.configuration)
        settings = text.flatMap { try? ConfigurationSettings(yaml: $0, name: "config.yaml") } ?? settings
        checkpoint = (try? CheckpointStore(folder: folder.checkpoints).list())?.last
        recordAge = Self.age(folder.metrics) ?? 0
        status = currentStatus
    }

    private mutating func read(logLine line: Substring) {
        // A line is: time, level, message.
        let fields = line.split(separator: " ", maxSplits: 2)
        guard fields.count == 3 else { return }
        let message = String(fields[2])
        if message.contains(RunReporter.startWords) {
            (ending, hasStarted) = (nil, true)
        } else if message.contains(RunReporter.doneWords) {
            ending = .done
        } else if message.contains(RunReporter.stoppedWords) {
            ending = .stopped(message)
        } else if fields[1] == "error" {
            ending = .failed(message)
        }
    }

    private var currentStatus: Status {
        // Where the file system has no locks, a run that has written within ten minutes counts as running.
        let isActive =
            FolderLock.isLocked(folder.path) ?? (ending == nil && (Self.age(folder.log) ?? .infinity) < 600)
        // The process holds the lock for a moment after its last message.
        if let ending { return ending }
        if isActive { return hasStarted ? .running : .starting }
        return .interrupted
    }

    /// Seconds since a file was written; nil if there is none.
    private static func age(_ path: String) -> Double? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return max(0, Double(Int(Timestamp.seconds) - status.st_mtim.tv_sec))
    }

    // MARK: - Figures

    var isActive: Bool { status == .running || status == .starting }

    /// The last logged step, or that of the checkpoint of a run without records.
    var step: Int? { metrics.steps.last.flatMap { Int(exactly: $0) } ?? checkpoint }

    var plannedSteps: Int? { settings?["train.steps"].flatMap { Int($0) } }

    /// The path of the metric of `train.best`, by default the mean reciprocal rank.
    var bestMetric: String { settings?["train.best.metric"] ?? Configuration.Train.Best.usualMetric }

    /// The best evaluation so far by `bestMetric`; nil before the first one.
    var best: (step: Int, value: Double)? {
        let goal = settings?["train.best.goal"].flatMap { MetricGoal(rawValue: $0) } ?? .maximize
        return metrics.best(bestMetric, goal)
    }

    /// The last pairs per second.
    var speed: Double? { metrics.last("pairs_per_second") }

    /// The mean time of a step since this start of the run, evaluations included; nil before the second record.
    var secondsPerStep: Double? {
        guard let seconds = metrics["seconds"] else { return nil }
        // `seconds` begins at zero at each start.
        var start = seconds.count - 1
        while start > 0, seconds[start - 1] < seconds[start] { start -= 1 }
        guard start >= 0, start + 1 < seconds.count else { return nil }
        let (steps, last) = (metrics.steps, seconds.count - 1)
        let mean = (seconds[last] - seconds[start]) / (steps[last] - steps[start])
        return mean.isFinite ? mean : nil
    }

    /// Seconds until the last step; nil if that is not known.
    var secondsLeft: Double? {
        guard status == .running, let planned = plannedSteps, let step, let secondsPerStep else { return nil }
        return max(0, Double(planned - step) * secondsPerStep - recordAge)
    }
}

extension MetricsHistory {
    /// The best value of an evaluation during training, the first one of equal ones; nil if there is none.
    func best(_ metric: String, _ goal: MetricGoal) -> (step: Int, value: Double)? {
        let evaluations = self.evaluations
        return zip(evaluations.steps, evaluations[metric] ?? []).filter { $1.isFinite }
            .reduce(nil as (Double, Double)?) { best, new in
                best.map { goal.isBetter(new.1, than: $0.1) ? new : $0 } ?? new
            }.map { (Int($0.0), $0.1) }
    }
}
