import CCoupletKernels
import CoupletTensors

/// Pairs that are mixed from latent factors: x1 = f1(c, s, m1), x2 = f2(c, s̃, m2), of which the content c is shared, the style s shared but perturbed
/// to s̃ in the second view, and m1, m2 each modality's own; f1 and f2 are invertible (*Identifiability Results for Multimodal Contrastive Learning*,
/// Daunhawer, Bizeul, Palumbo, Marx, Vogt, ICLR 2023, arXiv 2303.09166, section 5.1).
///
/// Sample n is a function of (seed, stream of the split, n), by Philox. Endless in both splits.
public struct LatentSource: LatentFactorSource {
    public let specification: LatentSpecification
    /// The law of c, s, s̃, m1 and m2.
    public let distribution: LatentDistribution
    /// f1 and f2, the same where the mixing is shared.
    public let mixings: [InvertibleMixing]
    /// What the condition number of a mixing's layers is at most: the lowest per-mille of 25,000 draws.
    public let conditionThreshold: Double

    /// Latents from normal numbers, in the order of `layout`; but s is without its mean, and the perturbation stands in place of s̃.
    private let map: RowwiseLinearMap
    private let first: SinglePrecisionMixing, second: SinglePrecisionMixing
    /// a, style numbers.
    private let styleMean: Tensor
    private let layout: LatentLayout
    private let seed: UInt64

    /// Samples made at a time: their numbers stay in the cache.
    private static let pieceRows = 64

    /// Draws the covariances, a, B and the mixings from the seed. Condition numbers of 25,000 matrices take some 0.1 s for 15 components a view.
    /// - Throws: `DataError` where the specification is impossible, `LinearAlgebraError` where a decomposition does not
    /// converge or a layer cannot be inverted.
    public init(_ specification: LatentSpecification, seed: UInt64) throws {
        try specification.check()
        self.specification = specification
        self.seed = seed
        distribution = try LatentDistribution(specification, seed: seed)
        layout = LatentLayout(specification)
        let layers = specification.mixingLayers
        let drawn = WellConditionedMatrices(
            count: specification.sharedMixing ? layers : 2 * layers, size: specification.inputs, seed: seed)
        conditionThreshold = drawn.threshold
        let one = try InvertibleMixing(Array(drawn.matrices[..<layers]))
        mixings = [one, specification.sharedMixing ? one : try InvertibleMixing(Array(drawn.matrices[layers...]))]
        map = RowwiseLinearMap(layout.map(distribution))
        first = SinglePrecisionMixing(mixings[0], order: layout.firstOrder)
        second = SinglePrecisionMixing(mixings[1], order: layout.secondOrder)
        styleMean = Tensor([specification.style], distribution.styleMean.map { Float($0) })
    }

    public func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: [specification.inputs])
    }
    public func count(of split: Split) -> Int? { nil }

    public var latentFactors: [LatentFactor] {
        layout.blocks.map { LatentFactor(name: $0.name, columns: $0.columns.count) }
    }
    public var contentDetermination: [Double?] { distribution.contentDetermination }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        mix(split, numbers, contentOf: nil, first, second)
    }

    public func readSwappingContent(
        _ split: Split, _ numbers: [UInt64], contentOf: [UInt64], first: Tensor?, second: Tensor?
    ) throws {
        precondition(
            contentOf.count == numbers.count, "\(numbers.count) samples with the content of \(contentOf.count)")
        mix(split, numbers, contentOf: contentOf, first, second)
    }

    public func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor] {
        let blocks = layout.blocks.map { Tensor([numbers.count, $0.columns.count]) }
        forEachPiece(numbers) { range, numbers, rows in
            draw(split, numbers, into: rows)
            for (block, columns) in zip(blocks, layout.blocks.map(\.columns)) {
                for row in 0..<range.count {
                    (block.pointer + (range.lowerBound + row) * columns.count)
                        .update(from: rows + row * layout.width + columns.lowerBound, count: columns.count)
                }
            }
        }
        return blocks
    }

    /// f⁻¹ of each row of views of a modality: (c, s, m1) of the first, (c, s̃, m2) of the second, B × (content + style + modality).
    public func unmix(_ modality: Modality, _ views: Tensor) -> Matrix {
        mixings[modality == .first ? 0 : 1].unmix(Matrix(views))
    }

    private func mix(_ split: Split, _ numbers: [UInt64], contentOf: [UInt64]?, _ first: Tensor?, _ second: Tensor?) {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let inputs = specification.inputs
        let scratch = Tensor([2, min(numbers.count, Self.pieceRows), inputs]),
            other = Tensor([min(numbers.count, Self.pieceRows), layout.width])
        forEachPiece(numbers) { range, numbers, rows in
            draw(split, numbers, into: rows)
            if let contentOf {
                contentOf.withUnsafeBufferPointer {
                    draw(split, UnsafeBufferPointer(rebasing: $0[range]), into: other.pointer)
                }
                for row in 0..<range.count {
                    let place = row * layout.width + layout.content.lowerBound
                    (rows + place).update(from: other.pointer + place, count: layout.content.count)
                }
            }
            for (view, mixed, start) in [(first, self.first, layout.first), (second, self.second, layout.second)] {
                guard let view else { continue }
                mixed.apply(
                    rows: range.count, rows + start, stride: layout.width, scratch: scratch.pointer,
                    to: view.pointer + range.lowerBound * inputs)
            }
        }
    }

    /// Latents of a few samples, rows × width in the order of the layout.
    private func draw(_ split: Split, _ numbers: UnsafeBufferPointer<UInt64>, into rows: UnsafeMutablePointer<Float>) {
        let stream: RandomStream = split == .training ? .training : .heldOut
        let style = specification.style, count = numbers.count
        // Words for normal numbers, then one for each component of the style that may be perturbed.
        let normalBlocks = (layout.width + 3) / 4, changeBlocks = (style + 3) / 4
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count * 4 * max(normalBlocks, changeBlocks)) { words in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: count * 4 * max(normalBlocks, changeBlocks)) {
                drawn in
                for row in 0..<count {
                    couplet_philox(
                        seed, stream.rawValue, numbers[row], 0, normalBlocks,
                        words.baseAddress! + row * 4 * normalBlocks)
                }
                couplet_normals(words.baseAddress, count * 4 * normalBlocks, drawn.baseAddress)
                map.apply(rows: count, drawn.baseAddress!, stride: 4 * normalBlocks, to: rows)
                if style == 0 { return }
                for row in 0..<count {
                    couplet_philox(
                        seed, stream.rawValue, numbers[row], UInt32(normalBlocks), changeBlocks,
                        words.baseAddress! + row * 4 * changeBlocks)
                }
                couplet_uniforms(words.baseAddress, count * 4 * changeBlocks, drawn.baseAddress)
                couplet_perturb_style(
                    count, style, styleMean.pointer, drawn.baseAddress, 4 * changeBlocks,
                    Float(specification.styleChange), layout.width,
                    rows + layout.style.lowerBound, rows + layout.perturbed.lowerBound)
            }
        }
    }

    /// Calls `body` with every piece of the sample numbers, where it lies among them, and with room for its latents.
    private func forEachPiece(
        _ numbers: [UInt64], _ body: (Range<Int>, UnsafeBufferPointer<UInt64>, UnsafeMutablePointer<Float>) -> Void
    ) {
        let rows = Tensor([min(numbers.count, Self.pieceRows), layout.width])
        numbers.withUnsafeBufferPointer { numbers in
            for start in stride(from: 0, to: numbers.count, by: Self.pieceRows) {
                let range = start..<min(start + Self.pieceRows, numbers.count)
                body(range, UnsafeBufferPointer(rebasing: numbers[range]), rows.pointer)
            }
        }
    }
}
