import CoupletFiles
import CoupletSchema
import CoupletStorage
import CoupletText
import CoupletTraining

/// What a run's folder tells. What is missing or damaged is nil, and said in `notes`; no part of a run keeps a report from telling the others.
public struct RunRecord: Sendable {
    public let folder: RunFolder
    /// What tells this run from the others: the folder's name, with as much of its path as it takes.
    public internal(set) var name: String
    public let metrics: MetricsHistory?
    public let evaluation: JSONValue?
    /// `config.yaml`.
    public let configuration: String?
    public let settings: ConfigurationSettings?
    /// Of the newest checkpoint.
    public let checkpoint: CheckpointSummary?
    /// "2 threads", "4 workers in 2 ranks", as the log has it.
    public let workers: String?
    /// What is wrong or missing.
    public let notes: [String]

    /// Reads a run's folder.
    /// - Throws: `FileError(.inputOutput)` where the system refuses a file that is there.
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
                    ? "not evaluated yet: couplet evaluate \(folder.path) does it"
                    : "evaluation.json is no JSON: couplet evaluate \(folder.path) writes it anew")
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
        workers = try Self.text(at: folder.log).flatMap(Self.workers(inLog:))
        self.notes = notes
    }

    /// nil where there is no such file.
    package static func text(at path: String) throws -> String? {
        FileSystem.exists(path) ? try FileSystem.text(at: path) : nil
    }

    /// How many steps the config asks for.
    public var plannedSteps: Int? { settings?["train.steps"].flatMap { Int($0) } }

    /// How many steps are done, as far as metrics and checkpoints tell.
    public var steps: Int? {
        [metrics?.steps.last.flatMap { Int(exactly: $0) }, checkpoint?.step].compactMap { $0 }.max()
    }

    /// Of the last line that tells with what the run started: "… starts on 2 threads, 2048 pairs a step in 16 shards".
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
