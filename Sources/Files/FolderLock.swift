import CoupletText
import Glibc

/// An exclusive lock on a folder, so that one process at a time writes to it (flock on a file in the folder).
///
/// The system releases the lock when the process ends, for whatever reason, so a lock file that is left behind locks
/// nothing. The text of the lock file names the last holder.
public final class FolderLock: Sendable {
    public static let fileName = ".lock"
    /// Seconds to wait for a holder that is about to end.
    private static let timeout = 2.0

    /// False if the file system has no locks.
    public let isHeld: Bool
    private let descriptor: CInt

    /// Locks an existing folder.
    /// - Throws: `FileError(.inputOutput)` if another process, or another `FolderLock` of this process, holds the lock
    ///   (the error names its host, process number and time), or if the system refuses.
    public init(_ folder: String) throws {
        let path = "\(folder)/\(Self.fileName)"
        try FileSystem.requireRegularFile(path)
        let file = try SystemCall.check("open", path) { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) }
        do {
            isHeld = try Self.lock(file, path, folder)
            if isHeld {
                let text = Array("\(HostName.current) \(getpid()) \(Timestamp.now())\n".utf8)
                try SystemCall.check("ftruncate", path) { ftruncate(file, 0) }
                try text.withUnsafeBytes { try FileSystem.write($0, to: file, path) }
            }
        } catch {
            close(file)
            throw error
        }
        descriptor = file
    }

    deinit { close(descriptor) }

    /// Whether a process holds the lock of a folder; nil if the file system has no locks. A folder that was never
    /// locked is not locked.
    package static func isLocked(_ folder: String) -> Bool? {
        let file = open("\(folder)/\(fileName)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return false }
        defer { close(file) }
        // A shared lock for a moment: several readers may ask at once, and a process that starts tries again.
        if flock(file, LOCK_SH | LOCK_NB) == 0 { return false }
        return errno == EWOULDBLOCK ? true : nil
    }

    private static func lock(_ file: CInt, _ path: String, _ folder: String) throws -> Bool {
        var waited = 0.0
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK where waited < timeout:
                usleep(50_000)
                waited += 0.05
            case EWOULDBLOCK: throw inUse(path, folder)
            case ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL: return false
            default: throw FileError(systemCall: "flock", at: path, errorNumber: errno)
            }
        }
        return true
    }

    private static func inUse(_ path: String, _ folder: String) -> FileError {
        let words = ((try? FileSystem.text(at: path)) ?? "").split(whereSeparator: \.isWhitespace)
        let holder = words.count == 3 ? "process \(words[1]) on host \(words[0]), since \(words[2])" : "another process"
        return FileError(
            .inputOutput, at: folder, reason: "is in use by \(holder)",
            remedy: "wait until it ends, or stop it; or name another folder with --output")
    }
}
