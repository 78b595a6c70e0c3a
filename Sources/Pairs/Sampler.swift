/// Which samples make up the batch of a step: a pure function of (seed, step, position in the batch), the same for every worker.
///
/// Draw n = step · B + position. For a finite set of N samples its sample is permutation(epoch n div M)[n mod M] with M = ⌊N/B⌋ ·
/// B: each epoch is a new permutation of all N samples, so that a batch lies in one epoch and never runs short; the N - M samples
/// left out of an epoch are others each time. For an endless source the sample is n.
///
/// A loss's second batch is an independent draw from the same samples: of a finite set by permutations of its own, of an endless source the samples
/// n + 2^63.
public struct Sampler: Sendable {
    /// Which of a step's batches.
    public enum Batch: Sendable {
        case pairs
        /// The second, independent one of a loss that takes two.
        case second
    }

    /// Where the samples of an endless source begin that are another draw: a second batch, fresh samples to fit on.
    public static let secondStreamStart: UInt64 = 1 << 63

    /// B, the pairs of a batch.
    public let batchSize: Int
    /// N, the training samples; nil where the source is endless.
    public let sampleCount: Int?
    public let seed: UInt64

    /// - Throws: `DataError` where there are fewer samples than a batch needs.
    public init(batchSize: Int, sampleCount: Int?, seed: UInt64) throws {
        precondition(batchSize > 0, "a batch of \(batchSize) pairs")
        if let sampleCount, sampleCount < batchSize {
            throw DataError(
                place: "batch.size",
                reason: "a batch of \(batchSize) pairs, but the source has \(sampleCount) training samples",
                remedy: sampleCount > 0
                    ? "set batch.size to at most \(sampleCount), or give more data" : "give training samples")
        }
        self.batchSize = batchSize
        self.sampleCount = sampleCount
        self.seed = seed
    }

    /// ⌊N/B⌋; nil where the source is endless.
    public var stepsPerEpoch: Int? { sampleCount.map { $0 / batchSize } }

    /// The draws n = step · B + position of these positions of a step's batch: what noise, augmentation and dropout are functions
    /// of.
    public func draws(step: Int, positions: Range<Int>) -> [UInt64] {
        precondition(step >= 0, "step \(step)")
        precondition(
            positions.lowerBound >= 0 && positions.upperBound <= batchSize,
            "positions \(positions) of a batch of \(batchSize)")
        let start = UInt64(step) * UInt64(batchSize)
        return positions.map { start + UInt64($0) }
    }

    /// The sample numbers of these positions of a step's batch, for `PairSource.read`.
    public func numbers(step: Int, positions: Range<Int>, of batch: Batch = .pairs) -> [UInt64] {
        let draws = draws(step: step, positions: positions)
        guard let sampleCount, let stepsPerEpoch else {
            return batch == .pairs ? draws : draws.map { Self.secondStreamStart + $0 }
        }
        let used = UInt64(stepsPerEpoch * batchSize)
        let permutation = Permutation(
            count: UInt64(sampleCount), seed: seed, stream: batch == .pairs ? .permutation : .secondBatch,
            number: UInt64(step / stepsPerEpoch))
        return draws.map { permutation[$0 % used] }
    }
}
