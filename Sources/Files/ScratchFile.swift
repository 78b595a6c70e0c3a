import Glibc

/// Bytes that wait until their number is known: in memory as far as they fit, otherwise in a file. The file has no
/// name, so that nothing is left of it, however the process ends.
package final class ScratchFile: @unchecked Sendable {
    private let folder: String
    /// Memory for `memoryBytes` bytes; nil if the bytes are in the file.
    private var memory: UnsafeMutableRawPointer?
    private let memoryBytes: Int
    /// The file; -1 before there is one.
    private var descriptor: CInt = -1
    /// What is not written to the file yet.
    private var buffer: [UInt8] = []
    /// The number of bytes.
    package private(set) var count = 0

    private static let bufferBytes = 1 << 20
    private static let pageBytes = sysconf(CInt(_SC_PAGESIZE))

    /// The most memory of a new scratch file: an eighth of what this process may take, and at most 1 GiB.
    package static var usualMemory: Int { min(1 << 30, HostMemory.available / 8) }

    /// - Parameters:
    ///   - folder: where the file lies if there is one.
    ///   - memory: bytes that are kept in memory.
    package init(in folder: String, memory: Int = ScratchFile.usualMemory) {
        self.folder = folder
        memoryBytes = max(Self.pageBytes, memory / Self.pageBytes * Self.pageBytes)
        // The system gives pages when they are written.
        let start = mmap(
            nil, memoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if start != MAP_FAILED {
            self.memory = start
            madvise(start, memoryBytes, CInt(MADV_HUGEPAGE))
        }
    }

    deinit {
        if let memory { munmap(memory, memoryBytes) }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes.
    /// - Throws: `FileError(.inputOutput)`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        if let memory, bytes.count <= memoryBytes - count {
            (memory + count).copyMemory(from: base, byteCount: bytes.count)
            count += bytes.count
            return
        }
        if descriptor < 0 { try leaveMemory() }
        if buffer.count + bytes.count > Self.bufferBytes { try flush() }
        if bytes.count >= Self.bufferBytes {
            try FileSystem.write(bytes, to: descriptor, folder)
        } else {
            buffer.append(contentsOf: bytes)
        }
        count += bytes.count
    }

    /// Makes the file, and moves the bytes into it.
    private func leaveMemory() throws {
        var template = Array("\(folder)/.couplet-scratch-XXXXXX".utf8CString)
        descriptor = try SystemCall.check("mkstemp", folder) { mkstemp(&template) }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        buffer.reserveCapacity(Self.bufferBytes)
        guard let memory else { return }
        try FileSystem.write(UnsafeRawBufferPointer(start: memory, count: count), to: descriptor, folder)
        munmap(memory, memoryBytes)
        self.memory = nil
    }

    /// Passes bytes, which must have been appended, to `body`.
    /// - Throws: `FileError(.inputOutput)`, and the errors of `body`.
    package func withBytes<Result>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of \(count)")
        if range.isEmpty { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        if let memory { return try body(UnsafeRawBufferPointer(start: memory + range.lowerBound, count: range.count)) }
        try flush()
        // A mapping begins at a page.
        let first = range.lowerBound / Self.pageBytes * Self.pageBytes, length = range.upperBound - first
        guard let start = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, first), start != MAP_FAILED else {
            throw FileError(systemCall: "mmap", at: folder, errorNumber: errno)
        }
        defer { munmap(start, length) }
        return try body(
            UnsafeRawBufferPointer(start: start + (range.lowerBound - first), count: range.count))
    }

    private func flush() throws {
        if buffer.isEmpty { return }
        try buffer.withUnsafeBytes { try FileSystem.write($0, to: descriptor, folder) }
        buffer.removeAll(keepingCapacity: true)
    }
}
