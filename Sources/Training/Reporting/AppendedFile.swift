import Glibc
import Storage
import Synchronization

/// A text file that grows by whole lines: each line is one write, so a reader that follows the file sees no half of one.
public final class AppendedFile: Sendable {
    public let path: String
    private let descriptor: Mutex<Int32>

    /// Opens the file, made where there is none.
    /// - Throws: `StorageError` where the system refuses.
    public init(path: String) throws {
        self.path = path
        let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw FileSystem.refused("open", path) }
        descriptor = Mutex(file)
    }

    deinit { descriptor.withLock { _ = close($0) } }

    /// Writes a line; the end of line is added.
    /// - Throws: `StorageError` where the system refuses, such as on a full disk.
    public func append(line: String) throws {
        try descriptor.withLock { try FileSystem.writeAll(Array((line + "\n").utf8), to: $0, path: path) }
    }
}
