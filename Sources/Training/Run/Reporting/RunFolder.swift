import CoupletFiles
import CoupletSchema
import CoupletTensorBoard
import Glibc

/// The folder of a run and the paths of its files.
public struct RunFolder: Equatable, Sendable {
    /// What a start does if the folder holds a run.
    public enum ExistingRun: Sendable {
        /// Fails.
        case refuse
        /// Continues the run.
        case resume
        /// Removes the run's files and starts a new run.
        case overwrite
    }

    public let path: String

    /// - Parameter path: nil selects `runs/NAME`.
    public init(path: String?, name: String) { self.init(path: path ?? "runs/\(name)") }

    public init(path: String) {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
    }

    /// The resolved config, which the first start of the run writes.
    public var configuration: String { "\(path)/config.yaml" }
    /// The log of the run, one event a line.
    public var log: String { "\(path)/log.txt" }
    /// The metrics, one JSON object (`MetricsRecord`) for each logged step.
    public var metrics: String { "\(path)/metrics.jsonl" }
    /// The metrics as a table of comma-separated values, one row for each step that was logged or evaluated.
    public var metricsTable: String { "\(path)/metrics.csv" }
    /// The folder of the checkpoints, such as step-00000500.h5.
    public var checkpoints: String { "\(path)/checkpoints" }
    /// The result of the last evaluation.
    public var evaluation: String { "\(path)/evaluation.json" }
    /// The evaluation of the best checkpoint at the end of a run with `train.best`.
    public var bestEvaluation: String { "\(path)/evaluation_best.json" }

    /// Whether the folder holds a run.
    public var holdsRun: Bool {
        FileSystem.exists(configuration) || FileSystem.exists(metrics) || !checkpointFiles.isEmpty
    }

    /// Makes the folder if it is missing, and locks it: no other process can start, resume or overwrite a run in it
    /// while the lock exists.
    /// - Throws: `FileError` as `prepare`, and if another process holds the lock.
    public func lock(_ existing: ExistingRun) throws -> FolderLock {
        if existing == .refuse { try refuseRun() }
        try FileSystem.makeFolder(path)
        return try FolderLock(path)
    }

    private func refuseRun() throws {
        guard holdsRun else { return }
        throw FileError(
            .inputOutput, at: path, reason: "there is a run already",
            remedy: "continue it with --resume, replace it with --overwrite, or name another folder with --output")
    }

    /// Makes the folder and its subfolder `checkpoints`. `overwrite` first removes the files of an existing run, and
    /// nothing else.
    /// - Throws: `FileError` if there is a run and `existing` is `refuse`, or if the system refuses.
    public func prepare(_ existing: ExistingRun) throws {
        if holdsRun {
            switch existing {
            case .refuse: try refuseRun()
            case .resume: break
            case .overwrite: try removeRun()
            }
        }
        try FileSystem.makeFolder(checkpoints)
    }

    /// Reads `config.yaml`.
    /// - Parameter registry: the kinds of the program that made the run.
    /// - Throws: `FileError` if the folder holds no run; `ConfigurationError` if the file is not valid, or names a kind
    ///   that the registry lacks.
    public func storedConfiguration(registry: Registry) throws -> Configuration {
        try requireConfiguration()
        return try Configuration.stored(
            text: ConfigurationFile.text(at: configuration), name: configuration, registry: registry)
    }

    /// Reads `config.yaml` to use the run: its paths are those of the folder in which the run was started.
    /// - Parameters:
    ///   - registry: the kinds of the program that made the run.
    ///   - dataPaths: `key=value` for `Configuration.pathKeys`, if the data have moved since.
    /// - Throws: as `storedConfiguration`.
    package func openedConfiguration(registry: Registry, dataPaths: [String] = []) throws -> Configuration {
        try requireConfiguration()
        let text = try ConfigurationFile.text(at: configuration)
        let resolved = try Configuration.resolvedPaths(storedYAML: text, name: configuration)
        return try Configuration.stored(
            text: text, name: configuration, overrides: resolved + dataPaths, registry: registry)
    }

    private func requireConfiguration() throws {
        guard FileSystem.isFolder(path) else {
            throw FileError(
                .inputOutput, at: path, reason: "no such run",
                remedy: "a run is the folder that couplet train writes")
        }
        guard FileSystem.exists(configuration) else {
            throw FileError(
                .inputOutput, at: path, reason: "no run, because it has no config.yaml",
                remedy: "a run is the folder that couplet train writes")
        }
    }

    /// Writes `config.yaml`.
    /// - Throws: `FileError` if the system refuses.
    public func store(_ configuration: Configuration) throws {
        try DurableFile.replace(self.configuration, with: configuration.storedYAML)
    }

    /// Whether this process may write files into the folder.
    public var isWritable: Bool { access(path, W_OK) == 0 }

    /// Writes `evaluation.json`.
    /// - Throws: `FileError` if the system refuses.
    public func store(evaluationJSON text: String) throws { try Self.store(text, evaluation) }

    /// Writes `evaluation_best.json`.
    /// - Throws: `FileError` if the system refuses.
    func store(bestEvaluationJSON text: String) throws { try Self.store(text, bestEvaluation) }

    private static func store(_ text: String, _ path: String) throws {
        try DurableFile.replace(path, with: text.hasSuffix("\n") ? text : text + "\n")
    }

    /// Names of the files in `checkpoints` that a run wrote: checkpoints, damaged ones and unfinished ones.
    private var checkpointFiles: [String] {
        FileSystem.names(in: checkpoints).filter { $0.drop { $0 == "." }.hasPrefix("step-") }
    }

    /// Removes the files of the run and nothing else. The caller holds the lock, which is not removed.
    package func removeRun() throws {
        // The config is removed last, so that an interrupted removal leaves a run.
        for name in checkpointFiles { try FileSystem.remove("\(checkpoints)/\(name)") }
        rmdir(checkpoints)  // Fails if the folder holds other files, which is no error.
        let files =
            EventFile.names(in: path)
            + ["metrics.jsonl", "metrics.csv", "evaluation.json", "evaluation_best.json", "log.txt", "config.yaml"]
        // A killed run may have left unfinished files under hidden names.
        for name in FileSystem.names(in: path)
        where files.contains(where: { TemporaryFile.isTemporary(name, for: $0) }) {
            try FileSystem.remove("\(path)/\(name)")
        }
        for name in files { try FileSystem.remove("\(path)/\(name)") }
    }
}
