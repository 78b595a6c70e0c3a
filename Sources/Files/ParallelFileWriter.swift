import Glibc

/// A new file of known length that several threads or processes write, each its own parts, under a hidden name until all parts are there.
package final class ParallelFileWriter: Sendable {
    /// The name it will have.
    package let path: String
    /// The name it has until `commit`.
    package let temporary: String
    private let descriptor: CInt

    /// Makes the file, all zero: one of the writers does.
    /// - Throws: `FileError(.inputOutput)`.
    package init(creating path: String, bytes: Int) throws {
        self.path = path
        temporary = TemporaryName.make(for: path)
        try TemporaryName.removeAbandoned(in: SystemCall.folder(of: path), of: SystemCall.lastComponent(of: path))
        let temporary = temporary
        descriptor = try SystemCall.check("open", path) {
            open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        }
        do {
            let descriptor = descriptor
            try SystemCall.check("ftruncate", path) { ftruncate(descriptor, bytes) }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
    }

    /// Joins in writing a file that another has made.
    package init(joining temporary: String, of path: String) throws {
        self.path = path
        self.temporary = temporary
        descriptor = try SystemCall.check("open", path) { open(temporary, O_WRONLY | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            done += try SystemCall.check("pwrite", path) {
                pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
            }
        }
    }

    /// Waits until what was written here is on the disk.
    package func synchronize() throws { try SystemCall.check("fsync", path) { fsync(descriptor) } }

    /// Gives the file its name, in place of what had it: once all writers have synchronized.
    package func commit() throws { try SystemCall.rename(temporary, to: path) }

    /// Deletes the unfinished file.
    package func discard() { unlink(temporary) }
}
