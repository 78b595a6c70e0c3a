import CoupletFiles
import Glibc

/// The folder with the checkpoints of a run: step-00000500.h5, step-00001000.h5, …
///
/// The store has no state, so readers and writers may each have their own. One process at a time writes.
public struct CheckpointStore: Sendable {
    public let folder: String

    public init(folder: String) { self.folder = folder }

    /// The path of the checkpoint of a step, whether or not it exists.
    public func path(ofStep step: Int) -> String {
        let digits = String(step)
        return "\(folder)/step-\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).h5"
    }

    /// The steps that have a checkpoint, ascending; empty if the folder does not exist.
    /// - Throws: `FileError(.inputOutput)` if the folder cannot be read.
    public func list() throws -> [Int] {
        guard FileSystem.exists(folder) else { return [] }
        return try FileSystem.entries(of: folder).compactMap(Self.step(ofName:)).sorted()
    }

    private static func step(ofName name: String) -> Int? {
        guard name.hasPrefix("step-"), name.hasSuffix(".h5") else { return nil }
        let digits = name.dropFirst(5).dropLast(3)
        guard digits.count >= 8, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(digits)
    }

    // MARK: - Writing

    /// Writes a checkpoint, then deletes all but the newest `count`, and those that they name as the best of the run
    /// (`bestStepName`).
    ///
    /// A crash at any moment leaves the checkpoint of this step whole or absent. If the step had a checkpoint already,
    /// either the previous or the new one remains (`DurableFile`).
    /// - Parameter count: number of checkpoints to keep, including the new one; at least 1.
    /// - Returns: the path of the checkpoint, and its digest.
    /// - Throws: `FileError(.inputOutput)`, such as for a full disk; the existing checkpoints are then untouched.
    @discardableResult
    public func write(_ checkpoint: Checkpoint, keep count: Int) throws -> (path: String, digest: String) {
        precondition(count > 0, "the number of checkpoints to keep is \(count); at least 1 is needed")
        let path = path(ofStep: checkpoint.step)
        try FileSystem.makeFolder(folder)
        try removeAbandonedFiles()
        let digest = try DurableFile.write(path) { try CheckpointFile.write(checkpoint, to: $0) }
        let otherSteps = try list().filter { $0 != checkpoint.step }
        var oldSteps = otherSteps.dropLast(count - 1)
        if !oldSteps.isEmpty {
            var best = [Self.bestStep(in: checkpoint.scalars)]
            for step in otherSteps.suffix(count - 1) {
                // A damaged checkpoint names none.
                best.append((try? Self.summary(self.path(ofStep: step))).flatMap { Self.bestStep(in: $0.scalars) })
            }
            oldSteps.removeAll { best.contains($0) }
        }
        for step in oldSteps { try FileSystem.remove(self.path(ofStep: step)) }
        return (path, digest)
    }

    /// Name of the scalar of a checkpoint that is the step of the best checkpoint of the run at that time. The best
    /// checkpoint is one of the checkpoints, and is not deleted as long as a newer one names it.
    public static let bestStepName = "best_step"

    /// The step of the best checkpoint, in the scalars of a checkpoint; nil if they name none.
    public static func bestStep(in scalars: [(name: String, value: AttributeValue)]) -> Int? {
        guard case .integer(let step)? = scalars.first(where: { $0.name == bestStepName })?.value else { return nil }
        return step
    }

    /// Deletes the temporary files of killed writers. `write` calls this.
    /// - Returns: the names of the deleted files.
    /// - Throws: `FileError(.inputOutput)` if the folder cannot be read.
    @discardableResult
    public func removeAbandonedFiles() throws -> [String] {
        FileSystem.exists(folder) ? try TemporaryFile.removeAbandoned(in: folder) : []
    }

    // MARK: - Reading

    /// Reads a checkpoint, and verifies its digest.
    /// - Throws: `FileError`: `.inputOutput` if the file cannot be opened, `.badData` if it is damaged, altered or of
    ///   an unknown format version.
    public func read(_ path: String) throws -> Checkpoint { try CheckpointFile.read(path) }

    /// Reads the header and the shapes of a checkpoint. Only the checksums of the file's metadata are verified.
    /// - Throws: `FileError` as `read`.
    public static func summary(_ path: String) throws -> CheckpointSummary {
        try CheckpointFile.summary(of: HDF5File(reading: path))
    }

    /// A checkpoint that failed verification and was renamed.
    public struct DamagedCheckpoint: Sendable {
        /// The path before the renaming.
        public let path: String
        /// The path after the renaming.
        public let movedTo: String
        public let reason: String
    }

    /// Reads the newest checkpoint that verifies. Newer ones that do not are renamed to "….h5.damaged", never deleted.
    /// - Returns: the checkpoint with its path, or nil if none verifies; and the damaged checkpoints.
    /// - Throws: `FileError(.inputOutput)` if the system refuses to open or rename a checkpoint (permissions, too many
    ///   open files): then the checkpoint is not damaged; `FileError(.badData)` if an older program wrote the newest
    ///   one that verifies (`CheckpointFormat`).
    public func newestVerified() throws -> (
        found: (content: Checkpoint, path: String)?, damagedCheckpoints: [DamagedCheckpoint]
    ) {
        var damagedCheckpoints: [DamagedCheckpoint] = []
        for step in try list().reversed() {
            let path = path(ofStep: step)
            // A FIFO of this name would let the call wait for ever.
            let descriptor = try SystemCall.check("open", path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            close(descriptor)
            let checkpoint: Checkpoint
            do {
                checkpoint = try read(path)
                guard checkpoint.step == step else {
                    let reason = "is of step \(checkpoint.step), not of the step in its name"
                    throw FileError(.badData, at: path, reason: reason)
                }
            } catch let error as FileError {
                let target = try moveAside(path)
                damagedCheckpoints.append(
                    DamagedCheckpoint(path: path, movedTo: target, reason: error.description))
                continue
            }
            try CheckpointFormat.requireSameBits(as: checkpoint, at: path, action: .resume)
            return ((checkpoint, path), damagedCheckpoints)
        }
        return (nil, damagedCheckpoints)
    }

    private func moveAside(_ path: String) throws -> String {
        var target = path + ".damaged"
        var number = 1
        while FileSystem.exists(target) {
            number += 1
            target = "\(path).damaged-\(number)"
        }
        try FileSystem.rename(path, to: target)
        return target
    }
}
