import CoupletFiles
import CoupletTraining
import Glibc

/// The folder of a sweep, and where its files lie.
public struct SweepFolder: Equatable, Sendable {
    public let path: String

    public init(path: String) {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
    }

    /// The sweep as its first start fixed it; a sweep's file itself.
    public var specification: String { "\(path)/sweep.yaml" }
    /// The base config, as it was then.
    public var base: String { "\(path)/base.yaml" }
    /// A row a trial: its name, status, the varied values, the metric, digest, steps, seconds, reason (`SweepTable`).
    public var table: String { "\(path)/sweep.csv" }
    /// A line an ended trial, or part of one: from which a sweep goes on.
    var results: String { "\(path)/results.jsonl" }
    var trials: String { "\(path)/trials" }
    /// The run folder of a trial.
    public func trial(_ name: String) -> String { "\(trials)/\(name)" }

    /// Whether a sweep was started here.
    public var holdsSweep: Bool { [specification, table, results].contains(where: FileSystem.exists) }

    /// Makes the folder, where it is missing, and locks it for this process, as long as the lock is kept. A sweep that is to be refused is refused first.
    /// - Throws: `FileError` as `prepare`, and where another process has the lock.
    func lock(_ existing: RunFolder.ExistingRun) throws -> FolderLock {
        if existing == .refuse { try refuseSweep() }
        if RunFolder(path: path).holdsRun {
            throw FileError(
                .inputOutput, place: path, reason: "there is a run of couplet train",
                remedy: "name another folder by --output")
        }
        try FileSystem.makeFolder(path)
        return try FolderLock(path)
    }

    private func refuseSweep() throws {
        guard holdsSweep else { return }
        throw FileError(
            .inputOutput, place: path, reason: "there is a sweep already",
            remedy: "go on with it by --resume, replace it by --overwrite, or name another folder by --output")
    }

    /// Makes the locked folder ready. To overwrite removes what a sweep consists of and nothing else.
    /// - Throws: `FileError` where there is a sweep and `existing` is `refuse`, or where the system refuses; `ConfigurationError`.
    func prepare(_ existing: RunFolder.ExistingRun, for wanted: SweepSpecification) throws {
        if holdsSweep {
            switch existing {
            case .refuse: try refuseSweep()
            case .resume: try checkResumable(wanted)
            case .overwrite: try removeSweep()
            }
        }
        try FileSystem.makeFolder(trials)
        try DurableFile.replace(base, with: wanted.baseText)
        let header = "# couplet sweep \(specification) --output \(path) --resume goes on with it.\n"
        try DurableFile.replace(specification, with: header + wanted.resolvedYAML(base: "base.yaml"))
    }

    private func checkResumable(_ wanted: SweepSpecification) throws {
        // Killed before the first start had written it: nothing is there to differ from.
        guard FileSystem.exists(specification) else { return }
        let differences = try wanted.differences(from: SweepSpecification.load(path: specification))
        guard differences.isEmpty else {
            throw FileError(
                .badData, place: path,
                reason: "the sweep is not the one that was begun here:\n"
                    + differences.map { "    \($0)" }.joined(separator: "\n") + "\n",
                remedy:
                    "go on with the sweep's own values (\(specification) has them; the name and the ranks and threads of a trial may change), "
                    + "or give another folder by --output")
        }
    }

    private func removeSweep() throws {
        for name in FileSystem.names(in: trials) {
            let run = RunFolder(path: trial(name))
            guard run.holdsRun else { continue }
            let lock = try run.lock(.overwrite)
            try withExtendedLifetime(lock) {
                try run.removeRun()
                try FileSystem.remove("\(run.path)/\(FolderLock.fileName)")
            }
            rmdir(run.path)  // Stays where something else lies in it.
        }
        rmdir(trials)
        // The definition goes last: a folder is a sweep until nothing else of it is left.
        for file in [results, table, base, specification] { try FileSystem.remove(file) }
    }
}
