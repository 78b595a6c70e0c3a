import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// `data.latents`: factors of the pairs of a user's file.
@Suite struct HDF5LatentsTests {
    private static let count = 9

    /// A file of pairs with some factors, and /split.
    private static func file(_ write: (HDF5File) throws -> Void) throws -> PairFile {
        try PairFile { file in
            try file.write("/first", Tensor([count, 2], (0..<2 * count).map { Float($0) }))
            try file.write("/second", Tensor([count, 1], (0..<count).map { Float($0) }))
            try file.write("/split", (0..<count).map { $0 % 3 == 1 ? 1 : 0 }, shape: [count])
            try write(file)
        }
    }

    private static func source(_ file: PairFile, latents: String? = "/latents") throws -> any PairSource {
        var kind = HDF5Specification(path: file.path)
        kind.names.latents = latents
        #expect(kind.hasLatentFactors == (latents != nil))
        return try kind.makeSource(seed: 0)
    }

    @Test func factorsAreThoseOfThePairs() throws {
        let file = try Self.file {
            try $0.write("/latents/angle", Tensor([Self.count], (0..<Self.count).map { Float($0) / 8 }))
            try $0.write("/latents/place", Tensor([Self.count, 2], (0..<2 * Self.count).map { Float($0) }))
            try $0.write("/latents/shape", (0..<Self.count).map { $0 * $0 % 7 }, shape: [Self.count, 1])
            try $0.write("/latents/counts", (0..<2 * Self.count).map { -$0 }, shape: [Self.count, 2])
        }
        let source = try #require(try Self.source(file).latentFactorSource)
        let factors = source.latentFactors
        #expect(
            Set(factors.map { "\($0.name) \($0.columns) \($0.classes ?? 0)" }) == [
                "angle 1 0", "place 2 0", "shape 1 5", "counts 2 0",
            ])
        for (split, rows) in [(Split.training, [0, 2, 3, 5, 6, 8]), (.heldOut, [1, 4, 7])] {
            #expect(source.count(of: split) == rows.count)
            let values = try source.latents(split, (0..<UInt64(rows.count)).reversed().map { $0 })
            for (factor, found) in zip(factors, values) {
                let wanted = rows.reversed().flatMap { row -> [Float] in
                    switch factor.name {
                    case "angle": [Float(row) / 8]
                    case "place": [Float(2 * row), Float(2 * row + 1)]
                    case "shape": [Float(row * row % 7)]
                    default: [Float(-2 * row), Float(-2 * row - 1)]
                    }
                }
                #expect(found.shape == [rows.count, factor.columns] && found.values == wanted, "\(factor.name)")
            }
        }
        // Wrappers have the factors too, and a source that names no group has none.
        let scaled = try source.scaled(by: .feature, unscaled: [], scalesPictures: false, isShared: false)
        #expect(scaled.latentFactorSource?.latentFactors == factors)
        #expect(try Self.source(file, latents: nil).latentFactorSource == nil)
        // The digest is that of the pairs.
        #expect(try source.dataDigest() == Self.source(file, latents: nil).dataDigest())
    }

    /// With /pairs, a factor has a row for each pair, and a training sample those of its first pair.
    @Test func factorsOfPairsThatShareSamples() throws {
        let pairs = [(1, 0), (0, 1), (1, 2), (0, 0)]
        let file = try PairFile { file in
            try file.write("/first", Tensor([2, 1], [0, 1]))
            try file.write("/second", Tensor([3, 1], [0, 1, 2]))
            try file.write("/pairs", pairs.flatMap { [$0.0, $0.1] }, shape: [4, 2])
            try file.write("/own/f", Tensor([4], [10, 11, 12, 13]))
        }
        let source = try #require(try Self.source(file, latents: "own").latentFactorSource)
        #expect(try source.latents(.training, [0, 1]).map(\.values) == [[11, 10]])
    }

    @Test func wrongFactorsAreRefused() throws {
        func problem(_ latents: String = "/latents", _ write: (HDF5File) throws -> Void) throws -> String {
            let file = try Self.file(write)
            let error = try #require(throws: DataError.self) {
                let source = try #require(try Self.source(file, latents: latents).latentFactorSource)
                _ = try source.latents(.heldOut, [0, 1, 2])
            }
            return "\(error)"
        }
        let none = try problem { _ in }
        #expect(none.contains("has no datasets in the group /latents") && none.contains("data.latents"))
        let short = try problem { try $0.write("/latents/a", Tensor([8], [Float](repeating: 0, count: 8))) }
        #expect(short.contains("/latents/a") && short.contains("[8]") && short.contains("9 pairs"))
        let deep = try problem { try $0.write("/latents/a", Tensor([9, 1, 1], [Float](repeating: 0, count: 9))) }
        #expect(deep.contains("[9, 1, 1]"))
        let negative = try problem { try $0.write("/latents/a", (0..<9).map { $0 - 2 }, shape: [9]) }
        #expect(negative.contains("row 0 holds the class -2") && negative.contains("floats"))
        let names = try problem { try $0.write("/latents/a", (0..<9).map { "\($0)" }) }
        #expect(names.contains("holds strings"))
        let infinite = try problem {
            try $0.write("/latents/a", Tensor([9], (0..<9).map { $0 == 4 ? .infinity : 0 }))
        }
        #expect(infinite.contains("/latents/a") && infinite.contains("row 4 holds inf"))
    }
}
