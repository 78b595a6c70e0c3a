import Glibc

/// A new file of known length that several threads or processes write, each at its own offsets. The file has a
/// temporary name until all of it is written.
///
/// One writer creates the file, the others join it. Each writer calls `synchronize` after its last write; then one of
/// them calls `commit`.
package final class ParallelFileWriter: Sendable {
    private let file: TemporaryFile
    private let descriptor: CInt

    package var temporaryPath: String { file.temporaryPath }

    /// Creates the file, filled with zeros.
    /// - Throws: `FileError(.inputOutput)`.
    package init(creating path: String, bytes: Int) throws {
        let file = try TemporaryFile(for: path)
        let descriptor = try SystemCall.check("open", path) {
            open(file.temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        }
        (self.file, self.descriptor) = (file, descriptor)
        do {
            try SystemCall.check("ftruncate", path) { ftruncate(descriptor, bytes) }
        } catch {
            file.discard()
            throw error
        }
    }

    /// Opens the file that another writer created.
    /// - Throws: `FileError(.inputOutput)`.
    package init(joining temporaryPath: String, of path: String) throws {
        file = TemporaryFile(path: path, temporaryPath: temporaryPath)
        descriptor = try SystemCall.check("open", path) { open(temporaryPath, O_WRONLY | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    /// Writes bytes at an offset from the start of the file.
    /// - Throws: `FileError(.inputOutput)`.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var written = 0
        while written < bytes.count {
            written += try SystemCall.check("pwrite", file.path) {
                pwrite(descriptor, bytes.baseAddress! + written, bytes.count - written, offset + written)
            }
        }
    }

    /// Waits until everything that this writer wrote is on the disk.
    /// - Throws: `FileError(.inputOutput)`.
    package func synchronize() throws { try SystemCall.check("fsync", file.path) { fsync(descriptor) } }

    /// Gives the file its final name, and replaces the previous file. All writers must have synchronized.
    /// - Throws: `FileError(.inputOutput)`.
    package func commit() throws { try file.commit() }

    /// Deletes the unfinished file.
    package func discard() { file.discard() }
}
