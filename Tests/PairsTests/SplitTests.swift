import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// Held-out pairs, validation pairs and groups.
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

    // MARK: - Validation pairs

    /// A fraction of the training pairs, whole groups; the held-out pairs are those of a run without it.
    @Test func validationPairsComeFromTheTrainingPairs() throws {
        let pairs = try Self.file()
        var timesChosen = [Int](repeating: 0, count: 90)
        for seed in 0..<200 as Range<UInt64> {
            let whole = try pairs.source(heldOut: 0.3, seed: seed)
            let source = try HDF5Source(path: pairs.path, heldOut: 0.3, validation: 0.25, seed: seed)
            let held = try Self.rows(source, .heldOut), training = try Self.rows(source, .training)
            let chosen = try Self.rows(source, .validation), candidates = try Self.rows(whole, .training)
            #expect(source.hasValidation && !whole.hasValidation && whole.count(of: .validation) == 0)
            #expect(held == (try Self.rows(whole, .heldOut)))
            #expect((training + chosen).sorted() == candidates && chosen == chosen.sorted())
            // The first whole number of pairs at or above a quarter; the last group may bring up to five more.
            let wanted = (0.25 * Double(candidates.count)).rounded()
            #expect((Int(wanted)...Int(wanted) + 5).contains(chosen.count))
            let groups = Set(chosen.map { Self.groups[$0] }.filter { $0 >= 0 })
            #expect(groups.isDisjoint(with: training.map { Self.groups[$0] }))
            let numbers = chosen.indices.map { UInt64($0) }
            #expect(try source.groups(.validation, numbers) == chosen.map { Self.groups[$0] })
            #expect(try source.place(of: 1, .validation, .second)?.row == chosen[1])
            for row in chosen { timesChosen[row] += 1 }
            #expect(try source.dataDigest() != whole.dataDigest())
            #expect(try source.formerDataDigests().isEmpty && !whole.formerDataDigests().isEmpty)
        }
        // A row is drawn, and takes its group along, so rows of groups are chosen more often than single ones. On
        // average a row is chosen in about 0.7 · 0.25 of the draws, or some more: 36 times.
        let grouped = timesChosen.indices.filter { Self.groups[$0] >= 0 }.map { timesChosen[$0] }
        #expect(grouped.max()! <= 75 && grouped.min()! >= 15, "\(timesChosen)")
        #expect(timesChosen.min()! >= 1 && (30...46).contains(timesChosen.reduce(0, +) / 90), "\(timesChosen)")
    }

    /// The numbers of /split, and what keys say beside it.
    @Test func theFileNamesValidationPairs() throws {
        let split = (0..<90).map { $0 * 7 % 11 % 3 }, pairs = try Self.file(split, groups: nil)
        let source = try pairs.source()
        for (code, part) in [(0, Split.training), (1, .heldOut), (2, .validation)] {
            #expect(try Self.rows(source, part) == (0..<90).filter { split[$0] == code })
        }
        let specification = HDF5Specification(path: pairs.path)
        #expect(try specification.withValidation().validation == nil, "the file says it")
        var other = specification
        other.validation = 0.1
        let twice = try #require(throws: DataError.self) { _ = try other.makeSource(seed: 1) }
        #expect(
            twice.description.contains("data.validation: is 0.1, but")
                && twice.description.hasSuffix("remove data.validation"))
        // Without a 2 in the file, a tenth of the training pairs is taken, unless the config says otherwise.
        let without = try Self.file(split.map { $0 % 2 }, groups: nil), plain = HDF5Specification(path: without.path)
        let chosen = try plain.withValidation()
        #expect(chosen.validation == 0.1)
        let tenth = try chosen.makeSource(seed: 1)
        #expect(tenth.count(of: .validation) == Int((0.1 * Double(split.count { $0 != 1 })).rounded()))
        var none = plain
        none.validation = 0
        #expect(try none.withValidation().validation == 0 && !none.makeSource(seed: 1).hasValidation)
        for (fraction, words) in [(0.001, "0.001 of"), (0.999, "is all of them"), (-0.5, "is -0.5")] {
            let error = try #require(throws: DataError.self) {
                _ = try HDF5Source(path: plain.path, heldOut: 0, validation: fraction, seed: 1)
            }
            #expect(error.location == "data.validation" && error.description.contains(words))
        }
        withExtendedLifetime((pairs, without)) {}
        let torn = try #require(throws: DataError.self) {
            try Self.file(Self.groups.map { $0 == 7 ? 2 : 0 }.enumerated().map { $0 == 80 ? 2 - $1 : $1 }).source()
        }
        #expect(
            torn.description.contains("is a training pair and row") && torn.description.contains("is a validation pair")
        )
    }

    @Test func theSplitSeedChoosesValidationPairs() throws {
        let pairs = try Self.file(groups: nil)
        func chosen(_ splitSeed: UInt64?, _ seed: UInt64) throws -> [Int] {
            let kind = HDF5Specification(path: pairs.path, heldOut: 0.2, validation: 0.2, splitSeed: splitSeed)
            return try Self.rows(kind.makeSource(seed: seed), .validation)
        }
        #expect(try chosen(0, 1) == chosen(0, 2) && chosen(0, 1) != chosen(1, 1))
    }

    /// Few-shot learning selects among the pairs that are left for training.
    @Test func fewShotSourcesKeepValidationPairs() throws {
        let pairs = try PairFile {
            try $0.write("/first", Tensor([60, 1], (0..<60).map(Float.init)))
            try $0.write("/second", (0..<60).map { $0 % 3 }, shape: [60])
        }
        let base = HDF5Specification(path: pairs.path, validation: 0.2)
        let few = try SourceSpecification(base, perClass: 4).makeSource(seed: 1)
        #expect(few.hasValidation && few.count(of: .training) == 12)
        let validation = try Self.rows(few, .validation)
        #expect(validation == (try Self.rows(base.makeSource(seed: 1), .validation)) && validation.count == 12)
        #expect(Set(validation).isDisjoint(with: try Self.rows(few, .training)))
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
