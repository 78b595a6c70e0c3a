import CoupletFiles
import Glibc

/// The folder of a run, and where its files lie.
public struct RunFolder: Equatable, Sendable {
    /// What to do where the folder holds a run already.
    public enum ExistingRun: Sendable {
        /// It is an error.
        case refuse
        /// Go on with it.
        case resume
        /// Remove its files and start anew.
        case overwrite
    }

    public let path: String

    /// - Parameter path: `runs/NAME` where nil.
    public init(path: String?, name: String) { self.init(path: path ?? "runs/\(name)") }

    public init(path: String) {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
    }

    /// The resolved config, as the run's first start fixed it.
    public var configuration: String { "\(path)/config.yaml" }
    /// What the run said, a line an event.
    public var log: String { "\(path)/log.txt" }
    /// A JSON object a logged step (`MetricsRecord`).
    public var metrics: String { "\(path)/metrics.jsonl" }
    /// The folder of step-00000500.h5 and the like.
    public var checkpoints: String { "\(path)/checkpoints" }
    /// What the last evaluation found.
    public var evaluation: String { "\(path)/evaluation.json" }

    /// Whether a run was started here.
    public var holdsRun: Bool {
        FileSystem.exists(configuration) || FileSystem.exists(metrics) || !checkpointFiles.isEmpty
    }

    /// Makes the folder, where it is missing, and locks it for this process: nobody else starts, resumes or overwrites a run in it as long as the lock
    /// is kept. A run that is to be refused is refused first.
    /// - Throws: `FileError` as `prepare`, and where another process has the lock.
    public func lock(_ existing: ExistingRun) throws -> FolderLock {
        if existing == .refuse { try refuseRun() }
        try FileSystem.makeFolder(path)
        return try FolderLock(path)
    }

    private func refuseRun() throws {
        guard holdsRun else { return }
        throw FileError(
            .inputOutput, place: path, reason: "there is a run already",
            remedy: "go on with it by --resume, replace it by --overwrite, or name another folder by --output")
    }

    /// Makes the folder ready: it and `checkpoints` exist afterwards. To overwrite removes what a run consists of and nothing else.
    /// - Throws: `FileError` where there is a run and `existing` is `refuse`, or where the system refuses.
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

    /// The run's configuration, as `config.yaml` has it.
    /// - Throws: `FileError` where this is no run's folder; `ConfigurationError`.
    public func storedConfiguration() throws -> Configuration {
        guard FileSystem.isFolder(path) else {
            throw FileError(
                .inputOutput, place: path, reason: "no such run",
                remedy: "a run is the folder that couplet train writes")
        }
        guard FileSystem.exists(configuration) else {
            throw FileError(
                .inputOutput, place: path, reason: "no run, for it has no config.yaml",
                remedy: "a run is the folder that couplet train writes")
        }
        return try Configuration.load(path: configuration)
    }

    /// Writes `config.yaml`.
    /// - Throws: `FileError` where the system refuses.
    public func store(_ configuration: Configuration) throws {
        try DurableFile.replace(self.configuration, with: configuration.resolvedYAML)
    }

    /// Writes `evaluation.json`.
    /// - Throws: `FileError` where the system refuses.
    public func store(evaluationJSON text: String) throws {
        try DurableFile.replace(evaluation, with: text.hasSuffix("\n") ? text : text + "\n")
    }

    /// Files in `checkpoints` that a run wrote: checkpoints, those set aside, and those half written.
    private var checkpointFiles: [String] {
        FileSystem.names(in: checkpoints).filter { $0.drop { $0 == "." }.hasPrefix("step-") }
    }

    /// Removes what a run consists of, and nothing else. The lock stays: whoever removes a run holds it.
    package func removeRun() throws {
        // The config goes last: a folder is a run until nothing else of it is left.
        for name in checkpointFiles { try FileSystem.remove("\(checkpoints)/\(name)") }
        rmdir(checkpoints)  // Stays where something else lies in it.
        let files = ["metrics.jsonl", "evaluation.json", "log.txt", "config.yaml"]
        // A killed run may have left such a file half written, under a hidden name.
        for name in FileSystem.names(in: path)
        where name.hasSuffix(".partial") && files.contains(where: { name.hasPrefix(".\($0).") }) {
            try FileSystem.remove("\(path)/\(name)")
        }
        for name in files { try FileSystem.remove("\(path)/\(name)") }
    }
}
