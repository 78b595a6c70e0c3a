import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// `data.augment`.
@Suite struct AugmentedSourceTests {
    private static let height = 13, width = 18, count = 12
    private static var size: Int { 3 * height * width }
    private static let all = ModalityAugmentation(
        crop: RandomResizedCrop(scale: [0.1, 1]), flip: 0.5, colorJitter: ColorJitter(probability: 0.6), gray: 0.3,
        blur: RandomBlur(kernel: 5))

    private static func byte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 11) }

    /// Coloured pictures from 0 to 255, and rows of token ids with padding, or the pictures again.
    private struct Pictures: PairSource {
        var secondIsPicture = false

        func description(of modality: Modality) -> ModalityDescription {
            ModalityDescription(shape: modality == .first || secondIsPicture ? [3, height, width] : [9])
        }
        func count(of split: Split) -> Int? { AugmentedSourceTests.count }
        func pictureRange(of modality: Modality) -> ClosedRange<Float>? {
            description(of: modality).shape.count == 3 ? 0...255 : nil
        }
        func dataDigest() -> String? { "pictures" }
        func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
            for (row, number) in numbers.map({ Int($0) }).enumerated() {
                for index in 0..<size { first?[row * size + index] = Float(byte(number * size + index)) }
                for index in 0..<(secondIsPicture ? size : 9) {
                    second?[row * (secondIsPicture ? size : 9) + index] =
                        secondIsPicture ? Float(byte(number * size + index)) : Float(token(number, index))
                }
            }
        }
    }

    /// Row r has r mod 10 ids, all different.
    private static func token(_ row: Int, _ place: Int) -> Int { place < row % 10 ? 10 * row + place + 1 : 0 }

    private static func source(
        _ augmentation: AugmentationSpecification, seed: UInt64 = 5, tokens: [Modality] = [.second]
    ) throws -> any PairSource {
        try AugmentedSource.augmenting(Pictures(), by: augmentation, tokens: tokens, seed: seed)
    }

    private static func samples(
        _ source: any PairSource, _ modality: Modality, _ numbers: [UInt64], _ draws: [UInt64]
    ) throws -> Tensor {
        let rows = Tensor([numbers.count] + source.description(of: modality).shape)
        try source.read(
            training: numbers, draws: draws, first: modality == .first ? rows : nil,
            second: modality == .second ? rows : nil)
        return rows
    }

    /// Every change alone and all together, each in some draws, against the definition in Double.
    @Test func picturesAreThoseOfTheDefinition() throws {
        var crops = Self.all, colours = Self.all
        (crops.colorJitter, crops.gray, crops.blur) = (nil, 0, nil)
        (colours.crop, colours.flip, colours.gray, colours.blur) = (nil, 0, 0, nil)
        for changes in [Self.all, crops, colours, ModalityAugmentation(flip: 1), ModalityAugmentation(blur: .init())] {
            let source = try Self.source(AugmentationSpecification(first: changes))
            let draws = (0..<40).map { UInt64($0) + ($0 % 2 == 0 ? 0 : 1 << 63) }
            let numbers = draws.indices.map { UInt64($0 % Self.count) }
            let rows = try Self.samples(source, .first, numbers, draws)
            var seen: Set<String> = []
            for (row, draw) in draws.enumerated() {
                let naive = NaiveAugmentation(
                    changes, height: Self.height, width: Self.width, seed: 5, draw: draw, block: 0)
                let picture = (0..<Self.size).map { Double(Self.byte(Int(numbers[row]) * Self.size + $0)) / 255 }
                let (expected, done) = naive.apply(picture)
                seen.formUnion(done)
                let found = (0..<Self.size).map { Double(rows[row * Self.size + $0]) / 255 }
                let error = zip(found, expected).map { abs($0 - $1) }.max()!
                // A hue of a pixel that is nearly grey multiplies the rounding of the changes before it.
                #expect(error <= 2e-5, "draw \(draw): \(done), \(error)")
            }
            if changes == Self.all { #expect(seen == ["crop", "flip", "jitter", "gray", "blur"]) }
        }
    }

    /// A sample is a function of its number and draw alone; evaluation, export and rows of a user are not changed.
    @Test func samplesAreFunctionsOfTheDraw() throws {
        let both = AugmentationSpecification(first: Self.all, second: ModalityAugmentation(wordDropout: 0.4))
        let source = try Self.source(both), plain = Pictures()
        let numbers = (0..<12).map { UInt64($0) }, draws = numbers.map { 1_000 + $0 }
        for modality in Modality.allCases {
            let whole = try Self.samples(source, modality, numbers, draws)
            var parts: [Float] = []
            for part in [0..<1, 1..<4, 4..<12] {
                parts += try Self.samples(source, modality, Array(numbers[part]), Array(draws[part])).values
            }
            #expect((parts == whole.values) as Bool)
            #expect((try Self.samples(source, modality, numbers, draws.map { $0 + 12 }).values != whole.values) as Bool)
            #expect(
                (try Self.samples(Self.source(both, seed: 6), modality, numbers, draws).values != whole.values) as Bool)
            let raw = try plain.readRaw(.training, numbers, modality)
            #expect((try source.readRaw(.training, numbers, modality).values == raw.values) as Bool)
            #expect((try source.prepare(modality, raw: raw).values == raw.values) as Bool)
            let read = Tensor(raw.shape)
            try source.read(
                .training, numbers, first: modality == .first ? read : nil, second: modality == .second ? read : nil)
            #expect((read.values == raw.values) as Bool)
        }
        #expect(try source.dataDigest() == plain.dataDigest())
        #expect(source.pictureRange(of: .first) == 0...255 && source.pictureRange(of: .second) == nil)
    }

    /// Equal pictures of both modalities change in different ways.
    @Test func modalitiesAreIndependent() throws {
        let source = try AugmentedSource.augmenting(
            Pictures(secondIsPicture: true), by: AugmentationSpecification(first: Self.all, second: Self.all),
            tokens: [], seed: 1)
        let first = try Self.samples(source, .first, [2], [7]), second = try Self.samples(source, .second, [2], [7])
        #expect((first.values != second.values) as Bool)
        let naive = NaiveAugmentation(Self.all, height: Self.height, width: Self.width, seed: 1, draw: 7, block: 16)
        let expected = naive.apply((0..<Self.size).map { Double(Self.byte(2 * Self.size + $0)) / 255 }).picture
        for index in 0..<Self.size { #expect(abs(Double(second[index]) / 255 - expected[index]) <= 2e-5) }
    }

    /// A quarter of the pictures is mirrored, and the part has its place anywhere.
    @Test func rates() throws {
        let pairs = try PairFile {
            // Brightness grows from left to right.
            try $0.write("/first", Tensor([1, 1, 32, 32], (0..<32 * 32).map { Float($0 % 32) / 32 }))
            try $0.write("/second", Tensor([1, 1], [0]))
        }
        let changes = ModalityAugmentation(crop: RandomResizedCrop(scale: [0.25, 0.25], ratio: [1, 1]), flip: 0.25)
        let source = try AugmentedSource.augmenting(
            pairs.source(), by: AugmentationSpecification(first: changes), tokens: [], seed: 3)
        let draws = (0..<4_000).map { UInt64($0) }
        let rows = try Self.samples(source, .first, draws.map { _ in 0 }, draws)
        var mirrored = 0, places = [Int](repeating: 0, count: 17)
        for row in draws.indices {
            let left = rows[row * 1024], right = rows[row * 1024 + 31]
            if left > right { mirrored += 1 }
            // Half of 32 pixels are spread over 32: the outermost is the first of the part.
            places[Int(min(left, right) * 32 + 0.01)] += 1
        }
        #expect(abs(Double(mirrored) / 4_000 - 0.25) < 4 * (0.25 * 0.75 / 4_000).squareRoot())
        for place in places { #expect(abs(Double(place) - 4_000 / 17) < 5 * (4_000.0 / 17).squareRoot()) }
    }

    /// Ids keep their order, at least one stays, padding fills the end, and the rate is that of the config.
    @Test func wordDropout() throws {
        for probability in [0.3, 0.99] {
            let source = try Self.source(
                AugmentationSpecification(second: ModalityAugmentation(wordDropout: probability)))
            var kept = 0, ids = 0
            for draw in 0..<300 {
                let row = draw % Self.count
                let values = try Self.samples(source, .second, [UInt64(row)], [UInt64(draw)]).values.map { Int($0) }
                let given = (0..<9).map { Self.token(row, $0) }.filter { $0 != 0 }
                let stay = Array(values.prefix { $0 != 0 })
                #expect(values.dropFirst(stay.count).allSatisfy { $0 == 0 })
                #expect(stay == given.filter(stay.contains) && (given.isEmpty || !stay.isEmpty), "\(values)")
                if given.count > 1 { (kept, ids) = (kept + stay.count, ids + given.count) }
            }
            if probability == 0.3 { #expect(abs(Double(kept) / Double(ids) - 0.7) < 0.06) }
            if probability == 0.99 { #expect(Double(kept) / Double(ids) < 0.4) }
        }
    }

    // MARK: - Wrong data

    private static func message(_ augmentation: AugmentationSpecification, tokens: [Modality] = []) throws -> String {
        do {
            _ = try source(augmentation, tokens: tokens)
            return ""
        } catch let error as DataError {
            return "\(error)"
        }
    }

    @Test func dataThatAreNoPictures() throws {
        let flip = ModalityAugmentation(flip: 0.5)
        let second = try Self.message(AugmentationSpecification(second: flip))
        #expect(second.contains("data.augment.second") && second.contains("shape 9"), "\(second)")
        let tokens = try Self.message(AugmentationSpecification(second: flip), tokens: [.second])
        #expect(tokens.contains("token ids, which are no pictures"), "\(tokens)")
        let words = try Self.message(AugmentationSpecification(first: ModalityAugmentation(wordDropout: 0.1)))
        #expect(words.contains("data.augment.first.word_dropout") && words.contains("no token ids"), "\(words)")
        let blur = try Self.message(
            AugmentationSpecification(first: ModalityAugmentation(blur: RandomBlur(kernel: 27))))
        #expect(blur.contains("a kernel of 27 pixels does not fit pictures of 13 × 18"), "\(blur)")
        #expect(
            try Self.message(AugmentationSpecification(first: ModalityAugmentation(blur: RandomBlur(kernel: 25)))) == ""
        )
    }

    /// Numbers beyond 0 … 1 are told with file and row.
    @Test func numbersThatAreNoPixels() throws {
        let pairs = try PairFile {
            let values = (0..<5 * 12).map { Float($0 == 3 * 12 + 4 ? 7.5 : 0.5) }
            try $0.write("/first", Tensor([5, 3, 2, 2], values))
            try $0.write("/second", Tensor([5, 1], [0, 1, 2, 3, 4]))
        }
        let source = try AugmentedSource.augmenting(
            pairs.source(), by: AugmentationSpecification(first: ModalityAugmentation(gray: 1)), tokens: [], seed: 1)
        _ = try Self.samples(source, .first, [0, 1, 2, 4], [0, 1, 2, 4])
        let error = #expect(throws: DataError.self) { try Self.samples(source, .first, [2, 3], [2, 3]) }
        #expect("\(error!)".contains("pairs.h5:/first: row 3 holds 7.5, which is no pixel"), "\(error!)")
    }

    @Test func nothingToChangeLeavesTheSource() throws {
        #expect(try Self.source(AugmentationSpecification()) is Pictures)
        #expect(try AugmentedSource.augmenting(Pictures(), by: nil, tokens: [], seed: 1) is Pictures)
    }
}
