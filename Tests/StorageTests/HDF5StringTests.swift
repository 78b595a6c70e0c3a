import CoupletFiles
import CoupletStorage
import TestSupport
import Testing

/// Datasets of strings, as this program and h5py write them.
@Suite struct HDF5StringTests {
    let folder = TemporaryFolder()
    private static let texts = [
        "", "cat", "e\u{301}", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "\u{6f22}\u{5b57}", "\u{1f468}\u{200d}\u{1f469}",
        " spaces ",
        "line\nfeed\t", String(repeating: "long \u{e9} ", count: 20_000),
    ]

    private func write(_ write: (HDF5File) throws -> Void) throws -> HDF5File {
        try HDF5File.create(folder.file("a.h5"), write)
        return try HDF5File(reading: folder.file("a.h5"))
    }

    /// Equal as bytes: `==` of strings takes other compositions of a character for equal.
    private func hasSameBytes(_ first: [String], _ second: [String]) -> Bool {
        first.map { Array($0.utf8) } == second.map { Array($0.utf8) }
    }

    @Test func writtenStringsReadBack() throws {
        let texts = Self.texts
        let file = try write {
            try $0.write("/text/second", texts)
            try $0.write("/none", [String]())
            try $0.write("/numbers", [1, 2], shape: [2])
        }
        #expect(hasSameBytes(try file.readStrings("/text/second"), texts))
        #expect(hasSameBytes(try file.readStrings("text/second", rows: 2..<5), Array(texts[2..<5])))
        #expect(
            hasSameBytes(
                try file.readStrings("/text/second", rowNumbers: [8, 1, 1, 4]), [8, 1, 1, 4].map { texts[$0] }))
        #expect(try file.readStrings("/text/second", rowNumbers: []).isEmpty && file.readStrings("/none").isEmpty)
        #expect(try file.dataset("/text/second")?.shape == [9])
        for read in [
            { try file.readStrings("/text/second", rows: 5..<10) },
            { try file.readStrings("/text/second", rowNumbers: [9]) },
            { try file.readStrings("/numbers") }, { try file.readStrings("/absent") },
            { try file.readStrings("/text") },
        ] {
            #expect(throws: FileError.self) { try read() }
        }
        let other = TemporaryFolder()
        #expect(throws: FileError.self) {
            try HDF5File.create(other.file("b.h5")) { try $0.write("/text", ["a\u{0}b"]) }
        }
        #expect(other.names.isEmpty)
    }

    @Test func equalContentGivesEqualFiles() throws {
        for name in ["one.h5", "two.h5"] {
            try HDF5File.create(folder.file(name)) { try $0.write("/text", Self.texts) }
        }
        #expect(try FileSystem.contents(of: folder.file("one.h5")) == FileSystem.contents(of: folder.file("two.h5")))
    }

    @Test(.enabled(if: Python.isAvailable)) func h5pyWritesAndReads() throws {
        try Python.run(
            #"""
            import h5py, numpy, sys
            texts = ["", "cat", "\u05e9\u05dc", "\U0001f468\u200d\U0001f469", " x "]
            with h5py.File(sys.argv[1], "w") as f:
                f["variable"] = texts
                utf8 = h5py.string_dtype("utf-8")
                f.create_dataset("chunked", data=texts, dtype=utf8, chunks=(2,), compression="gzip")
                f.create_dataset("fixed", data=[t.encode() for t in texts], dtype=h5py.string_dtype("utf-8", 40))
                f.create_dataset("ascii", data=numpy.array([b"a", b"bcd", b""]))
                f.create_dataset("column", data=numpy.array([b"a", b"bcd", b""]).reshape(3, 1))
                f.create_dataset("table", data=numpy.array([[b"a", b"b"]]))
                f.create_dataset("latin", data=numpy.array([b"ok", "\xe9".encode("latin-1")]))
                f.create_dataset("unwritten", shape=(3,), dtype=h5py.string_dtype("utf-8"))
                f["scalar"] = "one"
            """#, folder.file("h5py.h5"))
        let texts = ["", "cat", "\u{5e9}\u{5dc}", "\u{1f468}\u{200d}\u{1f469}", " x "]
        let file = try HDF5File(reading: folder.file("h5py.h5"))
        for name in ["variable", "chunked", "fixed"] {
            #expect(hasSameBytes(try file.readStrings(name), texts), "\(name)")
            #expect(
                hasSameBytes(try file.readStrings(name, rowNumbers: [3, 0, 3]), [texts[3], "", texts[3]]), "\(name)")
        }
        #expect(try file.readStrings("ascii") == ["a", "bcd", ""] && file.readStrings("column") == ["a", "bcd", ""])
        #expect(try file.readStrings("column", rows: 1..<3) == ["bcd", ""])
        #expect(try file.readStrings("unwritten") == ["", "", ""])
        #expect(throws: FileError.self) { try file.readStrings("table") }
        #expect(throws: FileError.self) { try file.readStrings("scalar") }
        #expect { try file.readStrings("latin") } throws: { "\($0)".contains("row 1 holds bytes that are no UTF-8") }

        _ = try write {
            try $0.write("/text", Self.texts)
            try $0.write("/bytes", [1, 255] as [UInt8], shape: [2])
            try $0.write("/ids", [-1, 7] as [Int32], shape: [1, 2])
        }
        let lengths = try Python.run(
            #"""
            import h5py, sys
            with h5py.File(sys.argv[1]) as f:
                print([len(t) for t in f["text"].asstr()[:]], f["bytes"].dtype, f["ids"].dtype, f["ids"][:].tolist())
            """#, folder.file("a.h5"))
        let expected = Self.texts.map { $0.unicodeScalars.count }
        #expect(lengths == "\(expected) uint8 int32 [[-1, 7]]\n")
    }
}
