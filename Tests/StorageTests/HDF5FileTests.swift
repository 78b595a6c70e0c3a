import CoupletFiles
import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct HDF5FileTests {
    let folder = TemporaryFolder()

    private func tensor(_ shape: [Int]) -> Tensor {
        let tensor = Tensor(shape)
        for i in 0..<tensor.count { tensor[i] = Float(i) * 0.25 - 3 }
        return tensor
    }

    @Test(arguments: [HDF5Format.compatible, .checksummed])
    func writtenDatasetsReadBack(format: HDF5Format) throws {
        let path = folder.file("a.h5")
        let file = try HDF5File(creating: path, format: format)
        let shapes: [[Int]] = [[], [1], [7], [3, 5], [0, 4], [2, 3, 4, 5], [3, 600_000]]
        for (i, shape) in shapes.enumerated() {
            try file.write("group/deep/\(i)", tensor(shape), checksum: i % 2 == 1)
            try file.write("checked/\(i)", tensor(shape), checksum: true)
        }
        try file.write("doubles", [1.5, -.infinity, 1e-300], shape: [3], checksum: true)
        try file.write("integers", [Int.max, Int.min, 0, 7], shape: [2, 2])
        try file.close()

        let again = try HDF5File(reading: path)
        for (i, shape) in shapes.enumerated() {
            for name in ["group/deep/\(i)", "/checked/\(i)"] {
                let read = try again.readFloats(name)
                #expect(read.shape == shape)
                #expect(read.hasSameBits(as: tensor(shape)))
            }
        }
        #expect(try again.readDoubles("doubles") == [1.5, -.infinity, 1e-300])
        #expect(try again.readIntegers("integers") == [Int.max, Int.min, 0, 7])
        #expect(try again.children(of: "/group") == ["deep"])
        #expect(try again.children(of: "/").count == 4)
        #expect(try again.dataset("integers")?.shape == [2, 2])
        #expect(try again.dataset("integers")?.elementClass == .integer)
        #expect(try again.dataset("nowhere/at/all") == nil)
        #expect(try again.dataset("integers/below") == nil)
        #expect(try again.datasetNames.count == 16)
    }

    @Test func rowsAreWrittenAndReadInRanges() throws {
        let path = folder.file("rows.h5")
        let whole = tensor([50, 6])
        let file = try HDF5File(creating: path)
        for checksum in [false, true] {
            let name = "rows/\(checksum)"
            try file.create(name, .float32, shape: [50, 2, 3], checksum: checksum)
            for start in stride(from: 0, to: 50, by: 7) {
                try file.writeRows(
                    name, from: start, whole.rows(start..<min(start + 7, 50)).reshaped([min(7, 50 - start), 2, 3]))
            }
            #expect(try file.readFloats(name).hasSameBits(as: whole))
            for range in [0..<50, 0..<0, 3..<4, 49..<50, 10..<31] {
                let read = try file.readFloats(name, rows: range)
                #expect(read.shape == [range.count, 2, 3])
                #expect(read.hasSameBits(as: whole.rows(range)))
            }
            #expect(throws: FileError.self) { try file.readFloats(name, rows: 49..<51) }
            #expect(throws: FileError.self) { try file.writeRows(name, from: 49, whole.rows(0..<2)) }
            #expect(throws: FileError.self) { try file.readFloats(name, into: Tensor([299])) }
        }
        try file.create("labels", .int64, shape: [4])
        try file.writeRows("labels", from: 1, [5, 6])
        #expect(try file.readIntegers("labels") == [0, 5, 6, 0])
    }

    @Test(arguments: [[2000, 3], [60, 20_000]], [false, true])
    func rowsAreReadInAnyOrder(shape: [Int], checksum: Bool) throws {
        let whole = tensor(shape)
        let file = try HDF5File(creating: folder.file("scattered.h5"))
        try file.write("x", whole, checksum: checksum)
        var generator = SystemRandomNumberGenerator()
        let n = UInt64(shape[0])
        let cases: [[UInt64]] = [
            [], [n - 1], [0, 0, 0], Array(0..<n), Array((0..<n).reversed()), (0..<n).shuffled(),
            (0..<40).map { _ in UInt64.random(in: 0..<n, using: &generator) }, [5, 6, 7, 1, 2, 20, 21, 22],
        ]
        for numbers in cases {
            let target = Tensor([numbers.count, shape[1]])
            target.fill(.nan)
            try file.readFloats("x", rowNumbers: numbers, into: target)
            for (i, number) in numbers.enumerated() {
                #expect(target.rows(i..<(i + 1)).hasSameBits(as: whole.rows(Int(number)..<(Int(number) + 1))))
            }
        }
        #expect(throws: FileError.self) { try file.readFloats("x", rowNumbers: [n], into: Tensor([1, shape[1]])) }
        #expect(throws: FileError.self) { try file.readFloats("x", rowNumbers: [0], into: Tensor([1, shape[1] + 1])) }
    }

    @Test(.enabled(if: Python.isAvailable)) func h5pyReadsWhatIsWritten() throws {
        let path = folder.file("a.h5")
        let file = try HDF5File(creating: path, format: .checksummed)
        try file.write("a/b", tensor([3, 5, 2]), checksum: true)
        try file.write("scalar", [0.1], shape: [], checksum: true)
        try file.write("matrix", Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6]))
        try file.setAttribute("text", .string("größer\n— two lines"))
        try file.setAttribute("long", .string(String(repeating: "x", count: 200_000)))
        try file.setAttribute("empty", "")
        try file.setAttribute("step", 3)
        try file.setAttribute("step", -12)
        try file.setAttribute("seed", .unsigned(.max))
        try file.setAttribute("rate", .double(0.1), of: "a/b")
        try file.close()
        let again = try HDF5File(reading: path)
        #expect(try again.attribute("text") == .string("größer\n— two lines"))
        #expect(try again.attributes().map(\.name) == ["text", "long", "empty", "step", "seed"])
        #expect(try again.attribute("seed") == .unsigned(.max))
        #expect(try again.attribute("rate", of: "a/b") == .double(0.1))
        #expect(try again.attribute("nothing") == nil)
        try Python.run(
            """
            import h5py, numpy, sys
            f = h5py.File(sys.argv[1])
            x = f["a/b"]
            assert x.shape == (3, 5, 2) and x.dtype == numpy.float32 and x.fletcher32, x
            assert (x[...].ravel() == numpy.arange(30) * 0.25 - 3).all()
            assert f["scalar"][()] == 0.1 and f["scalar"].shape == () and f["scalar"].dtype == numpy.float64
            assert (f["matrix"][...] == [[1, 2, 3], [4, 5, 6]]).all()
            assert f.attrs["text"].decode() == "größer\\n— two lines"
            assert len(f.attrs["long"]) == 200000 and f.attrs["empty"] == b""
            assert f.attrs["step"] == -12 and f.attrs["seed"] == 2**64 - 1 and x.attrs["rate"] == 0.1
            """, path)
    }

    @Test(.enabled(if: Python.isAvailable)) func anyNumericTypeOfH5pyIsRead() throws {
        let path = folder.file("py.h5")
        try Python.run(
            """
            import h5py, numpy, sys
            f = h5py.File(sys.argv[1], "w")
            n = numpy.arange(60).reshape(20, 3)
            for t in ["u1", "i1", ">i2", "<u4", "<i8", "<u8", "<f2", ">f4", "<f8", ">f8"]:
                f["plain/" + t[-2:] + t[0]] = n.astype(t)
                name = "packed/" + t[-2:] + t[0]
                f.create_dataset(name, data=n.astype(t), chunks=(3, 2), compression="gzip", shuffle=True)
            f["bool"] = n % 2 == 0
            f["fractions"] = n + 0.5
            f["large"] = numpy.array([2**63], "<u8")
            f["text"] = "hello"
            f["records"] = numpy.zeros(3, [("a", "f4"), ("b", "i4")])
            f["soft"] = h5py.SoftLink("/plain/u1u")
            f["dangling"] = h5py.SoftLink("/gone")
            f["circle"] = f["/"]
            f.create_dataset("huge", shape=(2**40, 2**10), chunks=(1024, 1024), dtype="f4")
            f.attrs["name"] = "variable length"
            f.attrs["list"] = [1, 2, 3]
            f.attrs["flag"] = True
            """, path)
        let file = try HDF5File(reading: path)
        let expected = (0..<60).map(Float.init)
        let names = try file.datasetNames.filter { $0.hasPrefix("/plain") || $0.hasPrefix("/packed") }
        #expect(names.count == 20)
        for name in names + ["soft"] {
            #expect(try file.readFloats(name).values == expected, "\(name)")
            #expect(try file.readIntegers(name) == Array(0..<60), "\(name)")
            #expect(try file.readMatrix(name).elements == (0..<60).map(Double.init), "\(name)")
            let target = Tensor([3, 3])
            try file.readFloats(name, rowNumbers: [19, 0, 4], into: target)
            #expect(target.values == [57, 58, 59, 0, 1, 2, 12, 13, 14], "\(name)")
        }
        #expect(try file.readFloats("bool").values == (0..<60).map { $0 % 2 == 0 ? 1 : 0 })
        #expect(try file.readIntegers("bool", rows: 0..<1) == [1, 0, 1])
        #expect(try file.attribute("name") == .string("variable length"))
        #expect(try file.attribute("flag") == .integer(1))
        #expect(throws: FileError.self) { try file.attribute("list") }
        for name in ["fractions", "large"] {
            #expect(throws: FileError.self, "\(name)") { try file.readIntegers(name) }
        }
        for name in ["text", "records", "dangling", "huge", "plain", "/", ""] {
            let error = #expect(throws: FileError.self, "\(name)") { try file.readFloats(name) }
            #expect(error?.kind == .badData)
        }
        #expect(throws: FileError.self) { try file.readFloats("huge", rows: 5..<7) }
    }

    @Test func aMissingDatasetIsAnErrorThatListsTheExistingOnes() throws {
        let file = try HDF5File(creating: folder.file("a.h5"))
        for name in ["second", "labels", "first", "covariance/uv"] { try file.write(name, tensor([2])) }
        let error = #expect(throws: FileError.self) { try file.readFloats("frist") }
        #expect(error?.reason == "there is no dataset /frist")
        #expect(error?.remedy.hasPrefix("it holds /first, ") == true, "\(error!)")
        let group = #expect(throws: FileError.self) { try file.readFloats("covariance") }
        #expect(
            group?.description.contains("is a group") == true && group?.description.contains("/covariance/uv") == true)
        #expect(throws: FileError.self) { try file.write("first", tensor([2])) }
        #expect(throws: FileError.self) { try file.write("first/below", tensor([2])) }
        #expect(throws: FileError.self) { try file.readMatrix("first") }
        try file.close()
        #expect(throws: FileError.self) { try file.readFloats("first") }
    }

    @Test func unreadableFilesAreErrorsWithTheReason() throws {
        let text = folder.file("text.h5")
        try Data("no HDF5".utf8).write(to: URL(fileURLWithPath: text))
        let empty = folder.file("empty.h5")
        try Data().write(to: URL(fileURLWithPath: empty))
        for (path, kind, part) in [
            (folder.file("missing.h5"), FileError.Kind.inputOutput, "No such file"),
            (folder.path, .inputOutput, "folder"),
            (text, .badData, "not an HDF5 file"), (empty, .badData, "empty"),
        ] {
            for open in [HDF5File.init(reading:), HDF5File.init(modifying:)] {
                let error = #expect(throws: FileError.self) { try open(path) }
                #expect(
                    error?.kind == kind && error?.reason.contains(part) == true && error?.location == path, "\(error!)")
            }
        }
        #expect(throws: FileError.self) { try HDF5File(creating: text) }
        #expect(throws: FileError.self) { try HDF5File(creating: folder.file("no/such/folder.h5")) }
        _ = try HDF5File(creating: text, overwriting: true)
        _ = try HDF5File(reading: text)
    }

    @Test func manyThreadsReadOneFile() async throws {
        let file = try HDF5File(creating: folder.file("a.h5"))
        let whole = tensor([400, 50])
        try file.write("x", whole)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { () throws in
                    for turn in 0..<50 {
                        let row = (task * 37 + turn * 11) % 400
                        #expect(
                            try file.readFloats("x", rows: row..<(row + 1)).hasSameBits(as: whole.rows(row..<(row + 1)))
                        )
                        #expect(throws: FileError.self) { try file.readFloats("none") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
