import Glibc

/// A file that is read once, from its beginning to its end, in blocks of 1 MiB.
struct SequentialFile: ~Copyable {
    let path: String
    private let descriptor: CInt
    private var block = [UInt8](repeating: 0, count: 1 << 20)
    private var position = 0, end = 0
    private let isPipe: Bool

    /// - Parameter acceptsPipe: whether the path may name a pipe that this process has inherited.
    /// - Throws: `FileError(.inputOutput)` if the file cannot be opened or is no regular file.
    init(_ path: String, acceptsPipe: Bool = false) throws {
        self.path = path
        let (descriptor, status) = try FileSystem.openForReading(
            path, acceptsPipe: acceptsPipe && FileSystem.isInherited(path))
        self.descriptor = descriptor
        isPipe = status.st_mode & S_IFMT != S_IFREG
    }

    deinit { close(descriptor) }

    /// The next byte, which stays the next one; nil at the end.
    mutating func peek() throws -> UInt8? {
        if position == end {
            if isPipe { try FileSystem.waitForInput(descriptor, path) }
            end = try SystemCall.check("read", path) { read(descriptor, &block, block.count) }
            position = 0
            if end == 0 { return nil }
        }
        return block[position]
    }

    /// Takes the next byte; nil at the end.
    mutating func next() throws -> UInt8? {
        guard let byte = try peek() else { return nil }
        position += 1
        return byte
    }

    /// Skips the byte order mark of UTF-8.
    /// - Throws: `FileError(.badData)` if the file begins as text in UTF-16 does.
    mutating func skipByteOrderMark() throws {
        _ = try peek()
        // A pipe may give the mark byte by byte.
        while isPipe, end > 0, end < 3 {
            try FileSystem.waitForInput(descriptor, path)
            let count = try SystemCall.check("read", path) {
                block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + end, $0.count - end) }
            }
            if count == 0 { break }
            end += count
        }
        if end - position >= 3, block[position] == 0xEF, block[position + 1] == 0xBB, block[position + 2] == 0xBF {
            position += 3
        } else if end - position >= 2, [0xFE, 0xFF].contains(block[position]),
            [0xFE, 0xFF].contains(block[position + 1])
        {
            throw FileError(
                .badData, at: path, reason: "is text in UTF-16",
                remedy: "save it as UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW")
        }
    }
}

/// Reads a text file line by line. A line ends with a line feed, with or without a carriage return before it.
package struct LineReader: ~Copyable {
    private var file: SequentialFile
    /// The number of the line that `next` returned, from 1.
    package private(set) var number = 0

    /// A longer line is no text.
    static let largestLength = 16 << 20

    /// - Parameter acceptsPipe: whether the path may name a pipe that this process has inherited, such as /dev/stdin.
    /// - Throws: `FileError`.
    package init(_ path: String, acceptsPipe: Bool = false) throws {
        var file = try SequentialFile(path, acceptsPipe: acceptsPipe)
        try file.skipByteOrderMark()
        self.file = file
    }

    /// The bytes of the next line without its end; nil at the end of the file.
    /// - Throws: `FileError`.
    package mutating func next() throws -> [UInt8]? {
        guard try file.peek() != nil else { return nil }
        number += 1
        var line: [UInt8] = []
        while let byte = try file.next(), byte != UInt8(ascii: "\n") {
            line.append(byte)
            if line.count > Self.largestLength {
                throw FileError(
                    .badData, at: "\(file.path):\(number)",
                    reason: "the line is longer than \(Self.largestLength >> 20) MiB", remedy: "is it a text file?")
            }
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }

    /// The lines of a file in UTF-8, one text each. The last line need not end; an empty line is an empty text.
    /// - Parameter acceptsPipe: as above.
    /// - Throws: `FileError`: also with the number of the line if a line is no UTF-8.
    package static func texts(of path: String, acceptsPipe: Bool = false) throws -> [String] {
        var reader = try LineReader(path, acceptsPipe: acceptsPipe), texts: [String] = []
        while let line = try reader.next() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw FileError(
                    .badData, at: "\(path):\(reader.number)", reason: "holds bytes that are no UTF-8",
                    remedy: "save the file in UTF-8 (iconv -f LATIN1 -t UTF-8, if it is Latin-1)")
            }
            texts.append(text)
        }
        return texts
    }
}
