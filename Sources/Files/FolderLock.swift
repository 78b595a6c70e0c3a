import CoupletText
import Glibc

/// A folder that one process at a time writes to: flock on a file in it. The lock ends with the process that holds it, whatever ends that, so a file
/// that is left behind locks nothing. Its text tells who holds it, or was the last to.
public final class FolderLock: Sendable {
    public static let fileName = ".lock"
    /// For a process that is just being ended to be gone, in seconds.
    private static let patience = 2.0

    /// Whether there is a lock: some file systems have none.
    public let isHeld: Bool
    private let descriptor: CInt

    /// Locks a folder, which is there.
    /// - Throws: `FileError(.inputOutput)` where another process (or another part of this one) holds the lock, with its host, number and time; or
    ///   where the system refuses.
    public init(_ folder: String) throws {
        let path = "\(folder)/\(Self.fileName)"
        let file = try SystemCall.check("open", path) { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) }
        do {
            isHeld = try Self.lock(file, path, folder)
            if isHeld {
                let text = Array("\(TemporaryName.host) \(getpid()) \(Timestamp.now())\n".utf8)
                try SystemCall.check("ftruncate", path) { ftruncate(file, 0) }
                try text.withUnsafeBytes { try SystemCall.write($0, to: file, path) }
            }
        } catch {
            close(file)
            throw error
        }
        descriptor = file
    }

    deinit { close(descriptor) }

    private static func lock(_ file: CInt, _ path: String, _ folder: String) throws -> Bool {
        var waited = 0.0
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK where waited < patience:
                usleep(50_000)
                waited += 0.05
            case EWOULDBLOCK: throw inUse(path, folder)
            case ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL: return false
            default: throw FileError(systemCall: "flock", on: path, errorNumber: errno)
            }
        }
        return true
    }

    private static func inUse(_ path: String, _ folder: String) -> FileError {
        let text = (try? SystemCall.contents(of: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let words = text.split(whereSeparator: \.isWhitespace)
        let holder = words.count == 3 ? "process \(words[1]) on host \(words[0]), since \(words[2])" : "another process"
        return FileError(
            .inputOutput, place: folder, reason: "is in use by \(holder)",
            remedy: "wait until that ends, or stop it; or name another folder by --output")
    }
}
