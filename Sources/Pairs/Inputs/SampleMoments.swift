import CoupletTensors

/// Number, mean and sum of squared deviations of some numbers, in Double.
///
/// Two of them join exactly as if their numbers had been taken together (Chan, Golub, LeVeque, *Updating Formulae and a
/// Pairwise Algorithm for Computing Sample Variances*, 1979).
struct SampleMoments: Equatable, Sendable {
    private(set) var count = 0.0
    private(set) var mean = 0.0
    /// Σ (x - mean)².
    private(set) var squares = 0.0

    /// σ of the population; 0 for no numbers.
    var standardDeviation: Double { count > 0 ? (squares / count).squareRoot() : 0 }

    /// The moments of one or more numbers, at a distance of `stride`.
    init(_ numbers: UnsafePointer<Float>, count: Int, stride: Int) {
        var sum = 0.0
        for index in 0..<count { sum += Double(numbers[index * stride]) }
        mean = sum / Double(count)
        for index in 0..<count {
            let deviation = Double(numbers[index * stride]) - mean
            squares += deviation * deviation
        }
        self.count = Double(count)
    }

    /// The moments of the numbers of two sets together.
    init(joining a: SampleMoments, _ b: SampleMoments) {
        count = a.count + b.count
        let difference = b.mean - a.mean
        mean = a.mean + difference * (b.count / count)
        squares = a.squares + b.squares + difference * difference * (a.count * b.count / count)
    }

    /// Joins neighbours, then neighbouring pairs, and so on; an odd one at the end moves up unchanged.
    /// - Parameter moments: at least one.
    static func pairwise(_ moments: [SampleMoments]) -> SampleMoments {
        var level = moments
        while level.count > 1 {
            level = Swift.stride(from: 0, to: level.count, by: 2).map { index in
                index + 1 < level.count ? SampleMoments(joining: level[index], level[index + 1]) : level[index]
            }
        }
        return level[0]
    }
}

extension PairSource {
    /// Number of samples in a block whose moments are computed together. Blocks are joined pairwise.
    private static var momentRows: Int { 256 }
    /// Number of samples of an endless source.
    private static var endlessMomentSamples: Int { 16_384 }

    /// Computes the moments of each element of the training samples of a modality: of all samples of a finite set, of
    /// the first 16,384 of an endless one. Where pairs share samples (/pairs of an HDF5 file), each distinct sample of
    /// the training pairs counts once. The bits do not depend on who computes them.
    /// - Throws: as `read` does; `DataError` if there are no training samples.
    func trainingMoments(of modality: Modality) throws -> [SampleMoments] {
        // The training samples are the distinct first ones, each with one of its second ones.
        if modality == .second, let file = unwrapped as? HDF5Source,
            let rows = file.distinctSecondRows(ofTraining: chosenTrainingSamples)
        {
            return try moments(of: modality, count: rows.count) {
                try file.readRows(.second, Array(rows[$0]), into: $1)
            }
        }
        return try moments(of: modality, count: count(of: .training) ?? Self.endlessMomentSamples) { rows, samples in
            try read(
                .training, rows.map { UInt64($0) }, first: modality == .first ? samples : nil,
                second: modality == .second ? samples : nil)
        }
    }

    /// The training samples of the innermost source that this one has; nil for all of them.
    private var chosenTrainingSamples: [UInt64]? {
        (self as? FewShotSource)?.numbers ?? (self as? any PairSourceWrapper)?.wrapped.chosenTrainingSamples
    }

    private func moments(
        of modality: Modality, count: Int, read: (Range<Int>, Tensor) throws -> Void
    ) throws -> [SampleMoments] {
        let shape = description(of: modality).shape, columns = shape.reduce(1, *)
        guard count > 0 else {
            throw DataError(at: "data.standardize", reason: "the source has no training samples to take a mean of")
        }
        let buffer = Tensor([min(count, Self.momentRows)] + shape)
        // Open nodes of the tree over the blocks, from the left; a node of level l covers 2^l blocks.
        var nodes: [(level: Int, moments: [SampleMoments])] = []
        func join(_ a: [SampleMoments], _ b: [SampleMoments]) -> [SampleMoments] {
            zip(a, b).map { SampleMoments(joining: $0, $1) }
        }
        for start in stride(from: 0, to: count, by: Self.momentRows) {
            let rows = start..<min(start + Self.momentRows, count), samples = buffer.rows(0..<rows.count)
            try read(rows, samples)
            var node = (
                level: 0,
                moments: (0..<columns).map { SampleMoments(samples.pointer + $0, count: rows.count, stride: columns) }
            )
            while let last = nodes.last, last.level == node.level {
                node = (node.level + 1, join(last.moments, node.moments))
                nodes.removeLast()
            }
            nodes.append(node)
        }
        var moments = nodes.removeLast().moments
        while let node = nodes.popLast() { moments = join(node.moments, moments) }
        return moments
    }
}
