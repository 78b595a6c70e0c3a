import Glibc

/// A file mapped into memory, read-only (mmap). The system reads pages when they are touched, and drops them when
/// memory is short.
///
/// If another process shortens the mapped file, access to the lost pages ends this process (SIGBUS). Replacing the file
/// by renaming is harmless.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    package let bytes: UnsafeRawBufferPointer

    /// - Parameter isSequential: whether the bytes are read in order, so that the system reads far ahead.
    /// - Throws: `FileError`: `.inputOutput` if the file is missing, is no regular file or cannot be mapped, `.badData`
    ///   if it is empty.
    package init(_ path: String, isSequential: Bool = true) throws {
        self.path = path
        let (descriptor, status) = try FileSystem.openForReading(path)
        defer { close(descriptor) }
        let length = Int(status.st_size)
        guard length > 0 else { throw FileError(.badData, at: path, reason: "is empty") }
        guard let start = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw FileError(systemCall: "mmap", at: path, errorNumber: errno)
        }
        if isSequential { madvise(start, length, MADV_SEQUENTIAL) }
        bytes = UnsafeRawBufferPointer(start: start, count: length)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
}
