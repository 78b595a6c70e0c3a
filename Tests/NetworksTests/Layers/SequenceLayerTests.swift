import CoupletNetworks
import CoupletTensors
import Foundation
import Testing

/// Embeddings of token ids, pooling over positions, and convolutions over positions.
@Suite struct SequenceLayerTests {
    static let lengths = [5, 2, 0, 1, 4]

    static func context(_ lengths: [Int]) -> LayerContext {
        .evaluation(lengths: SequenceLengths(counts: Tensor([lengths.count], lengths.map { Float($0) })))
    }

    /// Ids 1 … 6 before the padding.
    static func ids(_ lengths: [Int], positions: Int) -> Tensor {
        Tensor(
            [lengths.count, positions],
            lengths.enumerated().flatMap { row, length in
                (0..<positions).map { $0 < length ? Float(1 + (3 * row + 5 * $0 + $0 * $0) % 6) : 0 }
            })
    }

    @Test(arguments: [1, 3, 16, 21]) func tokenEmbeddingEqualsReference(_ width: Int) {
        let layer = TokenEmbedding(positions: 5, vocabulary: 7, width: width),
            ids = Self.ids(Self.lengths, positions: 5)
        GradientCheck.check(layer, rows: 5, input: ids, inputHasGradient: false) { x, p in
            ReferenceSequences.embedding(x, p[0], width: width)
        }
        let counts = Tensor([5])
        layer.countPositions(of: ids, into: counts)
        #expect(counts.values == Self.lengths.map { Float($0) })
    }

    /// An invalid id has a vector of NaN and no gradient, and touches no other memory.
    @Test func invalidIdsDoNoHarm() {
        let invalid: [Float] = [-1, 7, 1.5, .nan, .infinity, -.infinity, 3e9, -0.5]
        let ids = Tensor([1, 8], invalid), table = GradientCheck.normal([7, 4], 1)
        let embedding = LayerRun(
            TokenEmbedding(positions: 8, vocabulary: 7, width: 4), rows: 1, input: ids, parameters: [table],
            outputGradient: GradientCheck.normal([1, 8, 4], 2))
        #expect(embedding.output.values.allSatisfy { $0.isNaN })
        #expect(embedding.parameterGradients[0].values.allSatisfy { $0 == 0 })
        let bag = LayerRun(
            EmbeddingBag(positions: 8, vocabulary: 7, width: 4), rows: 1, input: ids, parameters: [table],
            outputGradient: GradientCheck.normal([1, 4], 2))
        #expect(bag.output.values.allSatisfy { $0.isNaN })
        #expect(bag.parameterGradients[0].values.allSatisfy { $0 == 0 })
    }

    @Test(arguments: EmbeddingBag.Reduction.allCases, [1, 16, 21])
    func embeddingBagEqualsReference(_ reduction: EmbeddingBag.Reduction, _ width: Int) {
        let layer = EmbeddingBag(positions: 5, vocabulary: 7, width: width, reduction: reduction)
        let ids = Self.ids(Self.lengths, positions: 5)
        // A bag has no order: padding may lie anywhere.
        ids[1] = 0
        GradientCheck.check(layer, rows: 5, input: ids, inputHasGradient: false) { x, p in
            ReferenceSequences.bag(x, p[0], positions: 5, width: width, mean: reduction == .mean)
        }
    }

    @Test func initialVectorsHaveUnitLengthAndPaddingIsZero() {
        for layer in [
            TokenEmbedding(positions: 3, vocabulary: 2001, width: 16) as any Layer,
            EmbeddingBag(positions: 3, vocabulary: 2001, width: 16),
        ] {
            let weight = Tensor([2001, 16])
            layer.initialize([weight], philox: Philox(seed: 3), firstNumber: 5, scale: 2)
            let square = weight.values.reduce(0.0) { $0 + Double($1) * Double($1) } / 2000
            #expect(abs(square / 4 - 1) <= 5 * (2.0 / 32_000).squareRoot())
            #expect(weight.rows(0..<1).values.allSatisfy { $0 == 0 })
        }
    }

    @Test(arguments: PositionPool.Reduction.allCases, [1, 16, 21, 260])
    func poolingEqualsReference(_ reduction: PositionPool.Reduction, _ width: Int) {
        let layer = PositionPool(reduction, inputShape: [5, width])
        let reduce = reduction == .mean ? ReferenceSequences.mean : ReferenceSequences.sum
        for lengths in [Self.lengths, [5, 5, 5, 5, 5]] {
            GradientCheck.check(layer, rows: 5, context: Self.context(lengths)) { x, _ in
                ReferenceSequences.pool(x, lengths: lengths, positions: 5, width: width, reduce)
            }
        }
        // More positions than a block.
        let many = [40, 0, 33, 70]
        GradientCheck.check(
            PositionPool(reduction, inputShape: [70, width]), rows: 4, context: Self.context(many)
        ) { x, _ in ReferenceSequences.pool(x, lengths: many, positions: 70, width: width, reduce) }
        // Without lengths all positions count, those of images, too.
        GradientCheck.check(PositionPool(reduction, inputShape: [2, 3, width]), rows: 4) { x, _ in
            ReferenceSequences.pool(x, lengths: [6, 6, 6, 6], positions: 6, width: width, reduce)
        }
    }

    @Test func firstTokenEqualsReference() {
        GradientCheck.check(FirstToken(positions: 5, width: 3), rows: 5, context: Self.context(Self.lengths)) { x, _ in
            ReferenceSequences.pool(x, lengths: Self.lengths, positions: 5, width: 3) { $0[0] }
        }
    }

    @Test(arguments: [(1, 1), (3, 1), (16, 2), (24, 4), (35, 5)])
    func attentionPoolEqualsReference(_ sizes: (width: Int, heads: Int)) {
        let layer = AttentionPool(positions: 5, width: sizes.width, heads: sizes.heads)
        for lengths in [Self.lengths, [5, 5, 5, 5, 5]] {
            GradientCheck.check(layer, rows: 5, context: Self.context(lengths)) { x, p in
                ReferenceSequences.attentionPool(
                    x, queries: p[0], lengths: lengths, positions: 5, width: sizes.width, heads: sizes.heads,
                    exponential: exp)
            }
        }
    }

    static let convolutions:
        [(positions: Int, width: Int, channels: Int, kernel: Int, stride: Int, padding: Conv1d.Padding)] =
            [
                (5, 3, 4, 1, 1, .same), (5, 3, 4, 3, 1, .same), (5, 2, 17, 4, 1, .same), (5, 16, 3, 9, 1, .same),
                (5, 3, 4, 3, 1, .zeros(0)), (5, 3, 4, 2, 1, .zeros(3)), (5, 3, 4, 3, 2, .zeros(1)),
                (5, 3, 2, 2, 3, .zeros(0)),
                (5, 3, 2, 1, 4, .zeros(0)), (5, 3, 2, 5, 2, .zeros(4)),
            ]

    @Test(arguments: convolutions, [Activation.identity, .relu, .gelu])
    func convolutionEqualsReference(
        _ sizes: (positions: Int, width: Int, channels: Int, kernel: Int, stride: Int, padding: Conv1d.Padding),
        _ activation: Activation
    ) {
        for (lengths, bias) in [(Self.lengths, true), ([5, 5, 5, 5, 5], false)] {
            let layer = Conv1d(
                inputShape: [sizes.positions, sizes.width], channels: sizes.channels, kernel: sizes.kernel,
                stride: sizes.stride, padding: sizes.padding, bias: bias, activation: activation)
            let front = if case .zeros(let count) = sizes.padding { count } else { (sizes.kernel - 1) / 2 }
            let keeps = sizes.stride == 1 && layer.outputShape[0] == sizes.positions
            #expect(layer.addedPositions == (keeps ? 0 : nil))
            GradientCheck.check(layer, rows: 5, context: Self.context(lengths)) { x, p in
                ReferenceSequences.convolution(
                    x, weight: p[0], bias: bias ? p[1] : nil, lengths: lengths, positions: sizes.positions,
                    width: sizes.width, outputs: layer.outputShape[0], channels: sizes.channels, kernel: sizes.kernel,
                    stride: sizes.stride, front: front, outputLengths: keeps ? lengths : nil
                ) { ReferenceLayers.activate(activation, $0) }
            }
        }
    }

    /// More rows than a group of backward has.
    @Test func convolutionOfManyRowsEqualsReference() {
        let rows = 70, lengths = (0..<rows).map { ($0 * 7) % 41 }
        let layer = Conv1d(inputShape: [40, 2], channels: 3, kernel: 3)
        GradientCheck.check(layer, rows: rows, context: Self.context(lengths)) { x, p in
            ReferenceSequences.convolution(
                x, weight: p[0], bias: p[1], lengths: lengths, positions: 40, width: 2, outputs: 40, channels: 3,
                kernel: 3, stride: 1, front: 1, outputLengths: lengths
            ) { $0 }
        }
    }

    /// The results of a row depend neither on the other rows of the shard nor on the number of padding positions.
    @Test func rowsAndPaddingChangeNoBits() {
        func run(_ layer: some Layer, _ input: Tensor, _ lengths: [Int], _ seed: Int) -> LayerRun {
            LayerRun(
                layer, rows: input.rows, input: input,
                parameters: layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) },
                outputGradient: GradientCheck.normal([input.rows] + layer.outputShape, seed),
                context: Self.context(lengths))
        }
        let long = GradientCheck.normal([5, 5, 18], 1), lengths = [4, 2, 0, 1, 3]
        let short = Tensor([5, 4, 18])
        for row in 0..<5 {
            short.rows(row..<(row + 1)).copy(from: long.rows(row..<(row + 1)).flat(0..<(4 * 18)))
        }
        let pairs: [(any Layer, any Layer)] = [
            (AttentionPool(positions: 5, width: 18, heads: 2), AttentionPool(positions: 4, width: 18, heads: 2)),
            (PositionPool(.mean, inputShape: [5, 18]), PositionPool(.mean, inputShape: [4, 18])),
            (GlobalMaxPool(inputShape: [5, 18]), GlobalMaxPool(inputShape: [4, 18])),
            (
                Sequential([
                    Conv1d(inputShape: [5, 18], channels: 20, kernel: 3, activation: .gelu),
                    Conv1d(inputShape: [5, 20], channels: 20, kernel: 4), PositionPool(.sum, inputShape: [5, 20]),
                ]),
                Sequential([
                    Conv1d(inputShape: [4, 18], channels: 20, kernel: 3, activation: .gelu),
                    Conv1d(inputShape: [4, 20], channels: 20, kernel: 4), PositionPool(.sum, inputShape: [4, 20]),
                ])
            ),
        ]
        for (longLayer, shortLayer) in pairs {
            let a = run(longLayer, long, lengths, 2), b = run(shortLayer, short, lengths, 2)
            #expect(a.output.values == b.output.values)
            #expect(a.parameterGradients.map(\.values) == b.parameterGradients.map(\.values))
            for row in 0..<5 {
                let dx = a.inputGradient.rows(row..<(row + 1)).values
                #expect(Array(dx[..<(4 * 18)]) == b.inputGradient.rows(row..<(row + 1)).values)
                #expect(dx[(lengths[row] * 18)...].allSatisfy { $0 == 0 })
                let alone = run(longLayer, long.rows(row..<(row + 1)), [lengths[row]], 2)
                #expect(alone.output.values == a.output.rows(row..<(row + 1)).values)
            }
        }
    }

    @Test func maskingCountsPositions() {
        let layer = Masking(positions: 3, width: 2), counts = Tensor([4])
        layer.countPositions(
            of: Tensor(
                [4, 3, 2],
                [1, 0, 0, 0, 0, 0] + [0, 0, 0, 0, -0.0, 0] + [0, 0, 0, 0, 0, .nan] + [1, 2, 0, 3, 0, 0]), into: counts)
        #expect(counts.values == [1, 0, 3, 2])
        GradientCheck.check(layer, rows: 4) { x, _ in x }
    }
}
