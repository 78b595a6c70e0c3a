import CZlib
import Glibc

/// The content of a file that may be compressed by gzip (RFC 1952). The file is read whole; its name does not matter.
package struct DecompressedFile {
    package let path: String
    /// The bytes on the disk.
    private let stored: [UInt8]

    /// Largest ratio of content to compressed data: deflate cannot compress better.
    private static let largestRatio = 1032

    /// - Throws: `FileError(.inputOutput)` if the file cannot be read or is not a regular file.
    package init(reading path: String) throws {
        self.path = path
        let (descriptor, status) = try FileSystem.openForReading(path)
        defer { close(descriptor) }
        stored = try [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let bytesRead = try SystemCall.check("read", path) {
                    read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                }
                if bytesRead == 0 { return }
                count += bytesRead
            }
        }
    }

    private var isCompressed: Bool { stored.count >= 2 && stored[0] == 0x1f && stored[1] == 0x8b }

    /// The length of the content modulo 2³². A gzip file states it in its last four bytes, which may be wrong.
    package var claimedCount: UInt32 {
        guard isCompressed else { return UInt32(truncatingIfNeeded: stored.count) }
        return stored.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The first `count` bytes of the content, or all of it if it is shorter.
    /// - Throws: `FileError(.badData)` if the compressed data are damaged.
    package func prefix(_ count: Int) throws -> [UInt8] {
        isCompressed ? try decompressed(limit: count).bytes : Array(stored.prefix(count))
    }

    /// The whole content, which must have `expected` bytes.
    /// - Throws: `FileError(.badData)` if it has fewer or more bytes, or if the compressed data are damaged, cut off or
    ///   followed by other data.
    package func content(expected: Int) throws -> ArraySlice<UInt8> {
        // No memory is allocated for a header that claims more than the file can hold.
        guard expected >= 0, expected <= (stored.count + 1) * (isCompressed ? Self.largestRatio : 1) else {
            throw tooShort(expected, found: nil)
        }
        let bytes: ArraySlice<UInt8>, isComplete: Bool
        if isCompressed {
            let decompressed = try decompressed(limit: expected)
            (bytes, isComplete) = (decompressed.bytes[...], decompressed.isComplete)
        } else {
            (bytes, isComplete) = (stored.prefix(expected), stored.count <= expected)
        }
        if bytes.count < expected { throw tooShort(expected, found: bytes.count) }
        if !isComplete {
            let found = isCompressed ? "more" : "\(stored.count)"
            throw FileError(
                .badData, at: path, reason: "its header announces \(expected) bytes in all, but there are \(found)",
                remedy: "fetch the file again; its header does not describe the bytes at its end")
        }
        return bytes
    }

    private func tooShort(_ expected: Int, found: Int?) -> FileError {
        let found = found.map { "\($0)" } ?? "at most \(stored.count * (isCompressed ? Self.largestRatio : 1))"
        return FileError(
            .badData, at: path, reason: "its header announces \(expected) bytes in all, but there are \(found)",
            remedy: "the file is cut short: fetch it again")
    }

    /// At most `limit` bytes of the content, and whether the content ends there.
    private func decompressed(limit: Int) throws -> (bytes: [UInt8], isComplete: Bool) {
        var stream = z_stream()
        // 15 is the largest window; 16 selects the gzip format.
        var code = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw FileError(.badData, at: path, reason: "zlib's inflateInit2 returned \(code)") }
        defer { inflateEnd(&stream) }
        var isComplete = false
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { output, count in
            stored.withUnsafeBufferPointer { input in
                // zlib counts in 32 bits. When the output is full, one spare byte of output shows whether the content
                // ends there.
                var consumed = 0, spareByte: UInt8 = 0
                while true {
                    let inputRoom = min(input.count - consumed, 1 << 30), outputRoom = min(limit - count, 1 << 30)
                    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress! + consumed)
                    stream.avail_in = UInt32(inputRoom)
                    let isFull = outputRoom == 0
                    withUnsafeMutablePointer(to: &spareByte) { spare in
                        stream.next_out = isFull ? spare : output.baseAddress! + count
                        stream.avail_out = UInt32(isFull ? 1 : outputRoom)
                        code = inflate(&stream, Z_NO_FLUSH)
                    }
                    consumed += inputRoom - Int(stream.avail_in)
                    if isFull {
                        if stream.avail_out == 0 { return }
                    } else {
                        count += outputRoom - Int(stream.avail_out)
                    }
                    if code == Z_STREAM_END {
                        if consumed == input.count {
                            isComplete = true
                            return
                        }
                        // A gzip file may have several members. If something else follows, inflate refuses it.
                        code = inflateReset(&stream)
                    }
                    if code != Z_OK { return }
                }
            }
        }
        if isComplete || bytes.count == limit && (code == Z_OK || code == Z_STREAM_END) { return (bytes, isComplete) }
        if code == Z_BUF_ERROR {
            throw FileError(
                .badData, at: path, reason: "the gzip data end too early, after \(stored.count) compressed bytes",
                remedy: "the file is cut short: fetch it again")
        }
        let message = stream.msg.map { String(cString: $0) } ?? "zlib's inflate returned \(code)"
        throw FileError(
            .badData, at: path, reason: "the gzip data are damaged, or something else follows them: \(message)",
            remedy: "fetch the file again")
    }
}
