import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// Held-out pairs and groups.
@Suite struct SplitTests {
    private static let groups = (0..<90).map { $0 % 10 == 9 ? -1 : $0 * 31 % 90 / 6 }

    private static func file(_ split: [Int]? = nil, groups: [Int]? = groups) throws -> PairFile {
        try PairFile {
            try $0.write("/first", Tensor([90, 1], (0..<90).map(Float.init)))
            try $0.write("/second", Tensor([90, 1], (0..<90).map { Float($0) / 2 }))
            if let groups { try $0.write("/groups", groups, shape: [90]) }
            if let split { try $0.write("/split", split, shape: [90]) }
        }
    }

    private static func rows(_ source: any PairSource, _ split: Split) throws -> [Int] {
        let numbers = (0..<UInt64(source.count(of: split)!)).map { $0 }
        return try source.readRaw(split, numbers, .first).values.map { Int($0) }
    }

    @Test func groupsAreNeverTornApart() throws {
        let pairs = try Self.file()
        var sizes: Set<Int> = []
        for seed in 0..<40 as Range<UInt64> {
            let source = try pairs.source(heldOut: 0.3, seed: seed)
            let held = try Self.rows(source, .heldOut), training = try Self.rows(source, .training)
            #expect((held + training).sorted() == Array(0..<90))
            #expect((27...32).contains(held.count), "whole groups of at most 6 rows, until 27 are held out")
            let groups = Set(held.map { Self.groups[$0] }.filter { $0 >= 0 })
            #expect(groups.isDisjoint(with: training.map { Self.groups[$0] }))
            let numbers = held.indices.map { UInt64($0) }
            #expect(try source.groups(.heldOut, numbers) == held.map { Self.groups[$0] })
            sizes.insert(held.count)
        }
        #expect(sizes.count > 1)
    }

    @Test func theSplitSeedChoosesAndNotTheSeed() throws {
        let pairs = try Self.file(groups: nil)
        func held(_ splitSeed: UInt64?, _ seed: UInt64) throws -> [Int] {
            try Self.rows(
                HDF5Specification(path: pairs.path, heldOut: 0.2, splitSeed: splitSeed).makeSource(seed: seed), .heldOut
            )
        }
        #expect(try held(0, 1) == held(0, 2) && held(0, 1) != held(1, 1))
        // The former rule is that of a split_seed that equals the seed.
        #expect(try held(nil, 5) == held(5, 1) && held(nil, 5) != held(nil, 6))
    }

    @Test func aSplitThatTearsAGroupApartIsRefused() throws {
        var split = Self.groups.map { $0 == 4 || $0 == 7 ? 1 : 0 }
        #expect(try Self.file(split).source().count(of: .heldOut) == split.reduce(0, +))
        let rows = Self.groups.indices.filter { Self.groups[$0] == 7 }
        split[rows[2]] = 0
        let error = try #require(throws: DataError.self) { try Self.file(split).source() }
        #expect(
            error.description.contains(
                "/split: row \(rows[2]) is a training pair and row \(rows[0]) is held out, but both are of group 7"))
        let one = try #require(throws: DataError.self) {
            try Self.file(groups: .init(repeating: 3, count: 90)).source(heldOut: 0.1)
        }
        #expect(one.description.contains("is all of them, because the groups"))
    }

    /// Pairs that are held out here and were trained on there.
    @Test func trainingPairsOfAnotherRunAreFound() throws {
        let pairs = try Self.file(groups: nil)
        let here = try HDF5Specification(path: pairs.path, heldOut: 0.2).makeSource(seed: 1)
        func leak(_ kind: HDF5Specification, seed: UInt64, perClass: Int? = nil) throws -> Int? {
            let other = SourceSpecification(kind, perClass: perClass)
            let digest = try #require(try other.makeSource(seed: seed).dataDigest())
            return try other.trainingRows(seed: seed, heldOutIn: here, digest: digest)?.count
        }
        let held = Set(try Self.rows(here, .heldOut))
        #expect(try leak(HDF5Specification(path: pairs.path, heldOut: 0.2), seed: 9) == 0)
        #expect(try leak(HDF5Specification(path: pairs.path), seed: 9) == 18)
        for kind in [
            HDF5Specification(path: pairs.path, heldOut: 0.2, splitSeed: 3),
            HDF5Specification(path: pairs.path, heldOut: 0.5, splitSeed: nil),
        ] {
            let training = try Self.rows(kind.makeSource(seed: 9), .training)
            #expect(try leak(kind, seed: 9) == held.intersection(training).count)
            #expect(try leak(kind, seed: 9) != 0)
        }
        let other = try Self.file(groups: .init(repeating: -1, count: 90))
        #expect(try leak(HDF5Specification(path: other.path), seed: 1) == nil, "other data are not compared")
    }
}
