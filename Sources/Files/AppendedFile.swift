import Glibc

/// A file to which whole records are appended, such as the lines of a `LineFile`. One thread writes at a time.
package final class AppendedFile: Sendable {
    package let path: String
    let descriptor: CInt

    /// Opens the file, or creates it.
    /// - Throws: `FileError(.inputOutput)`.
    package init(_ path: String) throws {
        self.path = path
        try FileSystem.requireRegularFile(path)
        descriptor = try SystemCall.check("open", path) { open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o666) }
    }

    deinit { close(descriptor) }

    /// Appends a record by one system call, so that readers see all of it or nothing, even if the process is killed. If
    /// the disk is full, the part that was written is removed.
    /// - Throws: `FileError(.inputOutput)`.
    package func append(_ bytes: [UInt8]) throws {
        let length = try SystemCall.check("lseek", path) { lseek(descriptor, 0, SEEK_END) }
        do {
            try bytes.withUnsafeBytes { try FileSystem.write($0, to: descriptor, path) }
        } catch {
            ftruncate(descriptor, length)
            throw error
        }
    }

    /// Removes all bytes from `length` on.
    /// - Throws: `FileError(.inputOutput)`.
    package func truncate(to length: Int) throws {
        try SystemCall.check("ftruncate", path) { ftruncate(descriptor, length) }
    }
}
