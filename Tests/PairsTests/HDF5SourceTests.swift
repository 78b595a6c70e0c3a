import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import Glibc
import TestSupport
import Testing

/// A closed HDF5 file with datasets of pairs.
struct PairFile {
    let folder = TemporaryFolder()
    var path: String { "\(folder.path)/pairs.h5" }

    init(_ fill: (HDF5File) throws -> Void) throws {
        let file = try HDF5File(creating: path)
        try fill(file)
        try file.close()
    }

    func source(heldOut: Double = 0, seed: UInt64 = 1, memoryLimit: Int = HDF5Source.memoryLimit) throws -> HDF5Source {
        try HDF5Source(path: path, heldOut: heldOut, seed: seed, memoryLimit: memoryLimit)
    }
}

@Suite struct HDF5SourceTests {
    static let count = 37
    static func firstValue(_ row: Int, _ column: Int) -> Float { Float(row) * 100 + Float(column) + 0.25 }
    static func secondValue(_ row: Int) -> Float { -Float(row) / 8 }

    /// Writes N × 2 × 3 floats and N floats.
    static func writePairs(_ file: HDF5File, count: Int = count) throws {
        try file.write("/first", Tensor([count, 2, 3], (0..<(count * 6)).map { firstValue($0 / 6, $0 % 6) }))
        try file.write("/second", Tensor([count], (0..<count).map(secondValue)))
    }

    @Test(arguments: [HDF5Source.memoryLimit, 0]) func readsRowsInAnyOrder(memoryLimit: Int) throws {
        let pairs = try PairFile { try Self.writePairs($0) }
        let source = try pairs.source(memoryLimit: memoryLimit)
        #expect(source.description(of: .first) == ModalityDescription(shape: [2, 3]))
        #expect(source.description(of: .second) == ModalityDescription(shape: [1]))
        #expect(source.count(of: .training) == 37)
        #expect(source.count(of: .heldOut) == 0)
        let numbers: [UInt64] = [36, 0, 5, 5, 17, 1]
        let first = Tensor([6, 2, 3]), second = Tensor([6, 1])
        try source.read(.training, numbers, first: first, second: second)
        #expect(first.values == numbers.flatMap { row in (0..<6).map { Self.firstValue(Int(row), $0) } })
        #expect(second.values == numbers.map { Self.secondValue(Int($0)) })
        #expect(try source.readRaw(.training, numbers, .first).values == first.values)
        #expect(try source.readRaw(.training, numbers, .second).shape == [6, 1])
        #expect(try source.labels(.training, numbers) == nil)
        #expect(throws: DataError.self) { try source.read(.training, [37], first: nil, second: Tensor([1, 1])) }
        #expect(throws: DataError.self) { try source.read(.heldOut, [0], first: nil, second: Tensor([1, 1])) }
        #expect(try source.prepare(.first, raw: first.reshaped([6, 6])).shape == [6, 2, 3])
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([6, 5])) }
        #expect(throws: DataError.self) { try source.prepare(.second, raw: Tensor([2], [1, .infinity])) }
    }

    @Test func integersAreLabels() throws {
        let classes = (0..<Self.count).map { ($0 * 7) % 5 }
        let pairs = try PairFile {
            try $0.write("/first", (0..<(Self.count * 2)).map { $0 }, shape: [Self.count, 2])
            try $0.write("/second", classes, shape: [Self.count])
        }
        let source = try pairs.source(), numbers: [UInt64] = [3, 36, 3]
        #expect(source.description(of: .second) == ModalityDescription(shape: [1], classes: 5))
        // Integers with more than one extent are not labels.
        #expect(source.description(of: .first) == ModalityDescription(shape: [2]))
        #expect(try source.readRaw(.training, numbers, .first).values == [6, 7, 72, 73, 6, 7])
        #expect(try source.readRaw(.training, numbers, .second).values == numbers.map { Float(classes[Int($0)]) })
        #expect(try source.labels(.training, numbers) == numbers.map { classes[Int($0)] })
        #expect(try source.prepare(.second, raw: Tensor([2], [0, 4])).values == [0, 4])
        for value in [5, -1, 0.5] as [Float] {
            #expect(throws: DataError.self) { try source.prepare(.second, raw: Tensor([2], [0, value])) }
        }
    }

    @Test(arguments: [HDF5Source.memoryLimit, 0]) func fileSetsSplitAndLabels(memoryLimit: Int) throws {
        let split = (0..<Self.count).map { $0 % 4 == 1 ? 1 : 0 }
        let pairs = try PairFile {
            try Self.writePairs($0)
            try $0.write("/split", split, shape: [Self.count])
            try $0.write("/labels", (0..<Self.count).map { $0 * 3 }, shape: [Self.count])
        }
        let source = try pairs.source(memoryLimit: memoryLimit)
        for (value, subset) in [(0, Split.training), (1, .heldOut)] {
            let rows = (0..<Self.count).filter { split[$0] == value }, numbers = rows.indices.map { UInt64($0) }
            #expect(source.count(of: subset) == rows.count)
            #expect(try source.readRaw(subset, numbers, .second).values == rows.map(Self.secondValue))
            #expect(try source.labels(subset, numbers) == rows.map { $0 * 3 })
        }
        let error = try #require(throws: DataError.self) { try pairs.source(heldOut: 0.2) }
        #expect(error.description.contains("/split"))
    }

    @Test func fractionIsHeldOut() throws {
        let pairs = try PairFile { try Self.writePairs($0) }
        func rows(_ source: HDF5Source, _ split: Split) throws -> [Int] {
            let numbers = (0..<source.count(of: split)!).map { UInt64($0) }
            return try source.readRaw(split, numbers, .second).values.map { Int(-$0 * 8) }
        }
        var timesHeldOut = [Int](repeating: 0, count: Self.count)
        for seed in 0..<200 as Range<UInt64> {
            let source = try pairs.source(heldOut: 0.25, seed: seed)
            let training = try rows(source, .training), heldOut = try rows(source, .heldOut)
            #expect(heldOut.count == 9)
            #expect(training == training.sorted())
            #expect((training + heldOut).sorted() == Array(0..<Self.count))
            for row in heldOut { timesHeldOut[row] += 1 }
            if seed == 5 { #expect(try rows(pairs.source(heldOut: 0.25, seed: 5), .heldOut) == heldOut) }
        }
        // All rows are equally likely. Draws without replacement give counts of lower variance than independent draws.
        #expect(chiSquareDeviation(timesHeldOut) <= 4)
        #expect(timesHeldOut.min()! > 20)
        #expect(timesHeldOut.max()! < 90)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func nonFiniteNumbersAreReported(value: Float) throws {
        let pairs = try PairFile { file in
            var values = (0..<(3000 * 2)).map { Float($0) }
            values[2 * 2017 + 1] = value
            try file.write("/first", Tensor([3000, 2], values))
            try file.write("/second", Tensor([3000, 1]))
        }
        let error = try #require(throws: DataError.self) { try pairs.source() }
        #expect(error.description.contains("/first: row 2017 holds"))
        // Data beyond the memory limit: the error comes when the row is read, with its number in the file.
        let source = try pairs.source(heldOut: 0.01, memoryLimit: 1000)
        let numbers = (0..<2970).map { UInt64($0) }
        _ = try source.readRaw(.training, numbers, .second)
        let later = try #require(throws: DataError.self) {
            _ = try source.readRaw(.training, numbers, .first)
            _ = try source.readRaw(.heldOut, (0..<30).map { UInt64($0) }, .first)
        }
        #expect(later.description == error.description)
    }

    @Test func doublesBeyondFloat32AreErrors() throws {
        let pairs = try PairFile {
            try $0.write("/first", [1, 1e300], shape: [2, 1])
            try $0.write("/second", [1.0, 2.0], shape: [2, 1])
        }
        #expect(try #require(throws: DataError.self) { try pairs.source() }.description.contains("row 1"))
    }

    @Test func invalidFilesAreErrors() throws {
        func expect(_ message: String, heldOut: Double = 0, line: Int = #line, _ fill: (HDF5File) throws -> Void) throws
        {
            let pairs = try PairFile(fill)
            let error = #expect(throws: (any Error).self, "line \(line)") { try pairs.source(heldOut: heldOut) }
            let text = error.map { "\($0)" } ?? ""
            #expect(error is DataError || error is FileError)
            #expect(text.contains(message), "line \(line): \(text)")
        }
        func pairs(with name: String, _ values: [Int], _ shape: [Int]? = nil) -> (HDF5File) throws -> Void {
            { file in
                try Self.writePairs(file)
                try file.write(name, values, shape: shape ?? [values.count])
            }
        }
        let zeros = [Int](repeating: 0, count: Self.count)
        try expect("no dataset /first") { try $0.write("/second", Tensor([3, 1])) }
        try expect("no dataset /second") { try $0.write("/first", Tensor([3, 1])) }
        try expect("3 rows, but /second has 4") {
            try $0.write("/first", Tensor([3, 1]))
            try $0.write("/second", Tensor([4, 1]))
        }
        try expect("is empty") {
            try $0.write("/first", Tensor([0, 5]))
            try $0.write("/second", Tensor([0, 5]))
        }
        try expect("single number") {
            try $0.write("/first", Tensor([]))
            try $0.write("/second", Tensor([1]))
        }
        try expect("row 1 holds the label -4") {
            try $0.write("/first", Tensor([2, 5]))
            try $0.write("/second", [1, -4], shape: [2])
        }
        try expect("[36], but there are 37 pairs", pairs(with: "/labels", Array(zeros.dropLast())))
        try expect("[37, 2], but there are 37 pairs", pairs(with: "/labels", zeros + zeros, [Self.count, 2]))
        try expect("[1, 37], but there are 37 pairs", pairs(with: "/groups", zeros, [1, Self.count]))
        try expect("row 0 holds the label -2", pairs(with: "/labels", zeros.map { $0 - 2 }))
        try expect("row 0 holds 3", pairs(with: "/split", zeros.map { $0 + 3 }))
        try expect("held out or for validation; write 0", pairs(with: "/split", zeros.map { $0 + 2 }))
        try expect("every pair is held out", pairs(with: "/split", zeros.map { $0 + 1 }))
        try expect("is -0.1", heldOut: -0.1) { try Self.writePairs($0) }
        try expect("is 1.0", heldOut: 1) { try Self.writePairs($0) }
        try expect("is nan", heldOut: .nan) { try Self.writePairs($0) }
        try expect("none of them", heldOut: 0.001) { try Self.writePairs($0) }
        try expect("all of them", heldOut: 0.999) { try Self.writePairs($0) }
        #expect(throws: FileError.self) { try HDF5Source(path: "/no/such/file.h5", heldOut: 0, seed: 1) }
    }

    /// Files that h5py writes: compressed chunks of Float64, bytes, booleans, unsigned labels.
    @Test(.enabled(if: Python.isAvailable), arguments: [HDF5Source.memoryLimit, 0]) func filesOfH5py(memoryLimit: Int)
        throws
    {
        let folder = TemporaryFolder(), path = "\(folder.path)/pairs.h5"
        let script = """
            import h5py, numpy
            with h5py.File("\(path)", "w") as f:
                row = numpy.arange(500)
                first = numpy.sin(row[:, None] + 0.5 * numpy.arange(7))
                f.create_dataset("first", data=first, chunks=(64, 7), compression="gzip")
                f["second"] = (row[:, None, None] * 3 + numpy.arange(12).reshape(3, 4)).astype("u1")
                f["split"] = row % 5 == 0
                f["labels"] = (row % 11).astype("u8")
            """
        try Python.run(script)
        let source = try withExtendedLifetime(folder) {
            try HDF5Source(path: path, heldOut: 0, seed: 1, memoryLimit: memoryLimit)
        }
        #expect(source.description(of: .second) == ModalityDescription(shape: [3, 4]))
        for split in [Split.training, .heldOut] {
            let rows = (0..<500).filter { ($0 % 5 == 0) == (split == .heldOut) }
            let picked = (0..<60).map { (($0 * 37) % rows.count) }, numbers = picked.map { UInt64($0) }
            #expect(source.count(of: split) == rows.count)
            let first = try source.readRaw(split, numbers, .first), second = try source.readRaw(split, numbers, .second)
            for (i, pick) in picked.enumerated() {
                for j in 0..<7 {
                    #expect(abs(Double(first[i * 7 + j]) - sin(Double(rows[pick]) + 0.5 * Double(j))) <= 1e-7)
                }
                for j in 0..<12 { #expect(second[i * 12 + j] == Float((rows[pick] * 3 + j) % 256)) }
            }
            #expect(try source.labels(split, numbers) == picked.map { rows[$0] % 11 })
        }
    }

    // MARK: - Digest

    private static let digestCount = 1_000

    /// Returns the digest of 1,000 pairs of three floats and a label, after an optional change.
    private func digest(
        heldOut: Double = 0, seed: UInt64 = 1, memoryLimit: Int = HDF5Source.memoryLimit,
        _ change: (inout [Float], inout [Int]) -> Void = { _, _ in }
    ) throws -> String {
        var numbers = (0..<Self.digestCount * 3).map { Float($0 * 7 % 1_001) / 8 },
            labels = (0..<Self.digestCount).map { $0 * 3 % 7 }
        change(&numbers, &labels)
        let file = try PairFile {
            try $0.write("/first", Tensor([numbers.count / 3, 3], numbers))
            try $0.write("/second", labels, shape: [labels.count])
        }
        return try withExtendedLifetime(file) {
            try #require(try file.source(heldOut: heldOut, seed: seed, memoryLimit: memoryLimit).dataDigest())
        }
    }

    @Test func digestDependsOnDataAndSplit() throws {
        let plain = try digest()
        #expect(plain.count == 64)
        #expect(try digest() == plain)
        #expect(try digest(memoryLimit: 0) == plain, "read row by row")
        // The digest covers the first and last rows, and every label.
        #expect(try digest { numbers, _ in numbers[0] += 1 } != plain)
        #expect(try digest { numbers, _ in numbers[numbers.count - 1] += 1 } != plain)
        #expect(try digest { _, labels in labels[501] = 6 - labels[501] } != plain)
        #expect(try digest { numbers, labels in (numbers, labels) = (numbers.dropLast(3), labels.dropLast()) } != plain)
        // And every number.
        for row in [1, 333, 998] { #expect(try digest { numbers, _ in numbers[3 * row + 1] += 0.125 } != plain) }
        #expect(try digest { numbers, _ in numbers = numbers.map { -$0 } } != plain)
        // A small change of all numbers, as by another normalisation.
        #expect(try digest { numbers, _ in numbers = numbers.map { $0 * 1.0001 } } != plain)
        // The held-out pairs.
        let split = try digest(heldOut: 0.1)
        #expect(try split != plain && digest(heldOut: 0.1) == split && digest(heldOut: 0.1, seed: 2) != split)
    }

    @Test func digestDependsOnTypeAndShape() throws {
        func digest(_ fill: (HDF5File) throws -> Void) throws -> String? {
            let file = try PairFile(fill)
            return try withExtendedLifetime(file) { try file.source().dataDigest() }
        }
        let numbers = (0..<24).map(Float.init)
        let flat = try digest {
            try $0.write("/first", Tensor([4, 6], numbers))
            try $0.write("/second", Tensor([4, 1], [1, 2, 3, 4]))
        }
        let image = try digest {
            try $0.write("/first", Tensor([4, 2, 3], numbers))
            try $0.write("/second", Tensor([4, 1], [1, 2, 3, 4]))
        }
        let doubles = try digest {
            try $0.write("/first", numbers.map(Double.init), shape: [4, 6])
            try $0.write("/second", Tensor([4, 1], [1, 2, 3, 4]))
        }
        #expect(Set([flat, image, doubles]).count == 3)
    }
}
