import Glibc

/// A file that grows by whole lines, such as metrics.jsonl. One thread writes at a time.
public final class LineFile: Sendable {
    public let path: String
    private let descriptor: CInt

    /// Opens the file, or makes it.
    /// - Throws: `FileError(.inputOutput)`.
    public init(_ path: String) throws {
        self.path = path
        descriptor = try SystemCall.check("open", path) { open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o666) }
    }

    deinit { close(descriptor) }

    /// Adds a line by one system call, so that a reader, or a kill, finds all of it or nothing; a full disk's part of a line is
    /// taken back.
    /// - Parameter line: without its end.
    public func append(_ line: String) throws {
        precondition(!line.utf8.contains(UInt8(ascii: "\n")), "a line with an end of line in it: \(line)")
        let length = try SystemCall.check("lseek", path) { lseek(descriptor, 0, SEEK_END) }
        let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
        do {
            try bytes.withUnsafeBytes { try SystemCall.write($0, to: descriptor, path) }
        } catch {
            ftruncate(descriptor, length)
            throw error
        }
    }

    /// Drops the lines that the test refuses, and a last line without its end, which a killed writer left. For a run that resumes:
    /// lines of steps after the checkpoint would come twice.
    /// - Returns: how many lines were dropped.
    @discardableResult
    public func truncate(keepingLinesWhere isKept: (String) -> Bool) throws -> Int {
        let bytes = try SystemCall.contents(of: path)
        var (kept, dropped) = ([UInt8](), 0)
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
            if let end, isKept(String(decoding: bytes[start..<end], as: UTF8.self)) {
                kept += bytes[start...end]
            } else {
                dropped += 1
            }
            start = end.map { $0 + 1 } ?? bytes.count
        }
        if dropped == 0 { return 0 }
        if bytes.starts(with: kept) {
            try SystemCall.check("ftruncate", path) { ftruncate(descriptor, kept.count) }
        } else {
            try DurableFile.replace(path, with: kept)
            let replacement = try SystemCall.check("open", path) { open(path, O_RDWR | O_APPEND | O_CLOEXEC) }
            defer { close(replacement) }
            // The descriptor now leads to the new file; closing on exec is not copied with it.
            try SystemCall.check("dup2", path) { dup2(replacement, descriptor) }
            try SystemCall.check("fcntl", path) { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
        return dropped
    }

    /// Waits until all lines are on the disk.
    public func synchronize() throws { try SystemCall.check("fsync", path) { fsync(descriptor) } }
}
