import CoupletFiles
import CoupletText
import CoupletTraining
import Glibc

/// The folder of a sweep and the paths of its files.
public struct SweepFolder: Equatable, Sendable {
    public let path: String

    public init(path: String) {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
    }

    /// The sweep as it was first started; a valid sweep file itself.
    public var specification: String { "\(path)/sweep.yaml" }
    /// The base config at the first start.
    public var base: String { "\(path)/base.yaml" }
    /// The table of the trials (`SweepTable`).
    public var table: String { "\(path)/sweep.csv" }
    /// The results from which an interrupted sweep resumes (`ResultsFile`).
    package var results: String { "\(path)/results.jsonl" }
    var trials: String { "\(path)/trials" }
    /// The run folder of a trial.
    public func trial(_ name: String) -> String { "\(trials)/\(name)" }

    /// Whether the folder holds a sweep.
    public var holdsSweep: Bool { [specification, table, results].contains(where: FileSystem.exists) }

    /// The sweep with the pairs to choose on where its file does not name them: those of the sweep that it resumes, and
    /// validation pairs for a new one.
    /// - Throws: as `SweepSpecification.load`.
    func resolving(_ wanted: SweepSpecification, _ existing: RunFolder.ExistingRun) throws -> SweepSpecification {
        guard wanted.choosesOn == nil else { return wanted }
        var resolved = wanted
        let isResumed = existing == .resume && FileSystem.exists(specification)
        resolved.choosesOn =
            isResumed ? try SweepSpecification.load(path: specification).choosesOn ?? .test : .validation
        return resolved
    }

    /// The names of the trials of a sweep to resume, by their numbers, as its table has them: an earlier version may
    /// have named them by other rules. Empty for a new sweep.
    func trialNames(_ existing: RunFolder.ExistingRun) -> [Int: String] {
        guard existing == .resume, let text = try? FileSystem.text(at: table) else { return [:] }
        let names = CSV.records(text).dropFirst().compactMap { row -> (Int, String)? in
            guard let name = row.first, let number = Int(name.prefix { $0.isNumber }) else { return nil }
            return (number, name)
        }
        return Dictionary(names) { first, _ in first }
    }

    /// Creates the folder if it is missing, and locks it for this process while the lock exists.
    /// - Throws: `FileError` as `prepare`, and if another process holds the lock.
    func lock(_ existing: RunFolder.ExistingRun) throws -> FolderLock {
        if existing == .refuse { try refuseSweep() }
        if RunFolder(path: path).holdsRun {
            throw FileError(
                .inputOutput, at: path, reason: "the folder holds a run of couplet train",
                remedy: "name another folder with --output")
        }
        try FileSystem.makeFolder(path)
        return try FolderLock(path)
    }

    private func refuseSweep() throws {
        guard holdsSweep else { return }
        throw FileError(
            .inputOutput, at: path, reason: "a sweep exists here already",
            remedy: "continue it with --resume, replace it with --overwrite, or name another folder with --output")
    }

    /// Prepares the locked folder. `overwrite` removes the files of the sweep and nothing else.
    /// - Throws: `FileError` if the folder holds a sweep and `existing` is `refuse`, if the sweep differs from the one
    ///   to resume, or if the system refuses; `ConfigurationError`.
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
        let header = "# couplet sweep \(specification) --output \(path) --resume continues this sweep.\n"
        try DurableFile.replace(specification, with: header + wanted.resolvedYAML(base: "base.yaml"))
    }

    private func checkResumable(_ wanted: SweepSpecification) throws {
        // The first start was killed before it wrote the file, so there is nothing to compare with.
        guard FileSystem.exists(specification) else { return }
        let differences = try wanted.differences(from: SweepSpecification.load(path: specification))
        guard differences.isEmpty else {
            throw FileError(
                .badData, at: path,
                reason: "the sweep is not the one that was started here:\n"
                    + differences.map { "    \($0)" }.joined(separator: "\n") + "\n",
                remedy:
                    "continue with the values of the sweep (see \(specification); the name, and the ranks and threads "
                    + "of a trial, may change), or name another folder with --output")
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
            rmdir(run.path)  // Fails if the folder holds other files; it then stays.
        }
        rmdir(trials)
        // The specification is removed last, so that an interrupted removal leaves a folder that is still a sweep.
        for file in [results, table, base, specification] { try FileSystem.remove(file) }
    }
}
