import Glibc

/// A file's bytes as they lie on the disk, read as memory: pages come in when they are touched, and leave when memory is short.
///
/// Whoever shortens the file meanwhile ends this process (SIGBUS); replacing it by renaming does no harm.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    package let bytes: UnsafeRawBufferPointer

    /// - Throws: `FileError(.inputOutput)` where the file is missing, empty or cannot be mapped.
    package init(_ path: String) throws {
        self.path = path
        let descriptor = try SystemCall.check("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        var status = stat()
        try SystemCall.check("fstat", path) { fstat(descriptor, &status) }
        let length = Int(status.st_size)
        guard length > 0 else { throw FileError(.badData, place: path, reason: "is empty") }
        guard let start = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw FileError(systemCall: "mmap", on: path, errorNumber: errno)
        }
        madvise(start, length, MADV_SEQUENTIAL)
        bytes = UnsafeRawBufferPointer(start: start, count: length)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
}
