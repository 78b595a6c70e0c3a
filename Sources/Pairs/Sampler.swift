import CoupletTensors

/// Selects the samples of each step's batch. The selection is a pure function of (seed, step, position in the batch),
/// so it is the same on every worker.
///
/// The draw at a position of a step has the number n = step · B + position. From an endless source it selects sample n.
/// From a finite set of N samples it selects sample permutation(epoch n div M)[n mod M], with M = ⌊N/B⌋ · B. Each epoch
/// has a new permutation of all N samples, and a batch lies within one epoch. The N - M samples that an epoch leaves
/// out vary between epochs.
///
/// A loss's second batch is an independent draw of the same samples. For a finite set it uses permutations of another
/// random stream, for an endless source the samples n + 2^63.
///
/// With several second samples of each first one (T, `batch.second_per_first`), the T draws n with the same n div T
/// select one sample, by the rules above for batches of B/T samples.
///
/// A sampler of distinct groups selects samples such that no two of a batch are of one group (`DistinctBatches`).
public struct Sampler: Sendable {
    /// A batch of a step.
    public enum Batch: Sendable {
        /// The batch of pairs.
        case pairs
        /// The second, independent batch of a loss that takes two.
        case second
    }

    /// First sample number of the second stream of an endless source, for a second batch and for fresh samples to fit
    /// on.
    public static let secondStreamStart: UInt64 = 1 << 63

    /// B, the number of pairs in a batch.
    public let batchSize: Int
    /// N, the number of training samples; nil for an endless source.
    public let sampleCount: Int?
    public let seed: UInt64
    /// T, the number of consecutive positions with one sample.
    public let secondPerFirst: Int
    /// Nil if a batch may have several samples of a group.
    private let distinct: DistinctBatches?

    /// - Parameter groups: the group of each training sample, negative for none, for batches of distinct groups; nil
    ///   for any batches.
    /// - Throws: `DataError` if there are fewer samples, or fewer groups, than a batch takes.
    public init(
        batchSize: Int, sampleCount: Int?, seed: UInt64, groups: [Int]? = nil, secondPerFirst: Int = 1
    ) throws {
        precondition(
            batchSize > 0 && secondPerFirst > 0 && batchSize % secondPerFirst == 0,
            "a batch of \(batchSize) pairs with \(secondPerFirst) of each sample")
        let samples = batchSize / secondPerFirst
        if let sampleCount, sampleCount < samples {
            let several = secondPerFirst > 1 ? ", \(secondPerFirst) of each of \(samples) samples" : ""
            throw DataError(
                at: "batch.size",
                reason: "a batch of \(batchSize) pairs\(several), but the source has \(sampleCount) training samples",
                remedy: sampleCount > 0
                    ? "set batch.size to at most \(sampleCount * secondPerFirst), or give more data"
                    : "give training samples")
        }
        self.batchSize = batchSize
        self.sampleCount = sampleCount
        self.seed = seed
        self.secondPerFirst = secondPerFirst
        precondition(groups == nil || groups?.count == sampleCount, "\(groups?.count ?? 0) groups")
        distinct = try groups.map { try DistinctBatches(batchSize: samples, seed: seed, groups: $0) }
    }

    /// Number of steps in an epoch: ⌊N T/B⌋, or fewer if not all samples fit into batches of distinct groups; nil for
    /// an endless source.
    public var stepsPerEpoch: Int? {
        distinct?.batchesPerEpoch ?? sampleCount.map { $0 / (batchSize / secondPerFirst) }
    }

    /// Returns the draws n = step · B + position for these positions of a step's batch; n + 2^63 for the second batch.
    /// Noise, augmentation and dropout are functions of the draw.
    public func draws(step: Int, positions: Range<Int>, of batch: Batch = .pairs) -> [UInt64] {
        precondition(step >= 0, "step \(step)")
        precondition(
            positions.lowerBound >= 0 && positions.upperBound <= batchSize,
            "positions \(positions) of a batch of \(batchSize)")
        let start = UInt64(step) * UInt64(batchSize) + (batch == .pairs ? 0 : Self.secondStreamStart)
        return positions.map { start + UInt64($0) }
    }

    /// Returns the draws of the first samples at these positions of a step's batch: of T positions that of the first
    /// one. Both bounds of the range are multiples of T.
    public func firstDraws(step: Int, positions: Range<Int>, of batch: Batch = .pairs) -> [UInt64] {
        let draws = draws(step: step, positions: positions, of: batch)
        return secondPerFirst == 1
            ? draws : stride(from: 0, to: draws.count, by: secondPerFirst).map { draws[$0] }
    }

    /// The number of a first sample that has T draws, for its dropout: n div T, within the numbers of its batch.
    package static func sample(ofDraw draw: UInt64, pairsPerSample: Int) -> UInt64 {
        let start = draw & secondStreamStart
        return start + (draw - start) / UInt64(pairsPerSample)
    }

    /// Returns the sample numbers, for `PairSource.read`, at these positions of a step's batch.
    public func numbers(step: Int, positions: Range<Int>, of batch: Batch = .pairs) -> [UInt64] {
        guard let sampleCount, let stepsPerEpoch else { return draws(step: step, positions: positions, of: batch) }
        precondition(
            positions.lowerBound >= 0 && positions.upperBound <= batchSize,
            "positions \(positions) of a batch of \(batchSize)")
        let perSample = secondPerFirst, samples = batchSize / perSample
        let places = positions.lowerBound / perSample..<(positions.upperBound + perSample - 1) / perSample
        var numbers: [UInt64]
        if let distinct {
            numbers = distinct.numbers(step: step, positions: places, of: batch)
        } else {
            let permutation = Permutation(
                count: UInt64(sampleCount), seed: seed, stream: batch == .pairs ? .permutation : .secondBatch,
                number: UInt64(step / stepsPerEpoch))
            let start = step % stepsPerEpoch * samples
            numbers = places.map { permutation[UInt64(start + $0)] }
        }
        return perSample == 1 ? numbers : positions.map { numbers[$0 / perSample - places.lowerBound] }
    }
}
