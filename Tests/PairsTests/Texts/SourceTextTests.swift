import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// The texts of samples, through a file and the wrappers of its source.
@Suite struct SourceTextTests {
    private let folder = TemporaryFolder()
    private static let texts = ["a cat", "a dog", "a bird", "no pair"]

    /// Six pairs of three pictures and four texts, one of which has no pair.
    private func source(_ write: (HDF5File) throws -> Void = { _ in }) throws -> HDF5Source {
        let preparation = try TokenizerChoice(.words).preparation(of: Self.texts)
        try HDF5File.create(folder.file("set.h5")) { file in
            try file.write("/first", [Float](repeating: 0.5, count: 6).map(Double.init), shape: [3, 2])
            try file.write("/second", try preparation.rows(Self.texts).ids, shape: [4, preparation.positions])
            try SamplePreparation.text(preparation).write(.second, of: "/second", to: file)
            try file.write("/pairs", [0, 2, 0, 1, 1, 0, 1, 2, 2, 1, 2, 0], shape: [6, 2])
            try file.write("/split", [0, 0, 0, 0, 1, 1], shape: [6])
            try file.write("/labels", [0, 0, 1, 1, 0, 1], shape: [6])
            try write(file)
        }
        return try HDF5Source(path: folder.file("set.h5"), heldOut: 0, seed: 0)
    }

    @Test func textsAreThoseOfTheRows() throws {
        let source = try source { try $0.write("/text/second", Self.texts) }
        for wrapped in [
            source, TokenSource.checking(source, vocabularies: PerModality(first: nil, second: 8)),
            source.scaled(
                by: PerModality(first: InputScaling(mean: [0], scale: [2], .channel, shape: [2]), second: nil)),
        ] as [any PairSource] {
            #expect(try wrapped.texts(.heldOut, [1, 0, 1], .second) == ["a cat", "a dog", "a cat"])
            #expect(try wrapped.texts(.heldOut, [0], .first) == nil)
            // A training sample is a picture; without a draw it has its first text.
            #expect(try wrapped.texts(.training, [0, 1], .second) == ["a bird", "a cat"])
            let numbers: [UInt64] = [0, 1], rows = try #require(try wrapped.sampleRows(.training, numbers, .second))
            #expect(try wrapped.texts(.training, numbers, .second) == rows.map { Self.texts[$0] })
            #expect(wrapped.preparation(of: .second)?.text?.vocabulary == 8)
            #expect(wrapped.preparation(of: .first) == nil)
        }
        #expect(throws: DataError.self) { try source.texts(.heldOut, [2], .second) }
    }

    @Test func filesWithoutTextsHaveNone() throws {
        #expect(try source().texts(.heldOut, [0], .second) == nil)
        // Texts of other rows are an error, and no crash.
        let shorter = try source { try $0.write("/text/second", ["a"]) }
        #expect { try shorter.texts(.heldOut, [0], .second) } throws: { "\($0)".contains("/text/second: has 1 rows") }
    }

    @Test func namesOfRowsAreFound() throws {
        _ = try source {
            try $0.write("/name/first", ["0.png", "1.png", "2.png"])
            try $0.write("/text/second", Self.texts)
            try $0.write("/text/pairs", ["other", "count"])
            try $0.write("/text/labels", [1, 2, 3, 4, 5, 6], shape: [6])
        }
        let file = try HDF5File(reading: folder.file("set.h5"))
        #expect(try RowNames(of: "/first", in: file)?.names([2, 0]) == ["2.png", "0.png"])
        #expect(try RowNames(of: "second", in: file)?.names([3, 3]) == ["no pair", "no pair"])
        for dataset in ["/pairs", "/labels", "/split", "/text/second", "/absent"] {
            #expect(try RowNames(of: dataset, in: file) == nil, "\(dataset)")
        }
    }
}
