import CZlib
import Glibc

/// The members of a ZIP archive (PKWARE APPNOTE 6.3.9), stored or deflated, with 64-bit sizes, as numpy writes .npz.
package struct ZipArchive: Sendable {
    package struct Member: Sendable {
        package let name: String
        /// Bytes in the archive, and bytes of the content.
        fileprivate let storedCount: Int
        package let count: Int
        fileprivate let method: Int, checksum: UInt32, headerOffset: Int
    }

    private let file: MappedFile
    package let members: [Member]

    /// - Throws: `FileError`: `.inputOutput` if the file cannot be read, `.badData` if it is no ZIP archive or damaged.
    package init(_ path: String) throws {
        file = try MappedFile(path, isSequential: false)
        members = try Self.members(file)
    }

    private static func damaged(_ file: MappedFile, _ reason: String) -> FileError {
        FileError(.badData, at: file.path, reason: "is no complete ZIP archive: \(reason)", remedy: "write it again")
    }

    /// A number of up to eight bytes, little-endian.
    private static func number(_ file: MappedFile, at offset: Int, bytes: Int) throws -> Int {
        guard offset >= 0, offset <= file.bytes.count - bytes else { throw damaged(file, "it ends too early") }
        let value = (0..<bytes).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(file.bytes[offset + $1]) }
        guard let result = Int(exactly: value) else { throw damaged(file, "a size is \(value)") }
        return result
    }

    private static func members(_ file: MappedFile) throws -> [Member] {
        func number(_ offset: Int, _ bytes: Int) throws -> Int { try Self.number(file, at: offset, bytes: bytes) }
        // The end record is last; a comment of up to 65,535 bytes may follow it.
        let earliest = max(0, file.bytes.count - 65_557)
        var end = file.bytes.count - 22
        while end >= earliest, try number(end, 4) != 0x0605_4b50 { end -= 1 }
        guard end >= earliest else { throw damaged(file, "it has no directory of its members") }
        var (memberCount, offset) = (try number(end + 10, 2), try number(end + 16, 4))
        // Archives of more than 4 GiB have a second end record, and a locator of it before this one.
        if end >= 20, try number(end - 20, 4) == 0x0706_4b50 {
            let record = try number(end - 12, 8)
            guard try number(record, 4) == 0x0606_4b50 else { throw damaged(file, "its 64-bit directory is damaged") }
            (memberCount, offset) = (try number(record + 32, 8), try number(record + 48, 8))
        }
        var members: [Member] = []
        for _ in 0..<memberCount {
            guard try number(offset, 4) == 0x0201_4b50 else { throw damaged(file, "its directory is damaged") }
            let (nameLength, extraLength) = (try number(offset + 28, 2), try number(offset + 30, 2))
            var stored = try number(offset + 20, 4), count = try number(offset + 24, 4)
            var header = try number(offset + 42, 4)
            // An extra field with the number 1 has the 64-bit values of the fields that are all ones.
            var extra = offset + 46 + nameLength
            let extraEnd = extra + extraLength
            while extra + 4 <= extraEnd {
                let (kind, length) = (try number(extra, 2), try number(extra + 2, 2))
                if kind == 1 {
                    var place = extra + 4
                    func wide(_ value: inout Int) throws {
                        if value != 0xFFFF_FFFF { return }
                        value = try number(place, 8)
                        place += 8
                    }
                    try wide(&count)
                    try wide(&stored)
                    try wide(&header)
                }
                extra += 4 + length
            }
            guard offset + 46 + nameLength <= file.bytes.count else { throw damaged(file, "its directory is damaged") }
            members.append(
                Member(
                    name: String(decoding: file.bytes[offset + 46..<offset + 46 + nameLength], as: UTF8.self),
                    storedCount: stored, count: count, method: try number(offset + 10, 2),
                    checksum: UInt32(try number(offset + 16, 4)), headerOffset: header))
            offset = extraEnd + (try number(offset + 32, 2))
        }
        return members
    }

    /// Passes the content of a member to `take`, in blocks of up to 1 MiB.
    /// - Throws: `FileError(.badData)` if it is damaged or compressed in another way; the errors of `take`.
    package func read(_ member: Member, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        func damaged(_ reason: String) -> FileError {
            FileError(.badData, at: "\(file.path):\(member.name)", reason: reason, remedy: "write the archive again")
        }
        let header = member.headerOffset
        func number(_ offset: Int, _ bytes: Int) throws -> Int { try Self.number(file, at: offset, bytes: bytes) }
        guard try number(header, 4) == 0x0403_4b50 else { throw damaged("its header is damaged") }
        let start = header + 30 + (try number(header + 26, 2)) + (try number(header + 28, 2))
        guard start <= file.bytes.count, member.storedCount <= file.bytes.count - start else {
            throw damaged("it is cut short")
        }
        let stored = UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + member.storedCount])
        var (count, checksum) = (0, crc32(0, nil, 0))
        func pass(_ block: UnsafeRawBufferPointer) throws {
            count += block.count
            guard count <= member.count else { throw damaged("it has more than \(member.count) bytes") }
            checksum = crc32(checksum, block.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(block.count))
            try take(block)
        }
        switch member.method {
        case 0:
            for first in stride(from: 0, to: stored.count, by: 1 << 20) {
                try pass(UnsafeRawBufferPointer(rebasing: stored[first..<min(first + 1 << 20, stored.count)]))
            }
        case 8: try Self.inflate(stored, pass) { damaged("its compressed data are damaged: \($0)") }
        default:
            throw damaged("it is compressed by method \(member.method); stored and deflated members can be read")
        }
        guard count == member.count, UInt32(truncatingIfNeeded: checksum) == member.checksum else {
            throw damaged("its checksum does not match")
        }
    }

    private static func inflate(
        _ stored: UnsafeRawBufferPointer, _ pass: (UnsafeRawBufferPointer) throws -> Void,
        error: (String) -> FileError
    ) throws {
        var stream = z_stream()
        // A negative number selects deflate data without a header; 15 is the largest window.
        var code = inflateInit2_(&stream, -15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw error("zlib's inflateInit2 returned \(code)") }
        defer { inflateEnd(&stream) }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { block.deallocate() }
        var consumed = 0
        while code != Z_STREAM_END {
            let room = min(stored.count - consumed, 1 << 30)
            stream.next_in = UnsafeMutablePointer(
                mutating: stored.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
            stream.avail_in = UInt32(room)
            stream.next_out = block.baseAddress!.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(block.count)
            code = CZlib.inflate(&stream, Z_NO_FLUSH)
            consumed += room - Int(stream.avail_in)
            let made = block.count - Int(stream.avail_out)
            guard code == Z_OK || code == Z_STREAM_END, made > 0 || code == Z_STREAM_END || room > Int(stream.avail_in)
            else { throw error(stream.msg.map { String(cString: $0) } ?? "zlib's inflate returned \(code)") }
            try pass(UnsafeRawBufferPointer(rebasing: block[..<made]))
        }
    }
}
