import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct TransformerTests {
    typealias Reference = ReferenceTransformer

    static func lengths(_ counts: [Int]) -> SequenceLengths {
        SequenceLengths(counts: Tensor([counts.count], counts.map(Float.init)))
    }

    // MARK: - Attention

    /// Width, heads, positions and rows: heads of odd widths, more than a block of queries, more than a tile of keys,
    /// more than a strip.
    @Test(arguments: [(6, 2, 4, 3), (5, 1, 1, 2), (12, 3, 70, 2), (4, 2, 130, 4)])
    func attentionIsThatOfTheReference(_ width: Int, _ heads: Int, _ length: Int, _ rows: Int) {
        let layer = SelfAttention(inputShape: [length, width], heads: heads)
        GradientCheck.check(layer, rows: rows, limit: 5e-5) {
            Reference.attention($0, $1, Reference.Shape(length: length, width: width, heads: heads))
        }
    }

    @Test func attentionOverSeveralTilesIsThatOfTheReference() {
        let layer = SelfAttention(inputShape: [300, 2], heads: 1)
        GradientCheck.check(layer, rows: 1, limit: 5e-5) {
            Reference.attention($0, $1, Reference.Shape(length: 300, width: 2, heads: 1))
        }
    }

    @Test func attentionLeavesOutPadding() {
        let counts = [5, 1, 0, 3], layer = SelfAttention(inputShape: [5, 6], heads: 2)
        GradientCheck.check(layer, rows: 4, limit: 5e-5, context: .evaluation(lengths: Self.lengths(counts))) {
            Reference.attention($0, $1, Reference.Shape(length: 5, width: 6, heads: 2, lengths: counts))
        }
    }

    // MARK: - Block

    @Test(arguments: [(6, 2, 4, 9, 3), (8, 1, 1, 5, 2), (4, 2, 130, 8, 4), (6, 3, 300, 5, 1)])
    func blockIsThatOfTheReference(_ width: Int, _ heads: Int, _ length: Int, _ hidden: Int, _ rows: Int) {
        let layer = TransformerBlock(inputShape: [length, width], heads: heads, hidden: hidden)
        GradientCheck.check(layer, rows: rows, limit: 1e-4) {
            Reference.block($0, $1, Reference.Shape(length: length, width: width, heads: heads))
        }
    }

    @Test func blockLeavesOutPadding() {
        let counts = [2, 5, 0, 3], layer = TransformerBlock(inputShape: [5, 6], heads: 2, hidden: 7)
        GradientCheck.check(layer, rows: 4, limit: 1e-4, context: .evaluation(lengths: Self.lengths(counts))) {
            Reference.block($0, $1, Reference.Shape(length: 5, width: 6, heads: 2, lengths: counts))
        }
    }

    /// The numbers of dropout are those of `LayerContext.fillUniform` in the inner layers 0 and 1.
    @Test func blockDropsBothBranches() {
        let rows = 3, shape = [5, 6], counts = [2, 5, 3]
        let layer = TransformerBlock(inputShape: shape, heads: 2, hidden: 7, dropout: 0.4)
        let single = LayerContext.training(philox: Philox(seed: 3), firstDraw: 77)
        func mask(_ branch: Int) -> [[Double]] {
            let uniform = Tensor([rows, 30])
            single.inner(branch, statistics: 0..<0).fillUniform(uniform)
            return (0..<rows).map { row in
                uniform.rows(row..<(row + 1)).values.map { $0 < 0.4 ? 0 : Double(1 / (1 - Float(0.4))) }
            }
        }
        let masks = (first: mask(0), second: mask(1))
        #expect(masks.first != masks.second)
        GradientCheck.check(layer, rows: rows, limit: 1e-4, context: single) {
            Reference.block($0, $1, Reference.Shape(length: 5, width: 6, heads: 2), masks: masks)
        }
        let padded = LayerContext.training(
            philox: Philox(seed: 3), firstDraw: 77, lengths: Self.lengths(counts))
        GradientCheck.check(layer, rows: rows, limit: 1e-4, context: padded) {
            Reference.block($0, $1, Reference.Shape(length: 5, width: 6, heads: 2, lengths: counts), masks: masks)
        }
    }

    // MARK: - Bits

    /// The output of a row has the same bits alone, among others, with padding and without.
    @Test func rowsDoNotDependOnOtherRows() {
        let rows = 30, length = 20, width = 32, counts = (0..<rows).map { 1 + $0 * 7 % length }
        for layer: any Layer in [
            TransformerBlock(inputShape: [length, width], heads: 2, hidden: 48),
            SelfAttention(inputShape: [length, width], heads: 4),
        ] {
            let parameters = layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
            let input = GradientCheck.normal([rows, length, width], 1), gradient = GradientCheck.normal(input.shape, 2)
            func run(_ layer: some Layer, _ rows: Range<Int>, _ counts: [Int]) -> LayerRun {
                LayerRun(
                    layer, rows: rows.count, input: input.rows(rows), parameters: parameters,
                    outputGradient: gradient.rows(rows), context: .evaluation(lengths: Self.lengths(counts)))
            }
            let whole = run(layer, 0..<rows, counts)
            for part in [0..<1, 7..<19, 29..<30] {
                let some = run(layer, part, Array(counts[part]))
                #expect(some.output.values == whole.output.rows(part).values, "\(layer.tableName)")
                #expect(some.inputGradient.values == whole.inputGradient.rows(part).values, "\(layer.tableName)")
            }
            let full = run(layer, 0..<rows, [Int](repeating: length, count: rows))
            let unpadded = LayerRun(
                layer, rows: rows, input: input, parameters: parameters, outputGradient: gradient)
            #expect(full.output.values == unpadded.output.values)
            #expect(full.inputGradient.values == unpadded.inputGradient.values)
            #expect(full.parameterGradients.map(\.values) == unpadded.parameterGradients.map(\.values))
        }
    }

    // MARK: - Embeddings

    @Test(arguments: [ImageLayout.channelsFirst, .channelsLast]) func patchesAreMappedAsByAConvolution(
        _ layout: ImageLayout
    ) {
        let (channels, height, width, patch, out) = (3, 7, 5, 2, 4)
        let shape = layout == .channelsFirst ? [channels, height, width] : [height, width, channels]
        let layer = PatchEmbedding(inputShape: shape, patch: patch, width: out, layout: layout)
        #expect(layer.outputShape == [6, 4])
        GradientCheck.check(layer, rows: 3) { x, p in
            var y: [Double] = []
            for r in 0..<3 {
                for a in 0..<3 {
                    for b in 0..<2 {
                        for o in 0..<out {
                            var sum = p[1][o]
                            for c in 0..<channels {
                                for i in 0..<patch {
                                    for j in 0..<patch {
                                        let (v, w) = (patch * a + i, patch * b + j)
                                        let at =
                                            layout == .channelsFirst
                                            ? (c * height + v) * width + w : (v * width + w) * channels + c
                                        sum +=
                                            x[r * channels * height * width + at]
                                            * p[0][((o * channels + c) * patch + i) * patch + j]
                                    }
                                }
                            }
                            y.append(sum)
                        }
                    }
                }
            }
            return y
        }
    }

    @Test func positionsAreAdded() {
        let counts = [3, 0, 2]
        GradientCheck.check(
            PositionalEmbedding(inputShape: [3, 4]), rows: 3, context: .evaluation(lengths: Self.lengths(counts))
        ) { x, p in
            x.indices.map { i in i % 12 < counts[i / 12] * 4 ? x[i] + p[0][i % 12] : 0 }
        }
        GradientCheck.check(PositionalEmbedding(inputShape: [3, 4]), rows: 3) { x, p in
            x.indices.map { x[$0] + p[0][$0 % 12] }
        }
    }

    @Test func theClassTokenComesFirst() {
        let layer = ClassToken(inputShape: [3, 4])
        #expect(layer.outputShape == [4, 4] && layer.addedPositions == 1)
        GradientCheck.check(layer, rows: 2) { x, p in p[0] + x[..<12] + p[0] + x[12...] }
    }
}
