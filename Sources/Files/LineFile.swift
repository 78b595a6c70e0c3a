import Glibc

/// A text file to which whole lines are appended, such as metrics.jsonl. One thread writes at a time.
public final class LineFile: Sendable {
    private let file: AppendedFile

    public var path: String { file.path }
    private var descriptor: CInt { file.descriptor }

    /// Opens the file, or creates it.
    /// - Throws: `FileError(.inputOutput)`.
    public init(_ path: String) throws { file = try AppendedFile(path) }

    /// Appends a line by one system call, so that readers see all of it or nothing, even if the process is killed. If
    /// the disk is full, the part that was written is removed.
    /// - Parameter line: the line without its line end.
    /// - Throws: `FileError(.inputOutput)`.
    public func append(_ line: String) throws {
        precondition(!line.utf8.contains(UInt8(ascii: "\n")), "the line contains a line end: \(line)")
        try file.append(Array(line.utf8) + [UInt8(ascii: "\n")])
    }

    /// Removes the lines for which the predicate is false, and an incomplete last line of a killed process. A resumed
    /// run removes the lines of the steps after its checkpoint, which it writes again.
    /// - Returns: the number of removed lines.
    /// - Throws: `FileError(.inputOutput)`.
    @discardableResult
    public func truncate(keepingLinesWhere isKept: (String) -> Bool) throws -> Int {
        let bytes = try FileSystem.contents(of: path)
        var (keptBytes, removedCount) = ([UInt8](), 0)
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
            if let end, isKept(String(decoding: bytes[start..<end], as: UTF8.self)) {
                keptBytes += bytes[start...end]
            } else {
                removedCount += 1
            }
            start = end.map { $0 + 1 } ?? bytes.count
        }
        if removedCount == 0 { return 0 }
        if bytes.starts(with: keptBytes) {
            try SystemCall.check("ftruncate", path) { ftruncate(descriptor, keptBytes.count) }
        } else {
            try DurableFile.replace(path, with: keptBytes)
            let replacement = try SystemCall.check("open", path) { open(path, O_RDWR | O_APPEND | O_CLOEXEC) }
            defer { close(replacement) }
            // dup2 makes the descriptor refer to the new file, but does not copy the close-on-exec flag.
            try SystemCall.check("dup2", path) { dup2(replacement, descriptor) }
            try SystemCall.check("fcntl", path) { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
        return removedCount
    }

    /// Waits until all lines are on the disk.
    /// - Throws: `FileError(.inputOutput)`.
    public func synchronize() throws { try SystemCall.check("fsync", path) { fsync(descriptor) } }
}
