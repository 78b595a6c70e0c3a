import CoupletTensors

/// The random numbers of one draw of `data.augment`. Each has a place of its own among the words of the draw's random
/// stream, so that it does not depend on which other changes a config asks for.
///
/// Words are those of Philox with the run's seed, stream `augmentedSamples`, and the draw as number. Pictures of the
/// first modality take the blocks 0 to 15, those of the second 16 to 31; token ids the blocks from 2²⁰ and 2²¹ on.
struct AugmentationDraw {
    /// The places of a picture's words.
    enum Place {
        /// Four words for each of ten parts: area, ratio, row, column.
        static let crop = 0
        static let flip = 40
        static let jitter = 41
        static let jitterOrder = 42
        /// Brightness, contrast, saturation, hue.
        static let jitterFactors = 43
        static let gray = 47
        static let blur = 48
        static let sigma = 49
        static let count = 64
    }

    private let words: UnsafePointer<UInt32>

    /// Calls `body` with the numbers of a picture's draw.
    static func ofPicture<Result>(
        _ philox: Philox, _ modality: Modality, draw: UInt64, _ body: (AugmentationDraw) throws -> Result
    ) rethrows -> Result {
        try withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Place.count) { words in
            let first: UInt32 = modality == .first ? 0 : UInt32(Place.count / 4)
            philox.fill(words, .augmentedSamples, number: draw, firstBlock: first)
            return try body(AugmentationDraw(words: UnsafePointer(words.baseAddress!)))
        }
    }

    /// Calls `body` with `count` numbers for the token ids of a draw, and one more.
    static func ofTokens<Result>(
        _ philox: Philox, _ modality: Modality, draw: UInt64, count: Int, _ body: (AugmentationDraw) throws -> Result
    ) rethrows -> Result {
        try withUnsafeTemporaryAllocation(of: UInt32.self, capacity: (count / 4 + 1) * 4) { words in
            philox.fill(words, .augmentedSamples, number: draw, firstBlock: modality == .first ? 1 << 20 : 1 << 21)
            return try body(AugmentationDraw(words: UnsafePointer(words.baseAddress!)))
        }
    }

    /// A uniform number in [0, 1), a multiple of 2⁻³².
    func uniform(_ place: Int) -> Double { Double(words[place]) * 0x1p-32 }

    /// A uniform number between two limits.
    func uniform(_ place: Int, _ lowest: Double, _ highest: Double) -> Double {
        lowest + uniform(place) * (highest - lowest)
    }

    /// Whether an event of this probability happens.
    func happens(_ place: Int, _ probability: Double) -> Bool { uniform(place) < probability }

    /// A uniform whole number from 0 to below `count`.
    func integer(_ place: Int, below count: Int) -> Int { Philox.integer(words[place], below: count) }
}
