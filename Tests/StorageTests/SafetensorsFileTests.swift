import CoupletFiles
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
    /// A file with this header and these bytes of tensors.
    private static func file(_ header: String, _ tensors: [UInt8] = []) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) } + Array(header.utf8) + tensors
    }

    private static func read(_ bytes: [UInt8]) throws -> SafetensorsFile {
        let folder = TemporaryFolder()
        return try SafetensorsFile(reading: folder.write("a.safetensors", bytes))
    }

    @Test func aWrittenFileHasTheBytesOfTheFormat() throws {
        let folder = TemporaryFolder(), path = folder.file("a.safetensors")
        try SafetensorsFile.write(
            path,
            [
                ("first/0/weight", CheckpointArray(Tensor([1, 2], [1, -0.5]))),
                ("objective/bias", CheckpointArray(-2.0)),
            ], metadata: [("step", "3")])
        // Float64 comes first, so that it lies at a multiple of 8.
        let header = """
            {"__metadata__": {"step": "3"}, "objective/bias": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}, \
            "first/0/weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [8, 16]}}
            """
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let numbers: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xBF]
        #expect(try FileSystem.contents(of: path) == Self.file(padded, numbers))
    }

    @Test func numbersKeepTheirBits() throws {
        let folder = TemporaryFolder(), path = folder.file("a.safetensors")
        let floats: [Float] = [1.1, -0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .nan, 3]
        let doubles = [0.1, -.infinity]
        try SafetensorsFile.write(
            path,
            [
                ("f", CheckpointArray(Tensor([2, 3], floats))), ("d", CheckpointArray(doubles, shape: [2])),
                ("empty", CheckpointArray(Tensor([0, 4]))),
            ], metadata: [("name", "ü \"quoted\"\n")])
        let file = try SafetensorsFile(reading: path)
        func array(_ name: String) throws -> CheckpointArray {
            try file.array(#require(file.entries.first { $0.name == name }))
        }
        #expect(try array("f").tensor?.values.map(\.bitPattern) == floats.map(\.bitPattern))
        #expect(try array("f").shape == [2, 3])
        #expect(try array("d").doubles?.map(\.bitPattern) == doubles.map(\.bitPattern))
        #expect(try array("empty").shape == [0, 4])
        #expect(file.metadata("name") == "ü \"quoted\"\n" && file.metadata("other") == nil)
    }

    /// Values from IEEE 754-2019, table 3.5, and from the definition of bfloat16 as the upper half of a Float32.
    @Test func halfPrecisionIsConvertedExactly() throws {
        func little(_ bits: [UInt16]) -> [UInt8] { bits.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }
        let half: [UInt16] = [0x3C00, 0xC000, 0x7BFF, 0x0001, 0x03FF, 0x0400, 0x3555, 0x8000, 0x7C00]
        let brain: [UInt16] = [0x3F80, 0xC040, 0x0001, 0x7F7F]
        let file = try Self.read(
            Self.file(
                """
                {"h": {"dtype": "F16", "shape": [9], "data_offsets": [0, 18]}, \
                "b": {"dtype": "BF16", "shape": [4], "data_offsets": [18, 26]}}
                """, little(half) + little(brain)))
        let values = try file.entries.map { try file.array($0).tensor?.values }
        #expect(
            values[0] == [1, -2, 65504, 0x1p-24, 0x1p-14 - 0x1p-24, 0x1p-14, 0x1.554p-2, 0, .infinity]
                && values[0]?[7].sign == .minus)
        #expect(values[1] == [1, -3, Float(bitPattern: 0x0001_0000), Float(bitPattern: 0x7F7F_0000)])
    }

    private static let damage: [(bytes: [UInt8], part: String)] = [
        ([], "0 bytes"),
        (Array("no file\n".utf8), "8 bytes"),
        (Array(repeating: 255, count: 30), "the length of its header"),
        (Array(file("{}").prefix(9)), "ends within its header"),
        (file("[]"), "no JSON object"),
        (file("{\"a\": 1,}"), "no JSON object"),
        (file("{\"a\": 1}"), "a has no dtype"),
        (file("{\"a\": {\"dtype\": \"F8\", \"shape\": [1], \"data_offsets\": [0, 1]}}", [0]), "the dtype F8"),
        (file("{\"a\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, 4]}}", [0, 0, 0, 0]), "holds -1"),
        (file("{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 0]}}", [0, 0, 0, 0]), "not a begin"),
        (file("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", [0, 0, 0, 0]), "4 bytes"),
        (
            file(
                """
                {"a": {"dtype": "F64", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}
                """), "0 bytes"
        ),
        (
            file("{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [1, 2]}}", [0, 0]),
            "where byte 0 is wanted"
        ),
        (
            file(
                """
                {"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, \
                "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}
                """, [0, 0, 0]), "the bytes of b begin at 1, where byte 2 is wanted"
        ),
        (file("{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]}}", [0, 0]), "describes 1"),
        (file("{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 2]}}", [0]), "describes 2"),
        (
            file(
                """
                {"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, \
                "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
                """, [0]), "names a twice"
        ),
        (file("{\"__metadata__\": {\"step\": 3}}"), "step in its __metadata__ is no text"),
        (file("{\"__metadata__\": []}"), "__metadata__ is no JSON object"),
    ]

    @Test(arguments: damage.indices) func damageIsNamed(_ index: Int) throws {
        let (bytes, part) = Self.damage[index]
        let error = #expect(throws: FileError.self) { try Self.read(bytes) }
        #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    }

    @Test func integersAreNoParameters() throws {
        let file = try Self.read(
            Self.file(
                "{\"a\": {\"dtype\": \"I64\", \"shape\": [1], \"data_offsets\": [0, 8]}}", .init(repeating: 0, count: 8)
            ))
        let error = #expect(throws: FileError.self) { try file.array(file.entries[0]) }
        #expect(error?.description.contains("a holds I64") == true)
    }

    @Test(.enabled(if: Python.has("safetensors", "numpy"))) func safetensorsReadsAndWritesTheSame() throws {
        let folder = TemporaryFolder(), path = folder.file("a.safetensors")
        let numbers = (0..<6).map { Float($0) / 7 }
        try SafetensorsFile.write(
            path, [("x/y", CheckpointArray(Tensor([2, 3], numbers))), ("z", CheckpointArray(1.5))],
            metadata: [("step", "3")])
        try Python.run(
            """
            import sys, numpy as np, safetensors, safetensors.numpy as sn
            with safetensors.safe_open(sys.argv[1], "np") as file:
                assert file.metadata() == {"step": "3"}
                x, z = file.get_tensor("x/y"), file.get_tensor("z")
            assert x.dtype == np.float32 and z.dtype == np.float64 and z.shape == () and z == 1.5
            assert (x == (np.arange(6, dtype=np.float32) / np.float32(7)).reshape(2, 3)).all()
            sn.save_file({"x.y": x, "h": x.astype(np.float16), "n": np.arange(3)}, sys.argv[2], {"by": "python"})
            """, path, folder.file("b.safetensors"))
        let back = try SafetensorsFile(reading: folder.file("b.safetensors"))
        #expect(back.metadata("by") == "python")
        for entry in back.entries where entry.name != "n" {
            let values = try #require(try back.array(entry).tensor?.values)
            #expect(zip(values, numbers).allSatisfy { abs($0 - $1) <= (entry.name == "h" ? 0x1p-12 : 0) })
        }
        #expect(Set(back.entries.map(\.name)) == ["x.y", "h", "n"])
    }
}
