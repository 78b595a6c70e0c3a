import CCoupletKernels
import CoupletTensors

/// Pairs that are mixed from latent factors: x1 = f1(c, s, m1), x2 = f2(c, s̃, m2).
///
/// Both views contain the content c. The first view contains the style s, the second a perturbed style s̃. m1 and m2
/// are specific to their modality, and f1 and f2 are invertible (*Identifiability Results for Multimodal Contrastive
/// Learning*, Daunhawer, Bizeul, Palumbo, Marx, Vogt, ICLR 2023, arXiv 2303.09166, section 5.1).
///
/// Sample n is a function of (seed, stream of the split, n), by Philox. The splits are endless.
public struct LatentSource: ContentSwappingSource {
    public let specification: LatentSpecification
    /// The distribution of c, s, s̃, m1 and m2.
    public let distribution: LatentDistribution
    /// f1 and f2; equal if the mixing is shared.
    public let mixings: PerModality<InvertibleMixing>
    /// Upper bound of the condition numbers of the mixings' layers: the 0.1 % quantile of 25,000 random matrices.
    public let conditionThreshold: Double

    /// Maps normal numbers to the columns of `layout`, with s - a in the place of s and δ in the place of s̃.
    private let map: RowwiseLinearMap
    private let first: SinglePrecisionMixing, second: SinglePrecisionMixing
    /// a, in Float.
    private let styleMean: Tensor
    private let layout: LatentLayout
    private let seed: UInt64

    /// Number of samples generated at a time. Their random numbers stay in the cache.
    private static let rowsPerBlock = 64

    /// Draws the covariances, a, B and the mixings from the seed. The condition numbers of 25,000 matrices take about
    /// 0.1 s for 15 components per view.
    /// - Throws: `DataError` if the specification is impossible, `LinearAlgebraError` if a decomposition does not
    ///   converge or a layer cannot be inverted.
    public init(_ specification: LatentSpecification, seed: UInt64) throws {
        try specification.check()
        self.specification = specification
        self.seed = seed
        distribution = try LatentDistribution(specification, seed: seed)
        layout = LatentLayout(specification)
        let layers = specification.mixingLayers, isShared = specification.sharedMixing
        let drawn = WellConditionedMatrices(
            count: isShared ? layers : 2 * layers, size: specification.inputs, seed: seed)
        conditionThreshold = drawn.threshold
        let mixing = try InvertibleMixing(Array(drawn.matrices[..<layers]))
        mixings = PerModality(
            first: mixing, second: isShared ? mixing : try InvertibleMixing(Array(drawn.matrices[layers...])))
        map = RowwiseLinearMap(layout.map(distribution))
        first = SinglePrecisionMixing(mixings.first, order: layout.firstOrder)
        second = SinglePrecisionMixing(mixings.second, order: layout.secondOrder)
        styleMean = Tensor([specification.style], distribution.styleMean.map { Float($0) })
    }

    public func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: [specification.inputs])
    }

    public func count(of split: Split) -> Int? { nil }
    public var hasValidation: Bool { true }

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
        forEachRowBlock(numbers) { range, numbers, rows in
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

    /// Returns f⁻¹ of each row of views of a modality: (c, s, m1) of the first, (c, s̃, m2) of the second,
    /// B × (content + style + modality).
    public func unmix(_ modality: Modality, _ views: Tensor) -> Matrix {
        mixings[modality].unmix(Matrix(views))
    }

    /// The condition numbers of the mixings' layers and of covariances other than I, and R² of the best prediction of
    /// the style from the content.
    public var latentSummary: [String] {
        /// Rounds to two decimals.
        func rounded(_ number: Double) -> String { "\((number * 100).rounded(.toNearestOrEven) / 100)" }
        func list(_ mixing: InvertibleMixing) -> String {
            mixing.conditionNumbers.map(rounded).joined(separator: ", ")
        }
        let layers =
            specification.sharedMixing
            ? "of the shared mixing \(list(mixings.first))"
            : "of f1 \(list(mixings.first)), of f2 \(list(mixings.second))"
        var lines = [
            "condition numbers of the layers \(layers); the 0.1 % quantile of 25,000 draws is "
                + rounded(conditionThreshold)
        ]
        if specification.statisticalDependence {
            let named = distribution.conditionNumbers.map { "\($0.name) \(rounded($0.value))" }
            lines.append("condition numbers of the covariances: \(named.joined(separator: ", "))")
        }
        if specification.causalDependence, specification.style > 0 {
            let style = zip(latentFactors, contentDetermination).filter { $0.0.name.hasPrefix("s") }
            let named = style.map { "\($0.name) \(rounded($1 ?? 0))" }
            lines.append("R² of the best prediction from the content: \(named.joined(separator: ", "))")
        }
        return lines
    }

    /// Generates both views of these samples.
    /// - Parameter contentOf: numbers of the samples whose content replaces the samples' own; nil: no replacement.
    private func mix(
        _ split: Split, _ numbers: [UInt64], contentOf: [UInt64]?, _ first: Tensor?, _ second: Tensor?
    ) {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let inputs = specification.inputs, blockRows = min(numbers.count, Self.rowsPerBlock)
        let scratch = Tensor([2, blockRows, inputs]), contentLatents = Tensor([blockRows, layout.width])
        forEachRowBlock(numbers) { range, numbers, rows in
            draw(split, numbers, into: rows)
            if let contentOf {
                contentOf.withUnsafeBufferPointer {
                    draw(split, UnsafeBufferPointer(rebasing: $0[range]), into: contentLatents.pointer)
                }
                for row in 0..<range.count {
                    let offset = row * layout.width + layout.content.lowerBound
                    (rows + offset).update(from: contentLatents.pointer + offset, count: layout.content.count)
                }
            }
            for (view, mixing, start) in [
                (first, self.first, layout.firstViewOffset), (second, self.second, layout.secondViewOffset),
            ] {
                guard let view else { continue }
                mixing.apply(
                    rows: range.count, rows + start, stride: layout.width, scratch: scratch.pointer,
                    to: view.pointer + range.lowerBound * inputs)
            }
        }
    }

    /// Writes the latents of these samples into `rows`, samples × width, in the order of `layout`.
    private func draw(
        _ split: Split, _ numbers: UnsafeBufferPointer<UInt64>, into rows: UnsafeMutablePointer<Float>
    ) {
        let style = specification.style, count = numbers.count
        // The first Philox blocks of a sample give its normal numbers, the next ones a uniform number for each style
        // component, which decides whether the component is perturbed.
        let normalBlocks = (layout.width + 3) / 4, uniformBlocks = (style + 3) / 4
        let capacity = count * 4 * max(normalBlocks, uniformBlocks)
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: capacity) { words in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: capacity) { drawn in
                for row in 0..<count {
                    couplet_philox(
                        seed, split.stream.rawValue, numbers[row], 0, normalBlocks,
                        words.baseAddress! + row * 4 * normalBlocks)
                }
                couplet_normals(words.baseAddress, count * 4 * normalBlocks, drawn.baseAddress)
                map.apply(rows: count, drawn.baseAddress!, stride: 4 * normalBlocks, to: rows)
                if style == 0 { return }
                for row in 0..<count {
                    couplet_philox(
                        seed, split.stream.rawValue, numbers[row], UInt32(normalBlocks), uniformBlocks,
                        words.baseAddress! + row * 4 * uniformBlocks)
                }
                couplet_uniforms(words.baseAddress, count * 4 * uniformBlocks, drawn.baseAddress)
                couplet_perturb_style(
                    count, style, styleMean.pointer, drawn.baseAddress, 4 * uniformBlocks,
                    Float(specification.styleChange), layout.width, rows + layout.style.lowerBound,
                    rows + layout.perturbed.lowerBound)
            }
        }
    }

    /// Calls `body` for each block of at most `rowsPerBlock` samples, with their range among the samples, their
    /// numbers, and memory for their latents.
    private func forEachRowBlock(
        _ numbers: [UInt64], _ body: (Range<Int>, UnsafeBufferPointer<UInt64>, UnsafeMutablePointer<Float>) -> Void
    ) {
        let rows = Tensor([min(numbers.count, Self.rowsPerBlock), layout.width])
        numbers.withUnsafeBufferPointer { numbers in
            for start in stride(from: 0, to: numbers.count, by: Self.rowsPerBlock) {
                let range = start..<min(start + Self.rowsPerBlock, numbers.count)
                body(range, UnsafeBufferPointer(rebasing: numbers[range]), rows.pointer)
            }
        }
    }
}

/// The columns of the blocks in a row of latents: m1, s, c, s̃, m2. The inputs of each view are contiguous.
private struct LatentLayout: Sendable {
    let firstModality: Range<Int>, style: Range<Int>, content: Range<Int>, perturbed: Range<Int>
    let secondModality: Range<Int>
    /// Number of columns.
    let width: Int

    init(_ specification: LatentSpecification) {
        let (content, style, modality) = (specification.content, specification.style, specification.modality)
        func columns(from start: Int, _ count: Int) -> Range<Int> { start..<(start + count) }
        firstModality = columns(from: 0, modality)
        self.style = columns(from: modality, style)
        self.content = columns(from: modality + style, content)
        perturbed = columns(from: modality + style + content, style)
        secondModality = columns(from: modality + 2 * style + content, modality)
        width = content + 2 * style + 2 * modality
    }

    /// The blocks in the order of files and tables.
    var blocks: [(name: String, columns: Range<Int>)] {
        [("c", content), ("s", style), ("s_perturbed", perturbed), ("m1", firstModality), ("m2", secondModality)]
    }

    /// First column of m1, s, c, the inputs of the first view.
    var firstViewOffset: Int { firstModality.lowerBound }
    /// First column of c, s̃, m2, the inputs of the second view.
    var secondViewOffset: Int { content.lowerBound }

    /// For each of the columns m1, s, c its index in (c, s, m1), the order of f1's inputs.
    var firstOrder: [Int] {
        let afterStyle = content.count + style.count
        return Array(afterStyle..<(afterStyle + firstModality.count)) + Array(content.count..<afterStyle)
            + Array(0..<content.count)
    }

    /// For each of the columns c, s̃, m2 its index in (c, s̃, m2), the order of f2's inputs.
    var secondOrder: [Int] { Array(0..<(content.count + style.count + secondModality.count)) }

    /// Returns the linear map of standard normal numbers to m1, s - a, c, δ, m2.
    func map(_ distribution: LatentDistribution) -> Matrix {
        let roots = distribution.roots
        var map = Matrix(rows: width, columns: width)
        for (rows, columns, block) in [
            (firstModality, firstModality, roots.firstModality), (style, style, roots.style),
            (style, content, distribution.styleFromContent * roots.content), (content, content, roots.content),
            (perturbed, perturbed, roots.perturbation), (secondModality, secondModality, roots.secondModality),
        ] {
            for i in 0..<block.rows {
                for j in 0..<block.columns { map[rows.lowerBound + i, columns.lowerBound + j] = block[i, j] }
            }
        }
        return map
    }
}
