import Couplet
import Foundation
import TestSupport
import Testing

/// `couplet export` and `couplet import`, and what encodings say of their origin.
@Suite struct ExportCommandTests {
    private static func trained() throws -> TrainingFolder {
        let folder = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 4))
        try folder.writePairs("pairs.h5")
        #expect(try CoupletInvocation("train", folder.config, "--output", "run", in: folder.files.path).exitCode == 0)
        return folder
    }

    private static func parametersDigest(_ run: String, in folder: TrainingFolder) throws -> String {
        let json = try CoupletInvocation("inspect", run, "--json", in: folder.files.path).json()
        return try #require(json["parameters_digest"] as? String)
    }

    @Test func parametersComeBackWithTheirDigest() throws {
        let folder = try Self.trained(), path = folder.files.path
        let exported = try CoupletInvocation("export", "run", "--format", "safetensors", in: path)
        let digest = try Self.parametersDigest("run", in: folder)
        #expect(exported.output == "run.safetensors: step 4, SHA-256 of the parameters \(digest)\n")
        let imported = try CoupletInvocation(
            "import", "run.safetensors", "--config", folder.config, "--output", "imported", in: path)
        #expect(imported.exitCode == 0 && imported.output.contains(digest), "\(imported.errors)")
        #expect(try Self.parametersDigest("imported", in: folder) == digest)
        // The import is a run: it encodes with the same bits, and continues by the command that it prints.
        for run in ["run", "imported"] {
            let encoded = try CoupletInvocation(
                "encode", run, "--modality", "first", "--input", "pairs.h5:/first", "--output", "\(run).h5:/codes",
                in: path)
            #expect(encoded.exitCode == 0, "\(encoded.errors)")
        }
        let codes = try ["run", "imported"].map { try HDF5File(reading: folder.path("\($0).h5")).readFloats("/codes") }
        #expect(codes[0].values == codes[1].values)
        let command = try #require(imported.output.firstMatch(of: /Continue it by couplet (.*)N\n/)).1 + "2"
        let resumed = try CoupletInvocation(arguments: command.split(separator: " ").map(String.init), in: path)
        #expect(resumed.exitCode == 0 && folder.step("imported") == 2, "\(resumed.errors)")
        // A run from the file of another run is replayed with the file.
        let replayed = try CoupletInvocation("replay", "imported", "--step", "2", "--json", in: path)
        #expect(replayed.exitCode == 0, "\(replayed.errors)")
    }

    @Test func mistakesAreNamed() throws {
        let folder = try Self.trained(), path = folder.files.path
        func expect(_ part: String, code: Int32, _ arguments: String...) throws {
            let result = try CoupletInvocation(arguments: arguments, in: path)
            #expect(result.exitCode == code && result.errors.contains(part), "\(arguments): \(result.errors)")
        }
        try expect("'pickle'", code: 64, "export", "run", "--format", "pickle")
        try expect("give --modality", code: 64, "export", "run", "--format", "onnx", "--output", "a.onnx")
        try expect("no checkpoint of step 3", code: 65, "export", "run", "--format", "hdf5", "--checkpoint", "3")
        try expect("no such run", code: 74, "export", "other", "--format", "hdf5")
        try expect("No such file", code: 74, "export", "run", "--format", "hdf5", "--output", "none/a.h5")
        try folder.files.write("run-first.onnx", "mine")
        try expect("exists already", code: 74, "export", "run", "--format", "onnx")
        #expect(try folder.files.text(of: "run-first.onnx") == "mine" && !folder.files.exists("run-second.onnx"))
        try expect("does not end in .safetensors", code: 64, "import", "a.pt", "--config", "c.yaml", "--output", "b")
        try folder.files.write("cut.safetensors", [1, 0])
        try expect("2 bytes", code: 65, "import", "cut.safetensors", "--config", folder.config, "--output", "b")
        #expect(!folder.files.exists("b"))
        _ = try CoupletInvocation("export", "run", "--format", "safetensors", in: path)
        try expect(
            "there is a run already", code: 74, "import", "run.safetensors", "--config", folder.config, "--output",
            "run")
        try expect(
            "encoders.first.widths is [16] there and [17] here", code: 65, "import", "run.safetensors", "--config",
            folder.config, "--output", "b", "--set", "encoders.first.widths=[17]")
    }

    /// More rows than a batch, so that threads share them.
    @Test func encodingsAreTheSameOnAnyNumberOfThreads() throws {
        let folder = try Self.trained(), path = folder.files.path
        let rows = Tensor([9_000, 8], (0..<72_000).map { Float($0 * 7_919 % 1_009) / 500 - 1 })
        let input = try HDF5File(creating: folder.path("rows.h5"))
        try input.write("/rows", rows)
        try input.close()
        func encode(_ name: String, _ extra: String...) throws {
            let result = try CoupletInvocation(
                arguments: [
                    "encode", "run", "--modality", "first", "--input", "rows.h5:/rows", "--output", "codes.h5:/\(name)",
                ] + extra, in: path)
            #expect(result.exitCode == 0, "\(result.errors)")
        }
        for threads in ["1", "2", "3"] { try encode("on\(threads)", "--threads", threads) }
        try encode("unit", "--normalize")
        let file = try HDF5File(reading: folder.path("codes.h5"))
        let codes = try ["on1", "on2", "on3", "unit"].map { try file.readFloats("/\($0)") }
        #expect(codes[0].bytes == codes[1].bytes && codes[0].bytes == codes[2].bytes)
        for row in 0..<9_000 {
            let (plain, unit) = (codes[0].rows(row..<row + 1).values, codes[3].rows(row..<row + 1).values)
            let length = plain.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(zip(plain, unit).allSatisfy { abs(Double($0) / length - Double($1)) <= 1e-7 })
        }
        let digest = try #require(
            try CoupletInvocation("inspect", "run", "--json", in: path).json()["digest"] as? String)
        let wanted: [(String, AttributeValue)] = [
            ("run", "run"), ("step", 4), ("digest", .string(digest)), ("parameters", "current"),
            ("modality", "first"), ("normalized", 1),
        ]
        for (name, value) in wanted { #expect(try file.attribute(name, of: "/unit") == value) }
        #expect(try file.attribute("normalized", of: "/on1") == 0)
    }
}
