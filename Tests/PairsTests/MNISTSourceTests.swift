import CoupletPairs
import CoupletTensors
import Foundation
import Glibc
import TestSupport
import Testing

/// Small files in the format of MNIST. Each byte is a function of image and position.
struct SmallMNIST {
    static let trainingCount = 23, heldOutCount = 9
    let folder = TemporaryFolder()

    static func pixel(_ part: Int, _ image: Int, _ position: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (image * 7919 + position * 104_729 + part * 31) >> 3)
    }
    static func label(_ part: Int, _ image: Int) -> UInt8 { UInt8((image * 3 + part) % 10) }
    static func images(_ part: Int, _ count: Int) -> [UInt8] {
        IDXFile.header([count, 28, 28]) + (0..<count).flatMap { image in (0..<784).map { pixel(part, image, $0) } }
    }
    static func labels(_ part: Int, _ count: Int) -> [UInt8] {
        IDXFile.header([count]) + (0..<count).map { label(part, $0) }
    }

    static let contents = [
        images(0, trainingCount), labels(0, trainingCount), images(1, heldOutCount), labels(1, heldOutCount),
    ]

    /// - Parameter compressed: the indices of the files to compress by gzip.
    init(compressed: Set<Int> = []) throws {
        for (i, name) in IDXFile.mnistNames.enumerated() {
            if compressed.contains(i) {
                try folder.write(name + ".gz", gzip(Self.contents[i]))
            } else {
                try folder.write(name, Self.contents[i])
            }
        }
    }

    /// Opens the source. The files are read at once, so the folder may be deleted.
    func source() throws -> MNISTSource { try withExtendedLifetime(folder) { try MNISTSource(path: folder.path) } }

    /// Returns the error, when the source is opened or its samples are read, after a file is replaced by these bytes.
    func error(replacing file: Int, by bytes: [UInt8], compressed: Bool) throws -> DataError? {
        try folder.remove(IDXFile.mnistNames[file])
        try folder.write(IDXFile.mnistNames[file] + (compressed ? ".gz" : ""), bytes)
        do {
            let source = try source()
            for split in [Split.training, .heldOut] { _ = try source.readRaw(split, [0], .first) }
            return nil
        } catch {
            return error as? DataError
        }
    }
}

@Suite struct MNISTSourceTests {
    @Test(arguments: [[], [0, 1, 2, 3], [0, 3]] as [Set<Int>]) func readsPlainAndCompressed(compressed: Set<Int>) throws
    {
        let small = try SmallMNIST(compressed: compressed)
        let source = try small.source()
        #expect(source.description(of: .first) == ModalityDescription(shape: [1, 28, 28]))
        #expect(source.description(of: .second) == ModalityDescription(shape: [1], classes: 10))
        for (part, split) in [Split.training, .heldOut].enumerated() {
            let count = try #require(source.count(of: split))
            #expect(count == [SmallMNIST.trainingCount, SmallMNIST.heldOutCount][part])
            let numbers = (0..<count).map { UInt64(($0 * 5) % count) }
            let images = Tensor([count, 1, 28, 28]), labels = Tensor([count, 1])
            try source.read(split, numbers, first: images, second: labels)
            var largest = 0.0, wrongBytes = 0
            let raw = try source.readRaw(split, numbers, .first)
            for (row, number) in numbers.enumerated() {
                #expect(labels[row] == Float(SmallMNIST.label(part, Int(number))))
                for position in 0..<784 {
                    let byte = SmallMNIST.pixel(part, Int(number), position)
                    let expected = (Double(byte) / 255 - 0.1307) / 0.3081
                    largest = max(largest, abs(Double(images[row * 784 + position]) - expected))
                    if raw[row * 784 + position] != Float(byte) { wrongBytes += 1 }
                }
            }
            #expect(largest <= 4e-7)
            #expect(wrongBytes == 0)
            #expect(try source.labels(split, numbers) == numbers.map { Int(SmallMNIST.label(part, Int($0))) })
            #expect(try source.readRaw(split, numbers, .second).values == labels.values)
            // The preparation of raw rows gives the same bits as reading.
            #expect((try source.prepare(.first, raw: raw.reshaped([count, 784])).values == images.values) as Bool)
            #expect(try source.prepare(.second, raw: labels.reshaped([count])).values == labels.values)
            #expect(throws: DataError.self) { try source.labels(split, [UInt64(count)]) }
            #expect(throws: DataError.self) {
                try source.read(split, [.max], first: Tensor([1, 1, 28, 28]), second: nil)
            }
        }
    }

    @Test func concatenatedGzipMembersAreOneFile() throws {
        let content = SmallMNIST.contents[0]
        #expect(
            try SmallMNIST().error(
                replacing: 0, by: gzip(Array(content[..<5000])) + gzip(Array(content[5000...])), compressed: true)
                == nil)
        #expect(try SmallMNIST().error(replacing: 0, by: gzip(content), compressed: true) == nil)
    }

    /// For each kind of damage the error names the file and what was found.
    @Test func invalidFilesAreErrors() throws {
        func expect(_ file: Int, _ bytes: [UInt8], compressed: Bool = false, _ parts: String..., line: Int = #line)
            throws
        {
            for (bytes, compressed) in compressed ? [(bytes, true)] : [(bytes, false), (gzip(bytes), true)] {
                let error = try SmallMNIST().error(replacing: file, by: bytes, compressed: compressed)
                let text = try #require(error, "no error for line \(line)").description
                for part in [IDXFile.mnistNames[file]] + parts where !part.isEmpty {
                    #expect(text.contains(part), "line \(line): \(text)")
                }
            }
        }
        let images = SmallMNIST.contents[0], labels = SmallMNIST.contents[1], heldOut = SmallMNIST.contents[2]
        try expect(0, [0, 0, 8, 1] + images[4...], "0x00000801", "0x00000803")
        try expect(1, images, "0x00000803", "0x00000801")
        try expect(1, Array("<html>not found</html>".utf8), "0x3c68746d")
        try expect(0, [], "0 bytes")
        try expect(0, [0, 0, 8], "3 bytes")
        try expect(0, Array(images[..<10]), "10 bytes")
        try expect(0, Array(images.dropLast()), "\(images.count) bytes", "\(images.count - 1)", "cut short")
        try expect(2, Array(heldOut[..<16]), "cut short")
        try expect(1, Array(labels.dropLast(5)), "\(labels.count) bytes", "\(labels.count - 5)")
        try expect(0, images + [1], "\(images.count) bytes", "but there are")
        try expect(1, labels + [1, 2], "\(labels.count) bytes", "but there are")
        try expect(1, SmallMNIST.labels(0, SmallMNIST.trainingCount - 1), "22 labels", "23 images")
        try expect(3, SmallMNIST.labels(1, 10), "10 labels", "9 images")
        try expect(0, IDXFile.header([0, 28, 28]), "no images")
        try expect(1, Array(labels.dropLast()) + [10], "label number 22 is 10")
        try expect(0, IDXFile.header([23, 32, 32]) + [UInt8](repeating: 0, count: 23 * 1024), "32 × 32")
        try expect(0, [0, 0, 8, 3] + [UInt8](repeating: 0xff, count: 12), "extents")
        try expect(0, [0, 0, 8, 3, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 28, 0, 0, 0, 28] + images[16...], "cut short")
        // Damage in the compressed bytes.
        let packed = gzip(images)
        try expect(0, Array(packed.dropLast(20)), compressed: true, "end too early")
        try expect(0, Array(packed[..<40]), compressed: true, "end too early")
        try expect(0, packed + [1, 2, 3], compressed: true, "damaged, or something else follows")
        try expect(0, packed + [0x1f], compressed: true, "")
        for position in [packed.count / 2, packed.count - 8] {
            var damaged = packed
            damaged[position] ^= 0x55
            try expect(0, damaged, compressed: true, "damaged")
        }
        var wrongLength = packed
        wrongLength[packed.count - 1] ^= 1
        try expect(0, wrongLength, compressed: true, "damaged")
    }

    /// As 7-Zip, Kaggle and torchvision leave the files.
    @Test(arguments: ["dots", "raw", "folders"]) func otherNamesAreFound(layout: String) throws {
        let small = try SmallMNIST(compressed: layout == "raw" ? [0, 3] : [])
        let base = small.folder.path, files = FileManager.default
        for name in try files.contentsOfDirectory(atPath: base) {
            let dotted = name.replacingOccurrences(of: "-idx", with: ".idx")
            switch layout {
            case "dots": try files.moveItem(atPath: "\(base)/\(name)", toPath: "\(base)/\(dotted)")
            case "raw":
                try files.createDirectory(atPath: base + "/MNIST/raw", withIntermediateDirectories: true)
                try files.moveItem(atPath: "\(base)/\(name)", toPath: "\(base)/MNIST/raw/\(name)")
            default:
                try files.moveItem(atPath: "\(base)/\(name)", toPath: base + "/moved")
                try files.createDirectory(atPath: "\(base)/\(dotted)", withIntermediateDirectories: true)
                try files.moveItem(atPath: base + "/moved", toPath: "\(base)/\(dotted)/\(name)")
            }
        }
        let source = try small.source(), expected = try SmallMNIST().source()
        #expect(try source.dataDigest() == expected.dataDigest())
    }

    @Test func missingFilesAreErrors() throws {
        for (file, name) in IDXFile.mnistNames.enumerated() {
            let small = try SmallMNIST(compressed: [1])
            try small.folder.remove(file == 1 ? name + ".gz" : name)
            let error = try #require(throws: DataError.self) { try small.source() }
            #expect(error.description.contains("neither \(name) nor \(name).gz"))
            #expect(error.description.contains("it has ") && error.description.contains("ubyte, "))
        }
        let error = try #require(throws: DataError.self) { try MNISTSource(path: "/no/such/folder") }
        #expect(error.description.contains("no such folder"))
        let small = try SmallMNIST()
        try small.folder.remove(IDXFile.mnistNames[0])
        mkdir("\(small.folder.path)/\(IDXFile.mnistNames[0])", 0o755)
        defer { rmdir("\(small.folder.path)/\(IDXFile.mnistNames[0])") }
        #expect(try #require(throws: DataError.self) { try small.source() }.description.contains("regular file"))
    }

    @Test func preparationRefusesInvalidRows() throws {
        let source = try SmallMNIST().source()
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([2, 783])) }
        for value in [-1, 255.5, .nan, .infinity] as [Float] {
            let rows = Tensor([2, 28, 28])
            rows[784 + 3] = value
            let error = try #require(throws: DataError.self) { try source.prepare(.first, raw: rows) }
            #expect(error.description.contains("row 1"))
        }
        for value in [-1, 10, 2.5, .nan] as [Float] {
            #expect(throws: DataError.self) { try source.prepare(.second, raw: Tensor([3], [1, 2, value])) }
        }
        // Every byte, because reading and preparing use different kernels.
        let bytes = Tensor([1, 784], (0..<784).map { Float($0 % 256) })
        let prepared = try source.prepare(.first, raw: bytes)
        for byte in 0..<256 { #expect(abs(Double(prepared[byte]) - (Double(byte) / 255 - 0.1307) / 0.3081) <= 4e-7) }
    }

    @Test func threadsReadTheSameBytes() async throws {
        let source = try SmallMNIST(compressed: [0, 1, 2, 3]).source()
        let expected = (0..<23).flatMap { image in (0..<784).map { Float(SmallMNIST.pixel(0, image, $0)) } }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (try? source.readRaw(.training, (0..<23).map { UInt64($0) }, .first).values) == expected
                }
            }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    /// Compares the real files, if a folder above the package has them in shared/data/mnist, with the output of GNU
    /// gzip.
    @Test func realFilesMatchGzip() throws {
        let packagePath = #filePath.split(separator: "/").dropLast(3)
        let folders = [1, 2].map { "/" + packagePath.dropLast($0).joined(separator: "/") + "/shared/data/mnist" }
        guard let folder = folders.first(where: { access($0 + "/train-images-idx3-ubyte.gz", F_OK) == 0 }) else {
            print("MNIST: only the test's own small files; the real ones are at none of \(folders)")
            return
        }
        print("MNIST: the real files of \(folder)")
        func decompressed(_ path: String) throws -> [UInt8] {
            let output = TemporaryFolder()
            let gzip = try CompletedProcess(["sh", "-c", "gzip -dc '\(path)' > '\(output.file("content"))'"])
            #expect(gzip.exitCode == 0, "\(gzip.errors)")
            return try output.bytes(of: "content")
        }
        let source = try MNISTSource(path: folder)
        #expect(source.count(of: .training) == 60_000)
        #expect(source.count(of: .heldOut) == 10_000)
        for (split, prefix) in [(Split.training, "train"), (.heldOut, "t10k")] {
            let count = source.count(of: split)!, numbers = (0..<count).map { UInt64($0) }
            let images = try decompressed("\(folder)/\(prefix)-images-idx3-ubyte.gz").dropFirst(16)
            let labels = try decompressed("\(folder)/\(prefix)-labels-idx1-ubyte.gz").dropFirst(8)
            #expect(images.count == count * 784)
            let raw = try source.readRaw(split, numbers, .first)
            var index = images.startIndex, wrong = 0
            for position in 0..<raw.count {
                if raw.pointer[position] != Float(images[index]) { wrong += 1 }
                index += 1
            }
            #expect(wrong == 0)
            #expect((try source.labels(split, numbers) == labels.map(Int.init)) as Bool)
        }
        // Published facts: the first label is 5, and the preparation standardises the training images.
        #expect(try source.labels(.training, [0]) == [5])
        let prepared = Tensor([60_000, 1, 28, 28])
        try source.read(.training, (0..<60_000).map { UInt64($0) }, first: prepared, second: nil)
        var sum = 0.0, squares = 0.0
        for position in 0..<prepared.count {
            let value = Double(prepared.pointer[position])
            sum += value
            squares += value * value
        }
        #expect(abs(sum / Double(prepared.count)) <= 1e-3)
        #expect(abs(squares / Double(prepared.count) - 1) <= 2e-3)
    }

    /// Validation images come from the training files, chosen by the split seed; without them nothing changes.
    @Test func validationImagesComeFromTheTrainingFiles() throws {
        let small = try SmallMNIST(), whole = try small.source(), path = small.folder.path
        func source(_ fraction: Double?, _ splitSeed: UInt64? = nil, seed: UInt64 = 1) throws -> any PairSource {
            try MNISTSpecification(path: path, validation: fraction, splitSeed: splitSeed).makeSource(seed: seed)
        }
        func images(_ source: any PairSource, _ split: Split) throws -> [[Float]] {
            try (0..<UInt64(source.count(of: split)!)).map { try source.readRaw(split, [$0], .first).values }
        }
        let part = try source(0.3), chosen = try images(part, .validation), training = try images(part, .training)
        #expect(chosen.count == Int((0.3 * Double(SmallMNIST.trainingCount)).rounded()) && part.hasValidation)
        #expect(Set(chosen).isDisjoint(with: training))
        #expect(Set(chosen + training) == Set(try images(whole, .training)))
        #expect(try images(part, .heldOut) == images(whole, .heldOut))
        #expect(try images(source(0.3, seed: 2), .validation) == chosen)
        #expect(try images(source(0.3, 5), .validation) != chosen)
        #expect(try part.dataDigest() != whole.dataDigest() && source(0).dataDigest() == whole.dataDigest())
        // Labels go with their images.
        let all = try images(whole, .training)
        for (number, image) in chosen.enumerated() {
            let place = all.firstIndex(of: image)!
            #expect(try part.labels(.validation, [UInt64(number)]) == [Int(SmallMNIST.label(0, place))])
        }
        #expect(MNISTSpecification(path: path).withValidation().validation == 0.1)
        let error = try #require(throws: DataError.self) { try source(0.001) }
        #expect(error.description.contains("data.validation: 0.001 of"))
    }

    /// Halves are the columns 0 to 13 and 14 to 27 of the image; the digest and the labels are those of the default.
    @Test func halvesAreColumnsOfTheImage() throws {
        let small = try SmallMNIST()
        let whole = try small.source()
        let halves = try MNISTSource(path: small.folder.path, first: .rightHalf, second: .leftHalf)
        let numbers: [UInt64] = [3, 0, 8, 3]
        for split in [Split.training, .heldOut] {
            let images = Tensor([4, 1, 28, 28]), right = Tensor([4, 1, 28, 14]), left = Tensor([4, 1, 28, 14])
            try whole.read(split, numbers, first: images, second: nil)
            try halves.read(split, numbers, first: right, second: left)
            var wrong = 0
            for row in 0..<4 {
                for y in 0..<28 {
                    for x in 0..<14 {
                        if left[(row * 28 + y) * 14 + x] != images[(row * 28 + y) * 28 + x] { wrong += 1 }
                        if right[(row * 28 + y) * 14 + x] != images[(row * 28 + y) * 28 + x + 14] { wrong += 1 }
                    }
                }
            }
            #expect(wrong == 0)
            let raw = try halves.readRaw(split, numbers, .first)
            #expect((try halves.prepare(.first, raw: raw.reshaped([4, 392])).values == right.values) as Bool)
            #expect(try halves.labels(split, numbers) == whole.labels(split, numbers))
        }
        #expect(halves.description(of: .first) == ModalityDescription(shape: [1, 28, 14]))
        #expect(try halves.dataDigest() == whole.dataDigest())
        let bytes = Tensor([2, 28, 14])
        bytes[392 + 5] = 300
        let error = try #require(throws: DataError.self) { try halves.prepare(.second, raw: bytes) }
        #expect(error.description.contains("row 1"))
    }

    /// A training draw shows the image at one of 25 places; all places occur; evaluations do not shift.
    @Test func shiftsMoveBothHalvesTogether() throws {
        let small = try SmallMNIST(), seed: UInt64 = 5
        let path = small.folder.path
        let shifted = try MNISTSource(path: path, first: .leftHalf, second: .rightHalf, largestShift: 2, seed: seed)
        let still = try MNISTSource(path: path, first: .leftHalf, second: .rightHalf)
        let background = (0 - 0.1307) / 0.3081
        var places: Set<[Int]> = []
        for draw in 0..<200 as Range<UInt64> {
            let left = Tensor([1, 1, 28, 14]), right = Tensor([1, 1, 28, 14])
            try shifted.read(training: [7], draws: [draw], first: left, second: right)
            let found = (-2...2).flatMap { down in (-2...2).map { [down, $0] } }.filter { place in
                (0..<28 * 28).allSatisfy { position in
                    let (y, x) = (position / 28, position % 28), (row, column) = (y - place[0], x - place[1])
                    let isInside = (0..<28).contains(row) && (0..<28).contains(column)
                    let byte = isInside ? Double(SmallMNIST.pixel(0, 7, row * 28 + column)) : 0
                    let value = x < 14 ? left[y * 14 + x] : right[y * 14 + x - 14]
                    return abs(Double(value) - (byte / 255 / 0.3081 + background)) <= 1e-5
                }
            }
            #expect(found.count == 1, "draw \(draw)")
            places.formUnion(found)
        }
        #expect(places.count == 25)
        let a = Tensor([1, 1, 28, 14]), b = Tensor([1, 1, 28, 14])
        try shifted.read(.training, [7], first: a, second: nil)
        try still.read(.training, [7], first: b, second: nil)
        #expect(a.values == b.values)
    }

    @Test func digestDependsOnTheContentOnly() throws {
        func digest(_ small: SmallMNIST) throws -> String? {
            try withExtendedLifetime(small) { try small.source().dataDigest() }
        }
        let plain = try #require(try digest(try SmallMNIST()))
        #expect(try digest(try SmallMNIST(compressed: [0, 1, 2, 3])) == plain, "compressed or not")
        for file in 0..<4 {
            let changed = try SmallMNIST()
            var bytes = SmallMNIST.contents[file]
            bytes[bytes.count - 1] = (bytes[bytes.count - 1] + 1) % 10
            try changed.folder.remove(IDXFile.mnistNames[file])
            try changed.folder.write(IDXFile.mnistNames[file], bytes)
            #expect(try digest(changed) != plain, "\(IDXFile.mnistNames[file])")
        }
    }
}
