import CoupletPairs
import CoupletStorage
import Foundation
import TestSupport
import Testing

@Suite struct DataExportCommandTests {
    private static let config = """
        seed: 5
        data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
        encoders: {embedding: 2, first: {kind: linear}, second: {kind: linear}}
        batch: {size: 64}
        train: {steps: 10}

        """

    @Test func aGaussianIsWrittenWithItsCovariance() throws {
        let folder = TemporaryFolder()
        let config = try folder.write("c.yaml", Self.config)
        let result = try CoupletInvocation(
            "data", "export", config, "--output", "\(folder.path)/p.h5", "--count", "5000", "--start", "7")
        #expect(result.exitCode == 0, "\(result.errors)")
        let file = try HDF5File(reading: "\(folder.path)/p.h5")
        let (first, second) = (try file.readFloats("/first"), try file.readFloats("/second"))
        #expect(first.shape == [5_000, 4] && second.shape == [5_000, 3])
        #expect(try file.dataset("/labels") == nil)

        // Row i is sample 7 + i.
        let source = try SourceSpecification.gaussian(dimensions: [4, 3], correlations: [0.8, 0.5]).makeSource(seed: 5)
        let numbers: [UInt64] = [7, 4_000, 5_006]
        let expected = try source.readRaw(.training, numbers, .second)
        for (row, number) in numbers.enumerated() {
            let at = Int(number) - 7
            #expect(Array(second.values[(3 * at)..<(3 * at + 3)]) == Array(expected.values[(3 * row)..<(3 * row + 3)]))
        }

        // The samples' cross-covariance is within five standard errors of the written one.
        let uv = try file.readMatrix("/covariance/uv"), uu = try file.readMatrix("/covariance/uu"),
            vv = try file.readMatrix("/covariance/vv")
        for i in 0..<4 {
            for j in 0..<3 {
                let mean =
                    (0..<5_000).reduce(0.0) {
                        $0 + Double(first.values[4 * $1 + i]) * Double(second.values[3 * $1 + j])
                    } / 5_000
                let error = ((uu[i, i] * vv[j, j] + uv[i, j] * uv[i, j]) / 5_000).squareRoot()
                #expect(abs(mean - uv[i, j]) <= 5 * error)
            }
        }
    }

    @Test func anExportedFileIsDataAndKeepsItsUnits() throws {
        let folder = TemporaryFolder()
        let pairs = try HDF5File(creating: "\(folder.path)/own.h5")
        try pairs.write("/first", (0..<60).map { Double($0) }, shape: [10, 2, 3])
        try pairs.write("/second", (0..<10).map { $0 % 3 }, shape: [10])
        try pairs.close()
        let config = try folder.write(
            "c.yaml",
            Self.config.replacingOccurrences(
                of: "{source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}",
                with: "{source: hdf5, path: \(folder.path)/own.h5}"))
        let result = try CoupletInvocation(
            "data", "export", config, "--output", "\(folder.path)/part.h5", "--count", "4", "--start", "6")
        #expect(result.exitCode == 0, "\(result.errors)")
        let part = try HDF5File(reading: "\(folder.path)/part.h5")
        #expect(try part.readFloats("/first").shape == [4, 2, 3])
        #expect(try part.readDoubles("/first") == (36..<60).map { Double($0) })
        #expect(try part.readIntegers("/second") == [0, 1, 2, 0])
        #expect(try part.readIntegers("/labels") == [0, 1, 2, 0])
        // An export beyond the end, and over an existing file, are errors.
        let beyond = try CoupletInvocation(
            "data", "export", config, "--output", "\(folder.path)/x.h5", "--count", "5", "--start", "6")
        #expect(beyond.exitCode == 65 && beyond.errors.contains("--count can be at most 4"), "\(beyond.errors)")
        let over = try CoupletInvocation("data", "export", config, "--output", "\(folder.path)/own.h5", "--count", "1")
        #expect(over.exitCode == 74 && over.errors.contains("exists already"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "c.yaml", "own.h5", "part.h5",
            ])
    }
}
