import CoupletFiles
import TestSupport
import Testing

@Suite struct ZipArchiveTests {
    private func contents(_ archive: ZipArchive) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for member in archive.members {
            var bytes: [UInt8] = []
            try archive.read(member) { bytes += $0 }
            #expect(bytes.count == member.count)
            contents[member.name] = bytes
        }
        return contents
    }

    @Test(.enabled(if: Python.hasPython)) func membersAreThosePythonWrote() throws {
        let folder = TemporaryFolder(), path = folder.file("a.zip")
        try Python.run(
            """
            import sys, zipfile
            archive = zipfile.ZipFile(sys.argv[1], "w")
            archive.comment = b"PK comment"
            archive.writestr("stored", b"abc" * 5)
            archive.writestr("deflated", bytes(range(256)) * 900, zipfile.ZIP_DEFLATED)
            archive.writestr("empty", b"", zipfile.ZIP_DEFLATED)
            with archive.open("wide.npy", "w", force_zip64=True) as member: member.write(b"x" * 1200000)
            archive.close()
            """, path)
        let contents = try contents(ZipArchive(path))
        #expect(contents.keys.sorted() == ["deflated", "empty", "stored", "wide.npy"])
        #expect(contents["stored"] == Array("abcabcabcabcabc".utf8) && contents["empty"] == [])
        #expect(contents["deflated"]! == (0..<900).flatMap { _ in [UInt8](0...255) })
        #expect(contents["wide.npy"]!.count == 1_200_000 && contents["wide.npy"]!.allSatisfy { $0 == 120 })

        // Cut short and damaged anywhere: an error, never a crash.
        let bytes = try folder.bytes(of: "a.zip")
        // The last 10 bytes are a comment.
        for count in Array(stride(from: 0, to: bytes.count - 11, by: bytes.count / 40)) + [bytes.count - 11] {
            #expect(throws: FileError.self, "\(count) of \(bytes.count) bytes") {
                _ = try self.contents(ZipArchive(folder.write("cut.zip", Array(bytes.prefix(count)))))
            }
        }
        let directory = bytes.count - 400
        for position in Array(0..<60) + Array(stride(from: directory, to: bytes.count, by: 3)) {
            var damaged = bytes
            damaged[position] ^= 0x55
            _ = try? self.contents(ZipArchive(folder.write("damaged.zip", damaged)))
        }
    }
}
