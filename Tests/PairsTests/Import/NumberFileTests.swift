import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

@Suite struct NumberFileTests {
    /// Imports two files of numbers.
    private func set(_ first: String, _ second: String, in folder: TemporaryFolder) throws -> HDF5File {
        _ = try DataImport(.files(first: first, second: second)).run(output: folder.file("set.h5"))
        return try HDF5File(reading: folder.file("set.h5"))
    }

    /// A file in numpy's format, version 1.
    static func numpy(_ type: String, _ shape: String, fortran: Bool = false, _ elements: [UInt8]) -> [UInt8] {
        let header = "{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + elements
    }

    @Test func typesAndOrders() throws {
        func values(_ file: [UInt8]) throws -> (DatasetDescription, [Double]) {
            let folder = TemporaryFolder()
            let path = try folder.write("a.npy", file)
            let set = try set(path, path, in: folder)
            return (try #require(try set.dataset("/first")), try set.readDoubles("/first"))
        }
        func bytes<Number>(_ numbers: [Number]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }
        let little = try values(Self.numpy("<f4", "(2, 3)", bytes([1, 2, 3, 4, 5, Float(6.5)])))
        #expect(little.0.shape == [2, 3] && little.0.elementClass == .float && little.0.elementBytes == 4)
        #expect(little.1 == [1, 2, 3, 4, 5, 6.5])
        let big = try values(Self.numpy(">f8", "(2,)", bytes([1.5, -2.25].map { $0.bitPattern.bigEndian })))
        #expect(big.0.shape == [2] && big.0.elementBytes == 8 && big.1 == [1.5, -2.25])
        // 2 × 2 × 3 whose first index runs fastest.
        let fortran = try values(
            Self.numpy("<i2", "(2, 2, 3)", fortran: true, bytes((0..<12).map { Int16($0) })))
        #expect(fortran.0.shape == [2, 2, 3] && fortran.0.elementClass == .integer && fortran.0.elementBytes == 8)
        #expect(fortran.1 == [0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11])
        let unsigned = try values(Self.numpy("|u1", "(3, 1)", [0, 7, 255]))
        #expect(unsigned.0.isUnsigned && unsigned.0.elementBytes == 1 && unsigned.1 == [0, 7, 255])
        #expect(try values(Self.numpy("<u2", "(2,)", bytes([UInt16(65_535), 3]))).1 == [65_535, 3])
        #expect(try values(Self.numpy("<i8", "(2,)", bytes([Int64(-5), 1 << 40]))).1 == [-5, 1_099_511_627_776])
        #expect(try values(Self.numpy("|b1", "(2,)", [1, 0])).1 == [1, 0])
    }

    @Test func halfPrecisionIsExact() throws {
        let known: [(half: UInt16, value: Float)] = [
            (0x3C00, 1), (0xC000, -2), (0x3555, 0.333_251_953_125), (0x7BFF, 65_504), (0x0400, 0x1p-14),
            (0x0001, 0x1p-24), (0x03FF, 1_023 * 0x1p-24), (0x8000, -0.0), (0x7C00, .infinity),
        ]
        let folder = TemporaryFolder()
        let file = Self.numpy("<f2", "(9, 1)", known.map(\.half).withUnsafeBytes { Array($0) })
        let path = try folder.write("a.npy", file)
        let values = try set(path, path, in: folder).readFloats("/first").values
        #expect(values.map(\.bitPattern) == known.map(\.value.bitPattern))
    }

    @Test(.enabled(if: Python.isAvailable)) func arraysAreThoseOfNumpy() throws {
        let folder = TemporaryFolder()
        try Python.run(
            """
            import numpy, sys
            a = numpy.arange(5000 * 7, dtype="f8").reshape(5000, 7) / 3
            numpy.save(sys.argv[1] + "/a.npy", a.astype("f4"))
            numpy.savez(sys.argv[1] + "/b.npz", x=numpy.asfortranarray(a), y=numpy.arange(5000) % 3)
            numpy.savez_compressed(sys.argv[1] + "/c.npz", a.astype("f2"))
            """, folder.path)
        var set = try set(folder.file("a.npy"), folder.file("b.npz:y"), in: folder)
        #expect(try set.readFloats("/first").values == (0..<35_000).map { Float(Double($0) / 3) })
        #expect(try set.readIntegers("/second") == (0..<5_000).map { $0 % 3 })
        #expect(try set.dataset("/pairs") == nil && set.dataset("/groups") == nil)
        try folder.remove("set.h5")
        set = try self.set(folder.file("b.npz:x"), folder.file("c.npz"), in: folder)
        #expect(try set.readDoubles("/first") == (0..<35_000).map { Double($0) / 3 })
        #expect(try set.readFloats("/second").values == (0..<35_000).map { Float(Float16(Double($0) / 3)) })
        let error = #expect(throws: DataError.self) {
            _ = try DataImport(.files(first: folder.file("b.npz"), second: folder.file("a.npy")))
                .run(output: folder.file("other.h5"))
        }
        #expect(error?.reason == "has the arrays x, y")
    }

    @Test func damagedArraysAreErrors() throws {
        let folder = TemporaryFolder()
        func reason(_ file: [UInt8]) throws -> String {
            let path = try folder.write("a.npy", file)
            let error = #expect(throws: DataError.self) {
                _ = try DataImport(.files(first: path, second: path)).run(output: folder.file("set.h5"))
            }
            return error?.reason ?? ""
        }
        let file = Self.numpy("<f4", "(2, 3)", [UInt8](repeating: 0, count: 24))
        #expect(try reason(Array(file.dropLast())).hasPrefix("its header announces 2 rows, but there are 1 and a part"))
        #expect(try reason(file + [UInt8](repeating: 0, count: 12)).hasSuffix("but there are more"))
        #expect(try reason(Array("not an array".utf8)).hasPrefix("is no numpy array"))
        #expect(try reason(Self.numpy("|O", "(2,)", [0, 0])).contains("elements of the type '|O'"))
        #expect(try reason(Self.numpy("<U5", "(2,)", [0, 0])).contains("no numbers"))
        #expect(try reason(Self.numpy("<f4", "()", [0, 0, 0, 0])).contains("no rows"))
        #expect(try reason(Self.numpy("<f4", "(99999999999999, 99999999999)", [0])).contains("larger than any disk"))
        for count in stride(from: 3, to: file.count, by: 3) { _ = try reason(Array(file.prefix(count))) }
        #expect(!folder.exists("set.h5"))
    }

    @Test func numbersOfCSV() throws {
        let folder = TemporaryFolder()
        let first = try folder.write("a.csv", "x,y\r\n1,2.5\r\n-3e2, 4\r\n")
        let second = try folder.write("b.tsv", "0.5\n7\n")
        let file = try set(first, second, in: folder)
        #expect(try file.readFloats("/first").values == [1, 2.5, -300, 4])
        #expect(try file.dataset("/second")?.shape == [2, 1])

        try folder.write("a.csv", "x,y\n1,2\n3\nnan,4\n5,six\n7,8\n")
        try folder.write("b.tsv", "1\n2\n3\n4\n5\n")
        try folder.remove("set.h5")
        var data = DataImport(.files(first: first, second: second))
        let error = #expect(throws: DataError.self) { try data.run(output: folder.file("set.h5")) }
        #expect(
            error?.reason == """
                3 of 5 rows cannot be used:
                  \(first):3: has 1 column, but the first line has 2
                  \(first):4: column 1 is "nan", no finite number
                  \(first):5: column 2 is "six", no finite number
                """)
        data.skipsBadRows = true
        let summary = try data.run(output: folder.file("set.h5"))
        #expect(summary.badCount == 3 && summary.pairs == 2)
        let kept = try HDF5File(reading: folder.file("set.h5"))
        #expect(try kept.readFloats("/first").values == [1, 2, 7, 8])
        #expect(try kept.readFloats("/second").values == [1, 5])
    }
}
