import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// Files with /pairs: several rows of /second for a row of /first.
@Suite struct HDF5PairsTests {
    /// 7 pictures, of which row 4 is in no pair, and 12 texts of 3 token ids.
    private static let pictures = 7, texts = 12
    private static let pairs = [
        (0, 0), (3, 5), (0, 1), (1, 2), (3, 6), (0, 3), (6, 7), (2, 4), (5, 0), (0, 0), (6, 8), (3, 9), (5, 10),
        (1, 11), (2, 0),
    ]
    /// Both pairs of picture 1 are held out, and those of picture 2 are for validation.
    private static let split = pairs.map { $0.0 == 1 ? 1 : $0.0 == 2 ? 2 : 0 }

    private static func file(
        _ pairs: [(Int, Int)] = pairs, split: [Int]? = split, groups: [Int]? = nil, labels: [Int]? = nil,
        name: String = "/pairs"
    ) throws -> PairFile {
        try PairFile { file in
            try file.write("/first", Tensor([pictures, 1, 2, 2], (0..<pictures * 4).map { Float($0) / 4 }))
            try file.write("/second", Tensor([texts, 3], (0..<texts * 3).map { Float($0 / 3) }))
            try file.write(name, pairs.flatMap { [$0.0, $0.1] }, shape: [pairs.count, 2])
            for (name, column) in [("/split", split), ("/groups", groups), ("/labels", labels)] {
                if let column { try file.write(name, column, shape: [column.count]) }
            }
        }
    }

    private static func rows(_ source: any PairSource, _ numbers: [UInt64], _ draws: [UInt64]) throws -> [(Int, Int)] {
        let first = Tensor([numbers.count, 1, 2, 2]), second = Tensor([numbers.count, 3])
        try source.read(training: numbers, draws: draws, first: first, second: second)
        return numbers.indices.map { (Int(first[4 * $0]), Int(second[3 * $0])) }
    }

    @Test(arguments: [HDF5Source.memoryLimit, 0]) func samplesAreDistinctRowsOfFirst(memoryLimit: Int) throws {
        let file = try Self.file(), source = try file.source(memoryLimit: memoryLimit)
        let pictures = [0, 3, 5, 6]
        #expect(source.count(of: .training) == 4 && source.count(of: .heldOut) == 2)
        #expect(source.count(of: .validation) == 2 && source.hasValidation)
        var seen = Set<[Int]>()
        let draws = (0..<400).map { UInt64($0) }, numbers = draws.map { $0 % 4 }
        for (index, (first, second)) in try Self.rows(source, numbers, draws).enumerated() {
            #expect(first == pictures[index % 4])
            #expect(Self.pairs.contains { $0 == (first, second) })
            seen.insert([first, second])
        }
        #expect(seen.count == 10, "each of the pairs of these pictures, of which one is there twice")
        // Without draws a sample is its first pair.
        #expect(
            try source.readRaw(.training, [0, 1, 2, 3], .second).values.map { Int($0) } == [
                0, 0, 0, 5, 5, 5, 0, 0, 0, 7, 7, 7,
            ])
        // The other splits are their pairs, in the order of the file.
        let heldOut = Tensor([2, 3])
        try source.read(.heldOut, [0, 1], first: nil, second: heldOut)
        #expect(heldOut.values == [2, 2, 2, 11, 11, 11])
        #expect(try source.sampleRows(.heldOut, [0, 1], .first) == [1, 1])
        #expect(try source.sampleRows(.validation, [0, 1], .second) == [4, 0])
        #expect(try source.place(of: 1, .validation, .second)?.row == 0)
        #expect(try source.groups(.training, [0, 1, 2, 3]) == pictures)
        #expect(
            try source.sampleRows(training: numbers, draws: draws, .second)
                == Self.rows(source, numbers, draws).map(\.1))
        #expect(throws: DataError.self) { try source.read(.training, [4], first: nil, second: Tensor([1, 3])) }
    }

    /// Inputs are standardised by the distinct rows of the training pairs: each row of /first and of /second once.
    @Test func momentsAreThoseOfDistinctRows() throws {
        let file = try Self.file(), source = try file.source()
        let scaled = try source.scaled(by: .channel, unscaled: [], scalesPictures: false, isShared: false)
        let training = zip(Self.pairs, Self.split).filter { $0.1 == 0 }.map(\.0)
        // Texts are lists of three equal numbers.
        let rows = Set(training.map(\.1)).map { Double($0) }
        #expect(rows.count == 9)
        let mean = rows.reduce(0, +) / 9,
            deviation = (rows.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 9).squareRoot()
        let heldOut = Tensor([2, 3])
        try scaled.read(.heldOut, [0, 1], first: nil, second: heldOut)
        for (found, row) in zip(heldOut.values, [2, 2, 2, 11, 11, 11]) {
            #expect(abs(Double(found) - (Double(row) - mean) / deviation) <= 1e-6)
        }
        // Few training samples have fewer rows.
        let few = try FewShotSource(
            try Self.file(labels: Self.pairs.map { $0.0 == 6 ? 1 : 0 }).source(), perClass: 1, seed: 0)
        let numbers = few.numbers.map { [0, 3, 5, 6][Int($0)] }
        let fewRows = Set(training.filter { numbers.contains($0.0) }.map(\.1)).map { Double($0) }
        let count = Double(fewRows.count), fewMean = fewRows.reduce(0, +) / count
        let fewDeviation = (fewRows.reduce(0) { $0 + ($1 - fewMean) * ($1 - fewMean) } / count).squareRoot()
        try few.scaled(by: .channel, unscaled: [], scalesPictures: false, isShared: false)
            .read(.heldOut, [0, 1], first: nil, second: heldOut)
        #expect(abs(Double(heldOut[3]) - (11 - fewMean) / fewDeviation) <= 1e-5)
    }

    /// A picture lies in memory once, however many captions it has.
    @Test func memoryHoldsRowsOnce() throws {
        let file = try Self.file(), source = try file.source()
        #expect(source.residentBytes == 4 * (Self.pictures * 4 + Self.texts * 3))
    }

    @Test func aDrawDoesNotDependOnTheOthers() throws {
        let file = try Self.file(), source = try file.source()
        let draws: [UInt64] = [7, 1 << 40, Sampler.secondStreamStart + 7, 0, 123_456_789],
            numbers: [UInt64] = [0, 0, 1, 2, 3]
        let together = try Self.rows(source, numbers, draws)
        for index in draws.indices.reversed() {
            #expect(try Self.rows(source, [numbers[index]], [draws[index]])[0] == together[index])
        }
        // Another seed of the data takes others.
        let many = (0..<64).map { UInt64($0) }, zeros = [UInt64](repeating: 0, count: 64)
        let other = try file.source(seed: 2)
        #expect(try Self.rows(source, zeros, many).map(\.1) != Self.rows(other, zeros, many).map(\.1))
        #expect(
            try Self.rows(source, zeros, many).map(\.1)
                != Self.rows(source, zeros, many.map { $0 + Sampler.secondStreamStart }).map(\.1))
    }

    /// Each order of T of K partners is equally likely, and blocks are independent.
    @Test(arguments: [(5, 1), (5, 2), (3, 3), (4, 3)]) func ordersAreEquallyLikely(partners: Int, perFirst: Int) throws
    {
        let file = try Self.file((0..<partners).map { (2, $0) }, split: nil)
        let source = try file.source().drawing(secondPerFirst: perFirst)
        let blocks = 24_000, numbers = [UInt64](repeating: 0, count: blocks * perFirst)
        let texts = try Self.rows(source, numbers, (0..<UInt64(numbers.count)).map { $0 }).map(\.1)
        var counts: [Int: Int] = [:]
        for block in 0..<blocks {
            let order = Array(texts[block * perFirst..<(block + 1) * perFirst])
            #expect(Set(order).count == perFirst)
            counts[order.reduce(0) { $0 * partners + $1 }, default: 0] += 1
        }
        let orders = (0..<perFirst).reduce(1) { $0 * (partners - $1) }
        #expect(counts.count == orders)
        #expect(chiSquareDeviation(counts.keys.sorted().map { counts[$0]! }) <= 4)
    }

    /// With fewer partners than T each is taken equally often.
    @Test func partnersRepeatWhenThereAreTooFew() throws {
        let file = try Self.file(split: nil), source = try file.source().drawing(secondPerFirst: 5)
        for block in 0..<20 {
            let draws = (0..<5).map { UInt64(5 * block + $0) }
            // Picture 6 has the texts 7 and 8.
            let texts = try Self.rows(source, [UInt64](repeating: 5, count: 5), draws).map(\.1)
            #expect(Set(texts[0..<2]) == [7, 8] && Set(texts[2..<4]) == [7, 8])
        }
        let plain = try PairFile { try HDF5SourceTests.writePairs($0) }
        let error = try #require(throws: DataError.self) { try plain.source().drawing(secondPerFirst: 2) }
        #expect(error.description.contains("batch.second_per_first") && error.description.contains("/pairs"))
    }

    @Test func fractionsKeepPicturesWhole() throws {
        let file = try Self.file(split: nil)
        for seed in 0..<20 as Range<UInt64> {
            let source = try HDF5Source(path: file.path, heldOut: 0.3, validation: 0.2, seed: seed)
            let parts = try [Split.training, .heldOut, .validation].map { split in
                Set(try source.sampleRows(split, (0..<UInt64(source.count(of: split)!)).map { $0 }, .first)!)
            }
            #expect(parts.map(\.count).reduce(0, +) == 6 && parts.reduce(into: Set()) { $0.formUnion($1) }.count == 6)
            #expect(source.storageNotices.isEmpty)
        }
        // /split may take captions of one picture apart, and the run tells.
        let torn = try Self.file(split: Self.pairs.map { $0.1 % 2 })
        #expect(try torn.source().storageNotices.contains { $0.contains("6 of 6 held-out pairs have a row of /first") })
    }

    @Test func groupsAndLabelsAreOfPairs() throws {
        let groups = Self.pairs.map { $0.0 == 3 ? -1 : $0.0 % 3 }
        let file = try Self.file(split: nil, groups: groups, labels: Self.pairs.map { $0.1 })
        let source = try file.source(), all = (0..<6).map { UInt64($0) }
        // The pictures 0, 1, 2, 3, 5, 6. A picture of no group is a group of its own.
        #expect(try source.groups(.training, all) == [0, 1, 2, 6, 2, 0])
        #expect(try source.labels(.training, all) == [0, 2, 4, 5, 0, 7])
        var wrong = groups
        wrong[5] = 2
        let error = try #require(throws: DataError.self) { try Self.file(groups: wrong).source() }
        #expect(error.description.contains("/groups: pairs 0 and 5 have the same first sample, row 0"))
    }

    @Test func wrongPairsAreNamed() throws {
        for (pair, text) in [
            ((2, 12), "row 3 names row 12 of /second, which has the rows 0 to 11"),
            ((7, 0), "row 3 names row 7 of /first"), ((-1, 0), "row 3 names row -1 of /first"),
        ] {
            var pairs = Self.pairs
            pairs[3] = pair
            let error = try #require(throws: DataError.self) { try Self.file(pairs).source() }
            #expect(error.description.contains("/pairs: \(text)"), "\(error)")
        }
        let short = try #require(throws: DataError.self) { try Self.file(split: [0, 1]).source() }
        #expect(short.description.contains("/split: has the shape [2], but there are 15 pairs"))
        let flat = try PairFile {
            try HDF5SourceTests.writePairs($0)
            try $0.write("/pairs", [0, 1, 2], shape: [3])
        }
        let shape = try #require(throws: DataError.self) { try flat.source() }
        #expect(shape.description.contains("/pairs: has the shape [3]"))
        // Another name, and a name that the file does not have.
        let renamed = try Self.file(name: "/captions")
        let names = HDF5DatasetNames(pairs: "captions")
        #expect(try HDF5Source(path: renamed.path, names: names, heldOut: 0, seed: 1).count(of: .training) == 4)
        let counts = try #require(throws: DataError.self) { try renamed.source() }
        #expect(
            counts.description.contains("/first has 7 rows, but /second has 12")
                && counts.description.contains("/pairs"))
        let missing = try #require(throws: DataError.self) {
            try HDF5Source(path: renamed.path, names: HDF5DatasetNames(pairs: "caption"), heldOut: 0, seed: 1)
        }
        #expect(missing.description.contains("data.pairs names the dataset"))
    }

    @Test func digestCoversPairs() throws {
        func digest(_ pairs: [(Int, Int)], memoryLimit: Int = HDF5Source.memoryLimit) throws -> String? {
            let file = try Self.file(pairs)
            return try withExtendedLifetime(file) { try file.source(memoryLimit: memoryLimit).dataDigest() }
        }
        let plain = try digest(Self.pairs)
        #expect(try digest(Self.pairs) == plain && digest(Self.pairs, memoryLimit: 0) == plain)
        var other = Self.pairs
        other[14] = (2, 1)
        #expect(try digest(other) != plain)
    }

    @Test func otherFilesAreEvaluatedByTheirPairs() throws {
        let file = try Self.file(), other = try Self.file([(6, 1), (6, 2), (0, 1)], split: nil)
        let source = try file.source().evaluating(on: other.path, of: HDF5Specification(path: file.path))
        #expect(source.count(of: .heldOut) == 3 && source.count(of: .training) == 4)
        #expect(try source.sampleRows(.heldOut, [0, 1, 2], .first) == [6, 6, 0])
        let second = Tensor([3, 3])
        try source.read(.heldOut, [0, 1, 2], first: nil, second: second)
        #expect(second.values.map { Int($0) } == [1, 1, 1, 2, 2, 2, 1, 1, 1])
    }

    @Test func fewLabelledPictures() throws {
        let file = try Self.file(split: nil, labels: Self.pairs.map { $0.0 % 2 })
        let few = try FewShotSource(file.source(), perClass: 2, seed: 1).drawing(secondPerFirst: 2)
        #expect(few.count(of: .training) == 4)
        let rows = try Self.rows(few, [1, 1], [10, 11])
        #expect(rows[0].0 == rows[1].0 && rows[0].1 != rows[1].1)
        #expect(try few.sampleRows(training: [1, 1], draws: [10, 11], .second) == rows.map(\.1))
    }
}
