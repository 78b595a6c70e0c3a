import CoupletFiles
import Glibc

/// Reads the lines of a file as they are written: each call returns the complete lines that were added since the last
/// one. A file that was replaced or made shorter, as at the resume of a run, is read again from its beginning.
struct AppendedLines {
    let path: String
    private var identity: ino_t?
    private var offset = 0

    init(_ path: String) { self.path = path }

    /// - Returns: the added lines, and whether they are all lines of the file, so that earlier ones no longer count;
    ///   nil if there is no file.
    mutating func read() -> (text: String, isFromStart: Bool)? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let isFromStart = identity != status.st_ino || Int(status.st_size) < offset
        if isFromStart { (identity, offset) = (status.st_ino, 0) }
        var bytes: [UInt8] = [], chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(file, &chunk, chunk.count, offset + bytes.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        let complete = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        offset += complete
        return (String(decoding: bytes[..<complete], as: UTF8.self), isFromStart)
    }
}
