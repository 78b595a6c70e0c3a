import CoupletFiles
import CoupletInference
import CoupletSchema
import CoupletStorage
import CoupletText
import CoupletTraining

/// The contents of a run's folder. A part that is missing or damaged is nil and has a note; the other parts are still
/// available.
public struct RunRecord: Sendable {
    public let folder: RunFolder
    /// The name of the folder, with as much of its path as distinguishes it from the other runs.
    public internal(set) var name: String
    public let metrics: MetricsHistory?
    public let evaluation: JSONValue?
    /// The text of `config.yaml`.
    public let configuration: String?
    public let settings: ConfigurationSettings?
    /// The step of the best checkpoint by `train.best`, as the newest one names it; nil if it names none.
    public var bestStep: Int? { checkpoint.flatMap { CheckpointStore.bestStep(in: $0.scalars) } }
    /// The summary of the newest checkpoint.
    public let checkpoint: CheckpointSummary?
    /// The workers as in the log: "2 threads", "4 workers in 2 ranks".
    public let workers: String?
    /// The parts that are missing or damaged.
    public internal(set) var notes: [String]
    /// What is shown of the run's pictures or texts; nil if it has none, or if they cannot be read.
    public internal(set) var samples: RunSamples?

    /// Reads a run's folder.
    /// - Throws: `FileError(.inputOutput)` if the system refuses a file that exists.
    public init(reading path: String) throws {
        let folder = RunFolder(path: path)
        self.folder = folder
        name = folder.path
        var notes: [String] = []
        metrics = try Self.text(at: folder.metrics).map { MetricsHistory($0) }
        if metrics == nil { notes.append("no metrics.jsonl yet") }
        if let damaged = metrics?.damagedLines, damaged > 0 {
            notes.append("metrics.jsonl: \(damaged) damaged line\(damaged == 1 ? "" : "s") skipped")
        }
        let evaluated = try Self.text(at: folder.evaluation)
        evaluation = evaluated.flatMap { JSONValue(text: $0) }
        if evaluation == nil {
            notes.append(
                evaluated == nil
                    ? "not evaluated yet: run couplet evaluate \(folder.path)"
                    : "evaluation.json is not valid JSON: couplet evaluate \(folder.path) writes it again")
        }
        configuration = try Self.text(at: folder.configuration)
        if configuration == nil { notes.append("no config.yaml") }
        do {
            settings = try configuration.map { try ConfigurationSettings(yaml: $0, name: "config.yaml") }
        } catch let error as ConfigurationError {
            settings = nil
            notes.append("\(error)")
        }
        do {
            let store = CheckpointStore(folder: folder.checkpoints)
            checkpoint = try store.list().last.map { try CheckpointStore.summary(store.path(ofStep: $0)) }
            if checkpoint == nil { notes.append("no checkpoint yet") }
        } catch {
            checkpoint = nil
            notes.append("\(error)")
        }
        let log = try Self.text(at: folder.log)
        workers = log.flatMap(Self.workers(inLog:))
        notes += log.map(Self.warnings(inLog:)) ?? []
        self.notes = notes
    }

    /// Computes `samples` from the run's newest checkpoint and its data. If the data cannot be read, a note says so.
    mutating func readSamples(registry: Registry, dataPaths: [String], threads: Int) {
        guard checkpoint != nil, configuration != nil else { return }
        do {
            guard try TrainedRun.mayHaveSamples(folder, registry: registry) else { return }
            let run = try TrainedRun(folder.path, dataPaths: dataPaths, registry: registry)
            samples = try RunSamples(run, threads: threads)
            if let warning = run.dataWarning { notes.append(warning) }
        } catch {
            notes.append("its samples are not shown: \(error)")
        }
    }

    /// Reads a text file; nil if it does not exist.
    package static func text(at path: String) throws -> String? {
        FileSystem.exists(path) ? try FileSystem.text(at: path) : nil
    }

    /// Number of steps in the config.
    public var plannedSteps: Int? { settings?["train.steps"].flatMap { Int($0) } }

    /// Number of finished steps, according to the metrics and the checkpoints.
    public var steps: Int? {
        [metrics?.steps.last.flatMap { Int(exactly: $0) }, checkpoint?.step].compactMap { $0 }.max()
    }

    /// The warnings in the log, each once, at most eight.
    private static func warnings(inLog text: String) -> [String] {
        var warnings: [String] = []
        for line in text.split(separator: "\n") {
            // A line is: time, level, message.
            let fields = line.split(separator: " ", maxSplits: 2)
            // The summary at the end of a run repeats them.
            guard fields.count == 3, fields[1] == "warning", !fields[2].contains(RunReporter.summaryWords) else {
                continue
            }
            let message = "warning: \(fields[2])"
            if !warnings.contains(message) { warnings.append(message) }
        }
        return warnings.count > 8 ? Array(warnings.prefix(8)) + ["and \(warnings.count - 8) more warnings"] : warnings
    }

    /// Parses the last line of the log that describes a start: "… starts on 2 threads, 2048 pairs a step in 16 shards".
    private static func workers(inLog text: String) -> String? {
        for line in text.split(separator: "\n").reversed() where line.contains(" pairs a step in ") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard let end = words.lastIndex(of: "pairs"), let on = words[..<end].lastIndex(of: "on"), on + 1 < end - 1
            else { continue }
            var found = words[(on + 1)..<(end - 1)].joined(separator: " ")
            if found.hasSuffix(",") { found.removeLast() }
            return found
        }
        return nil
    }
}

/// The metrics of a run at each logged step, and the evaluations during training, from `metrics.jsonl`.
public struct MetricsHistory: Sendable {
    /// The logged steps, ascending.
    public private(set) var steps: [Double] = []
    /// One value per step for each key but `step`; NaN if it is null or missing. The keys are in the order of their
    /// first occurrence.
    public private(set) var columns: [(name: String, values: [Double])] = []
    /// Number of lines that are not a JSON object with a step.
    public private(set) var damagedLines = 0
    /// The evaluations during training: their steps, and one column for each number, by its path in
    /// `couplet evaluate --json`. Its own evaluations are empty.
    public var evaluations: MetricsHistory { evaluationHistory.first ?? MetricsHistory("") }
    /// The pairs of the last evaluation during training: validation or held-out.
    public private(set) var evaluationSplit = "held-out"
    /// None or one; a list, because a struct cannot hold itself.
    private var evaluationHistory: [MetricsHistory] = []
    private var columnIndices: [String: Int] = [:]

    /// - Parameter text: One JSON object per line.
    public init(_ text: String) {
        var evaluations: MetricsHistory?
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard let value = JSONValue(text: Substring(line)), case .object(let members) = value,
                let step = value["step"]?.number
            else {
                damagedLines += 1
                continue
            }
            if let evaluation = value["evaluation"] {
                if evaluations == nil { evaluations = MetricsHistory("") }
                if case .string(let split) = value["split"] {
                    evaluationSplit = split.split(separator: "_").joined(separator: "-")
                }
                evaluations?.append(step: step, Self.numbers(of: evaluation, path: ""))
            } else {
                append(step: step, members)
            }
        }
        sort()
        evaluations?.sort()
        evaluationHistory = evaluations.map { [$0] } ?? []
    }

    /// The numbers of a value with their paths. A null stands for a number that is not finite.
    private static func numbers(of value: JSONValue, path: String) -> [(String, JSONValue)] {
        guard case .object(let members) = value else { return [(path, value)] }
        return members.flatMap { numbers(of: $1, path: path.isEmpty ? $0 : "\(path).\($0)") }
    }

    private mutating func append(step: Double, _ members: [(String, JSONValue)]) {
        steps.append(step)
        for (key, value) in members where key != "step" {
            if value.number == nil {
                guard case .null = value else { continue }
            }
            if columnIndices[key] == nil {
                columnIndices[key] = columns.count
                columns.append((key, [Double](repeating: .nan, count: steps.count - 1)))
            }
            guard let index = columnIndices[key], columns[index].values.count < steps.count else { continue }
            columns[index].values.append(value.number ?? .nan)
        }
        for index in columns.indices where columns[index].values.count < steps.count {
            columns[index].values.append(.nan)
        }
    }

    public subscript(_ name: String) -> [Double]? { columns.first { $0.name == name }?.values }

    /// The last finite value.
    public func last(_ name: String) -> Double? { self[name]?.last { $0.isFinite } }

    /// Total seconds of training. The key `seconds` restarts from zero at each start of the run.
    public var seconds: Double? {
        guard let seconds = self["seconds"]?.filter(\.isFinite), let last = seconds.last else { return nil }
        return zip(seconds, seconds.dropFirst()).reduce(last) { $1.1 < $1.0 ? $0 + $1.0 : $0 }
    }

    /// The median of the finite values.
    public func median(_ name: String) -> Double? {
        guard let sorted = self[name]?.filter(\.isFinite).sorted(), !sorted.isEmpty else { return nil }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Sorts the records by step and keeps the last record of each step.
    private mutating func sort() {
        guard zip(steps, steps.dropFirst()).contains(where: { $0 >= $1 }) else { return }
        var order = steps.indices.sorted { (steps[$0], $0) < (steps[$1], $1) }
        order = order.enumerated().filter { $0 + 1 == order.count || steps[order[$0 + 1]] != steps[$1] }.map(\.element)
        for index in columns.indices { columns[index].values = order.map { columns[index].values[$0] } }
        steps = order.map { steps[$0] }
    }
}
