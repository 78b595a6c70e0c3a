import Glibc

/// Detects that a file was modified while it was read. HDF5 does not: it reads the lost part of a shortened file as
/// zeros.
///
/// The identity of a file is its device, inode, size and time of modification.
public struct FileIdentity: Equatable, Sendable {
    private let device: dev_t, inode: ino_t
    private let bytes: Int, seconds: Int, nanoseconds: Int

    /// - Throws: `FileError(.inputOutput)` if the file does not exist.
    public init(of path: String) throws {
        var status = stat()
        try SystemCall.check("stat", path) { stat(path, &status) }
        self.init(status)
    }

    private init(_ status: stat) {
        (device, inode, bytes) = (status.st_dev, status.st_ino, Int(status.st_size))
        (seconds, nanoseconds) = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
    }

    /// The absolute path of a file, its size, and the time of its modification.
    /// - Throws: `FileError(.inputOutput)` if the file does not exist.
    package static func modification(
        of path: String
    ) throws -> (path: String, bytes: Int, seconds: Int, nanoseconds: Int) {
        let identity = try FileIdentity(of: path)
        guard let resolved = realpath(path, nil) else { throw FileError(.inputOutput, at: path, reason: "has no path") }
        defer { free(resolved) }
        return (String(cString: resolved), identity.bytes, identity.seconds, identity.nanoseconds)
    }

    /// Checks that the file was not modified since this identity was read. A file that was removed or replaced is no
    /// error: a process that has it open still reads the old content.
    /// - Throws: `FileError(.badData)` if the file itself was written to or shortened.
    public func requireUnchanged(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        let current = FileIdentity(status)
        if current.device == device, current.inode == inode, current != self {
            throw FileError(
                .badData, at: path,
                reason: "was modified while it was read: it had \(bytes) bytes and has \(current.bytes)",
                remedy: "restore the file, and resume from the last checkpoint")
        }
    }
}
