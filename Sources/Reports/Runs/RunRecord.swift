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

    /// The warnings in the log, at most eight. Of warnings that differ in numbers alone, such as those of many steps,
    /// the first stands for all.
    private static func warnings(inLog text: String) -> [String] {
        var warnings: [(message: String, kind: String, count: Int)] = []
        for line in text.split(separator: "\n") {
            // A line is: time, level, message.
            let fields = line.split(separator: " ", maxSplits: 2)
            // The summary at the end of a run repeats them.
            guard fields.count == 3, fields[1] == "warning", !fields[2].contains(RunReporter.summaryWords) else {
                continue
            }
            let message = String(fields[2]), kind = Self.withoutNumbers(message)
            if let index = warnings.firstIndex(where: { $0.kind == kind }) {
                if warnings[index].message != message { warnings[index].count += 1 }
            } else {
                warnings.append((message, kind, 1))
            }
        }
        let texts = warnings.map { warning in
            "warning: \(warning.message)" + (warning.count > 1 ? " (and \(warning.count - 1) more like this)" : "")
        }
        return texts.count > 8 ? Array(texts.prefix(8)) + ["and \(texts.count - 8) more warnings"] : texts
    }

    /// The words of a message, with "#" for those that are numbers.
    private static func withoutNumbers(_ message: String) -> String {
        message.split(separator: " ").map { word in
            let trimmed = word.filter { !",;:()".contains($0) }
            return Double(trimmed) != nil ? "#" : String(word)
        }.joined(separator: " ")
    }

    /// Parses the last line of the log that describes a start: "… starts on 2 threads, 2048 pairs a step in 16 shards".
    private static func workers(inLog text: String) -> String? {
        for line in text.split(separator: "\n").reversed() where line.contains(RunReporter.startWords) {
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
