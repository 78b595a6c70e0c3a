import CZlib
import Glibc

/// The content of a file, read whole, with or without its gzip compression.
package struct DecompressedFile {
    let path: String
    /// As they are on disk.
    let stored: [UInt8]

    /// - Throws: `FileError` with the system's reason.
    package init(reading path: String) throws {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.refused(path, "open") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.refused(path, "fstat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(.badData, place: path, reason: "is not a regular file")
        }
        var failed = false
        stored = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let got = read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                if got < 0 && errno == EINTR { continue }
                failed = got < 0
                if got <= 0 { return }
                count += got
            }
        }
        if failed { throw Self.refused(path, "read") }
    }

    static func refused(_ path: String, _ call: String) -> FileError {
        FileError(.badData, place: path, reason: "\(String(cString: strerror(errno))) (\(call))")
    }

    var isCompressed: Bool { stored.count >= 2 && stored[0] == 0x1f && stored[1] == 0x8b }

    /// The length that the content claims to have: of a gzip file what its last four bytes say, modulo 2³².
    package var claimedCount: UInt32 {
        guard isCompressed else { return UInt32(truncatingIfNeeded: stored.count) }
        return stored.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The first `count` bytes of the content, or all if there are fewer.
    /// - Throws: `FileError` where the compressed data are damaged.
    package func prefix(_ count: Int) throws -> [UInt8] {
        isCompressed ? try inflated(limit: count).bytes : Array(stored.prefix(count))
    }

    /// The whole content, which ought to have `expected` bytes.
    /// - Throws: `FileError` where it has fewer or more, or the compressed data are damaged, cut off or followed by something
    ///   else.
    package func content(expected: Int) throws -> ArraySlice<UInt8> {
        // No stream of deflate is smaller than 1/1032 of what it holds: a header that claims more is not worth the memory.
        guard expected <= (stored.count + 1) * (isCompressed ? 1032 : 1) else { throw short(of: expected, found: nil) }
        let bytes: ArraySlice<UInt8>, isComplete: Bool
        if isCompressed {
            let inflated = try inflated(limit: expected)
            (bytes, isComplete) = (inflated.bytes[...], inflated.isComplete)
        } else {
            (bytes, isComplete) = (stored.prefix(expected), stored.count <= expected)
        }
        if bytes.count < expected { throw short(of: expected, found: bytes.count) }
        if !isComplete {
            let excess = isCompressed ? "more" : "\(stored.count)"
            throw FileError(
                .badData, place: path, reason: "its header announces \(expected) bytes in all, but there are \(excess)",
                remedy: "fetch the file again; bytes after the end are not what its header describes")
        }
        return bytes
    }

    private func short(of expected: Int, found: Int?) -> FileError {
        FileError(
            .badData, place: path,
            reason: "its header announces \(expected) bytes in all, but there are "
                + (found.map { "\($0)" } ?? "at most \(stored.count * (isCompressed ? 1032 : 1))"),
            remedy: "the file is cut short: fetch it again")
    }

    /// At most `limit` bytes of the content, and whether that is all of it.
    private func inflated(limit: Int) throws -> (bytes: [UInt8], isComplete: Bool) {
        var stream = z_stream()
        // 15 + 16: the largest window, in the gzip format.
        var code = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw FileError(.badData, place: path, reason: "zlib's inflateInit2 gives \(code)") }
        defer { inflateEnd(&stream) }
        var isComplete = false
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { output, count in
            stored.withUnsafeBufferPointer { input in
                // zlib counts in 32 bits, and its window may look one byte past the end to see that nothing follows.
                var consumed = 0, beyond: UInt8 = 0
                while true {
                    let inputRoom = min(input.count - consumed, 1 << 30), outputRoom = min(limit - count, 1 << 30)
                    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress! + consumed)
                    stream.avail_in = UInt32(inputRoom)
                    let isFull = outputRoom == 0
                    withUnsafeMutablePointer(to: &beyond) { spare in
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
                        // gzip files may be joined: another member, or garbage, which inflate then refuses.
                        code = inflateReset(&stream)
                    }
                    if code != Z_OK { return }
                }
            }
        }
        if isComplete || bytes.count == limit && (code == Z_OK || code == Z_STREAM_END) { return (bytes, isComplete) }
        if code == Z_BUF_ERROR {
            throw FileError(
                .badData, place: path, reason: "the gzip data end too early, after \(stored.count) compressed bytes",
                remedy: "the file is cut short: fetch it again")
        }
        let message = stream.msg.map { String(cString: $0) } ?? "zlib's inflate gives \(code)"
        throw FileError(
            .badData, place: path, reason: "the gzip data are damaged, or something else follows them: \(message)",
            remedy: "fetch the file again")
    }
}
