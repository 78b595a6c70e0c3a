import CoupletFiles
import Glibc

/// The folder of a run's checkpoints: step-00000500.h5, step-00001000.h5, …
///
/// A value without state: who reads and who writes may each have one. One process at a time writes.
public struct CheckpointStore: Sendable {
    public let folder: String

    public init(folder: String) { self.folder = folder }

    /// Where the checkpoint of a step is, or would be.
    public func path(ofStep step: Int) -> String {
        let digits = String(step)
        return "\(folder)/step-\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).h5"
    }

    /// The steps of which there is a checkpoint, ascending; none where there is no folder.
    public func list() throws -> [Int] {
        guard SystemCall.exists(folder) else { return [] }
        return try SystemCall.names(in: folder).compactMap(Self.step(ofName:)).sorted()
    }

    /// Writes a checkpoint: under a hidden name, flushed to the disk, then renamed. A crash at any moment leaves either no
    /// checkpoint of this step (or the former one) or a whole one. Then deletes all but the newest.
    /// - Parameter count: how many checkpoints stay, at least 1, the one just written among them.
    /// - Returns: the path of the checkpoint, and its digest.
    /// - Throws: `FileError(.inputOutput)`, such as for a full disk; the checkpoints that were there are then untouched.
    @discardableResult
    public func write(_ content: Checkpoint, keep count: Int) throws -> (path: String, digest: String) {
        precondition(count > 0, "\(count) checkpoints to keep")
        let path = path(ofStep: content.step)
        try SystemCall.makeFolder(folder)
        try removeAbandonedFiles()
        let temporary = TemporaryName.make(for: path)
        let digest: String
        do {
            digest = try CheckpointFile.write(content, to: temporary)
            try SystemCall.synchronizeFile(temporary)
            try SystemCall.rename(temporary, to: path)
        } catch let error as FileError {
            unlink(temporary)
            // The hidden name would mean nothing to who reads the error.
            let place = error.place.hasPrefix(temporary) ? path + error.place.dropFirst(temporary.count) : error.place
            throw FileError(error.kind, place: place, reason: error.reason, remedy: error.remedy)
        }
        let others = try list().filter { $0 != content.step }
        for step in others.dropLast(count - 1) {
            let path = self.path(ofStep: step)
            if unlink(path) != 0, errno != ENOENT {
                throw FileError(systemCall: "unlink", on: path, errorNumber: errno)
            }
        }
        return (path, digest)
    }

    /// Deletes the hidden files of writers that were killed. `write` does so by itself.
    /// - Returns: their names.
    @discardableResult
    public func removeAbandonedFiles() throws -> [String] {
        SystemCall.exists(folder) ? try TemporaryName.removeAbandoned(in: folder) : []
    }

    /// A checkpoint, with its digest verified.
    /// - Throws: `FileError`: `.inputOutput` where it cannot be opened, `.badData` where it is damaged, altered or of an
    ///   unknown version.
    public func read(_ path: String) throws -> Checkpoint { try CheckpointFile.read(path) }

    /// A checkpoint's header and shapes; nothing is verified but the checksums of the file's structure.
    public static func summary(_ path: String) throws -> CheckpointSummary {
        try CheckpointFile.summary(of: HDF5File(reading: path))
    }

    /// The newest checkpoint that verifies, and the newer ones that did not. Those are set aside, renamed to "….h5.damaged",
    /// never deleted.
    /// - Returns: no checkpoint where none verifies.
    /// - Throws: `FileError(.inputOutput)` where the system does not let a checkpoint be opened (permissions, too many open
    ///   files) or renamed: that is no fault of the checkpoint.
    public func newestVerified() throws -> (
        found: (content: Checkpoint, path: String)?, damagedCheckpoints: [DamagedCheckpoint]
    ) {
        var damagedCheckpoints: [DamagedCheckpoint] = []
        for step in try list().reversed() {
            let path = path(ofStep: step)
            let descriptor = try SystemCall.check("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
            close(descriptor)
            do {
                let content = try read(path)
                guard content.step == step else {
                    throw FileError(
                        .badData, place: path, reason: "is of step \(content.step), not of the step in its name")
                }
                return ((content, path), damagedCheckpoints)
            } catch let error as FileError {
                damagedCheckpoints.append(
                    DamagedCheckpoint(path: path, movedTo: try moveAside(path), reason: error.description))
            }
        }
        return (nil, damagedCheckpoints)
    }

    /// A checkpoint that did not verify.
    public struct DamagedCheckpoint: Sendable {
        /// Where it was.
        public let path: String
        /// Where it is now.
        public let movedTo: String
        public let reason: String
    }

    private func moveAside(_ path: String) throws -> String {
        var target = path + ".damaged"
        var number = 1
        while SystemCall.exists(target) {
            number += 1
            target = "\(path).damaged-\(number)"
        }
        try SystemCall.rename(path, to: target)
        return target
    }

    private static func step(ofName name: String) -> Int? {
        guard name.hasPrefix("step-"), name.hasSuffix(".h5") else { return nil }
        let digits = name.dropFirst(5).dropLast(3)
        guard digits.count >= 8, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(digits)
    }
}
