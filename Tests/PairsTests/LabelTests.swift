import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// Labels that are any integers.
@Suite struct LabelTests {
    @Test func tableHasTheLabelsThatOccur() {
        let table = LabelTable([30, 7, -1, 1_000_000, 7, 30])
        #expect(table.labels == [7, 30, 1_000_000] && table.count == 3)
        for (row, label) in table.labels.enumerated() {
            #expect(table[row] == label && table.row(of: label) == row && table.row(ofRounded: Float(label)) == row)
        }
        for label in [-1, 0, 8, 29, 1_000_001, .max] { #expect(table.row(of: label) == nil) }
        #expect(table.row(ofRounded: 7.5) == nil && table.row(ofRounded: .nan) == nil)
        #expect(LabelTable([2, 0, 1, 1]) == LabelTable(upTo: 3) && LabelTable([Int]()).count == 0)
        #expect(LabelTable(stored: [3, 5]) == LabelTable([5, 3]) && LabelTable(stored: [3, 3]) == nil)
    }

    /// Above 2²⁴ a Float32 stands for several integers: it names a label only if no other one rounds to it.
    @Test func roundedLabelsAreNotConfused() {
        let table = LabelTable([1 << 24, (1 << 24) + 1, 1 << 40, 1_600_000_003])
        #expect(table.row(ofRounded: Float(1 << 24)) == nil)
        #expect(table.row(ofRounded: Float(1_600_000_003)) == 2 && table.row(ofRounded: 0x1p40) == 3)
        #expect(table.row(ofRounded: 0x1p41) == nil && table.row(ofRounded: 1e30) == nil)
    }

    private static let count = 60
    private static func file(
        _ labels: [Int], _ write: (HDF5File) throws -> Void = { _ in }
    ) throws -> PairFile {
        try PairFile {
            try $0.write("/first", Tensor([labels.count, 2]))
            try $0.write("/second", labels, shape: [labels.count])
            try write($0)
        }
    }

    @Test func idsBecomeRowsOfTheTable() throws {
        let classes = (0..<Self.count).map { $0 * 7 % 5 }, names = [7, 1_007, 2_007, 1_000_000, 3_000_000_000]
        let pairs = try Self.file(classes.map { names[$0] }), source = try pairs.source()
        #expect(source.description(of: .second) == ModalityDescription(shape: [1], labelTable: LabelTable(names)))
        #expect(source.description(of: .second).classes == 5)
        let numbers = (0..<UInt64(Self.count)).map { $0 }, rows = Tensor([Self.count, 1])
        try source.read(.training, numbers, first: nil, second: rows)
        #expect(rows.values == classes.map(Float.init))
        #expect(try source.labels(.training, numbers) == classes.map { names[$0] })
        #expect(try source.readRaw(.training, numbers, .second).values == classes.map { Float(names[$0]) })
        #expect(try source.prepare(.second, raw: Tensor([2], [1_007, 3e9])).values == [1, 4])
        let error = try #require(throws: DataError.self) { try source.prepare(.second, raw: Tensor([2], [7, 3])) }
        #expect(error.description.contains("row 1 holds 3, which is not a label of the run; it has 5 labels: 7, 1007"))
    }

    @Test func aTableOfAnotherRunIsKept() throws {
        let pairs = try Self.file([20, 10, 20, 20])
        let table = LabelTable([10, 15, 20]), numbers: [UInt64] = [0, 1]
        let source = try pairs.source().reading(labels: PerModality(first: nil, second: .table(table)))
        let rows = Tensor([2, 1])
        try source.read(.training, numbers, first: nil, second: rows)
        #expect(rows.values == [2, 0] && source.description(of: .second).labelTable == table)
        #expect(try source.labels(.training, numbers) == [20, 10])
        #expect(try source.dataDigest() == pairs.source().dataDigest(), "the digest is that of the file")
        let error = try #require(throws: DataError.self) {
            try pairs.source().reading(labels: PerModality(first: nil, second: .table(LabelTable([10, 15]))))
        }
        #expect(error.description.contains("/second: row 0 holds the label 20, which the run does not know"))
    }

    /// Integers N × 1 and whole floats are numbers, unless the encoder takes labels.
    @Test func columnsAndWholeFloatsCanBeLabels() throws {
        let values = [3, 9, 3, 4]
        for isFloat in [false, true] {
            let pairs = try PairFile {
                try $0.write("/first", Tensor([4, 2]))
                if isFloat {
                    try $0.write("/second", values.map(Double.init), shape: [4])
                } else {
                    try $0.write("/second", values, shape: [4, 1])
                }
            }
            let source = try pairs.source()
            #expect(source.description(of: .second) == ModalityDescription(shape: [1]))
            let numbers = try source.readRaw(.training, [0, 1, 2, 3], .second)
            #expect(numbers.values == [3, 9, 3, 4])
            let labels = try source.reading(labels: PerModality(first: nil, second: .fromData))
            #expect(labels.description(of: .second).labelTable == LabelTable([3, 4, 9]))
            #expect(try labels.labels(.training, [0, 1, 2, 3]) == values && source.labels(.training, [0]) == nil)
            #expect(try labels.dataDigest() == source.dataDigest())
        }
    }

    @Test func samplesThatAreNoLabelsAreRefused() throws {
        func message(_ second: Tensor) throws -> String {
            let pairs = try PairFile {
                try $0.write("/first", Tensor([3, 2]))
                try $0.write("/second", second)
            }
            let source = try pairs.source()
            do {
                _ = try source.reading(labels: PerModality(first: nil, second: .fromData))
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(
            try message(Tensor([3], [1, 2.5, 3])).contains("/second: holds 2.5 at position 1; integers are expected"))
        #expect(
            try message(Tensor([3, 4])).contains("/second: holds floats of the shape [3, 4], but its encoder takes"))
        #expect(try message(Tensor([3], [1, -1, 3])).contains("/second: row 1 holds the label -1"))
        #expect(try message(Tensor([3], [1, 2, 3])) == "nothing")
    }

    @Test func minusOneIsNoLabel() throws {
        let pairs = try PairFile {
            try $0.write("/first", Tensor([6, 2]))
            try $0.write("/second", Tensor([6, 2]))
            try $0.write("/labels", [5, -1, 5, 8, -1, 8], shape: [6])
        }
        let source = try pairs.source()
        #expect(try source.labels(.training, [0, 1, 2, 3, 4, 5]) == [5, -1, 5, 8, -1, 8])
        #expect(try FewShotSource(source, perClass: 2, seed: 1).numbers == [0, 2, 3, 5])
        let labelled = try FewShotSource.labelled(source)
        #expect(labelled.count(of: .training) == 4)
        #expect(try labelled.labels(.training, [0, 1, 2, 3]) == [5, 5, 8, 8])
    }

    /// Runs whose config has no split_seed keep their table and their held-out pairs.
    @Test func formerRulesAreKept() throws {
        let pairs = try Self.file((0..<Self.count).map { 10 * ($0 % 3) }) {
            try $0.write("/groups", [Int](repeating: 1, count: Self.count), shape: [Self.count])
        }
        func heldOut(_ specification: HDF5Specification, seed: UInt64) throws -> [UInt64] {
            let source = try specification.makeSource(seed: seed), count = source.count(of: .heldOut)!
            #expect(source.description(of: .second).classes == (specification.splitSeed == nil ? 21 : 3))
            return try source.labels(.heldOut, (0..<UInt64(count)).map { $0 })!.map { UInt64($0) }
        }
        let former = HDF5Specification(path: pairs.path, heldOut: 0.2, splitSeed: nil)
        #expect(former.dependsOnSeed && !HDF5Specification(path: pairs.path, heldOut: 0.2).dependsOnSeed)
        let permutation = Permutation(count: UInt64(Self.count), seed: 7, stream: .split, number: 0)
        let rows = (0..<12 as Range<UInt64>).map { permutation[$0] }.sorted()
        #expect(try heldOut(former, seed: 7) == rows.map { 10 * ($0 % 3) })
        let source = try former.makeSource(seed: 7), values = Tensor([2, 1])
        try source.read(.training, [0, 1], first: nil, second: values)
        #expect(values.values.allSatisfy { $0.truncatingRemainder(dividingBy: 10) == 0 })
    }
}
