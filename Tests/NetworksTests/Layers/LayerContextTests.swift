import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct LayerContextTests {
    private static let rows = 6, width = 10

    /// Output of an encoder of dropouts alone, on an input of ones, in training.
    private func run(
        _ layers: [any Layer], seed: UInt64 = 1, encoder number: Int = 0, input: Int = 0, firstDraw: UInt64 = 40,
        rows: Int = Self.rows
    ) -> [Float] {
        let encoder = Encoder(layers: layers, shards: 1)
        let workspace = EncoderWorkspace(encoder, rows: rows, slots: 1)
        let ones = Tensor([rows, Self.width]), output = Tensor([rows, Self.width])
        ones.fill(1)
        encoder.forward(
            ones, parameters: encoder.views(of: Tensor([encoder.layout.count])), workspace: workspace, slot: 0,
            output: output,
            context: .training(
                philox: Philox(seed: seed), encoderNumber: number, input: input, firstDraw: firstDraw))
        return output.values
    }

    private var dropout: OwnDropout { OwnDropout(inputShape: [Self.width], probability: 0.5) }
    private var identity: ActivationLayer { ActivationLayer(.identity, shape: [Self.width]) }

    /// A row's numbers are the same in every shard that contains the row.
    @Test func numbersDependOnTheDrawNotOnTheShard() {
        let all = run([dropout])
        #expect(all == run([dropout]))
        #expect(all.contains(0) && all.contains(2) && all.allSatisfy { $0 == 0 || $0 == 2 })
        for row in 0..<Self.rows {
            let single = run([dropout], firstDraw: 40 + UInt64(row), rows: 1)
            #expect(Array(all[(row * Self.width)..<((row + 1) * Self.width)]) == single)
        }
        // The second batch's draws are 2⁶³ later.
        #expect(run([dropout], firstDraw: 40 + 1 << 63) != all)
    }

    /// Every part of the key changes the numbers: seed, encoder, input, and the path of the layer.
    @Test func differentKeysHaveDifferentNumbers() {
        let masks = [
            run([dropout]), run([dropout], seed: 2), run([dropout], encoder: 1), run([dropout], input: 1),
            run([dropout], encoder: 1, input: 1), run([dropout], firstDraw: 41), run([identity, dropout]),
            run([Sequential([dropout])]), run([Sequential([identity, dropout])]),
            run([Sequential([identity, Sequential([dropout])])]),
            // x + f(x) of ones is 1 or 3.
            run([Residual([dropout])]).map { $0 - 1 },
            run([identity, Residual([identity], projection: dropout)]).map { $0 - 1 },
        ]
        #expect(masks.allSatisfy { $0.allSatisfy { $0 == 0 || $0 == 2 } })
        #expect(Set(masks).count == masks.count)
    }

    /// The documented key: derived seeds for encoder, input and path, then the stream `.dropout` of the draw.
    @Test func theKeyIsDocumented() {
        let philox = Philox(seed: 9).derived(1).derived(2).derived(0).derived(1)
        let expected = (0..<Self.rows).flatMap { row -> [Float] in
            let uniforms = Tensor([Self.width])
            philox.fillUniform(uniforms, .dropout, number: 40 + UInt64(row))
            return uniforms.values.map { $0 < 0.5 ? 0 : 2 }
        }
        #expect(run([Sequential([identity, dropout])], seed: 9, encoder: 1, input: 2) == expected)
    }

    /// With one slot, forward runs again before each backward. It gives the same mask, hence the same gradient.
    @Test func recomputationGivesTheSameNumbers() {
        let encoder = Encoder(
            layers: [
                Linear(inputShape: [3], outputs: Self.width),
                Residual([dropout, Linear(inputShape: [Self.width], outputs: Self.width)]),
            ], shards: 1)
        let parameters = encoder.views(of: encoder.initialParameters(philox: Philox(seed: 3), encoderNumber: 0))
        let input = GradientCheck.normal([Self.rows, 3], 1), outputGradient = GradientCheck.normal([Self.rows, 10], 2)
        let workspace = EncoderWorkspace(encoder, rows: Self.rows, slots: 1)
        func gradient(afterOtherShard: Bool) -> [Float] {
            func context(_ draw: UInt64) -> EncoderContext {
                .training(philox: Philox(seed: 5), encoderNumber: 0, input: 0, firstDraw: draw)
            }
            let output = Tensor([Self.rows, Self.width]), gradient = Tensor([encoder.layout.count])
            for draw in afterOtherShard ? [6, 12, 6] : [6] as [UInt64] {
                encoder.forward(
                    input, parameters: parameters, workspace: workspace, slot: 0, output: output,
                    context: context(draw))
            }
            let copy = Tensor(outputGradient.shape, outputGradient.values)
            encoder.backward(
                input: input, output: output, outputGradient: copy, parameters: parameters, workspace: workspace,
                slot: 0, gradients: encoder.views(of: gradient), context: context(6)
            ) { _ in }
            return gradient.values
        }
        #expect(gradient(afterOtherShard: false) == gradient(afterOtherShard: true))
    }

    @Test func dropoutHasTheGradientOfItsMask() {
        let context = LayerContext.training(philox: Philox(seed: 4), firstDraw: 7)
        let uniforms = Tensor([Self.rows, Self.width])
        context.fillUniform(uniforms)
        GradientCheck.check(OwnDropout(inputShape: [Self.width], probability: 0.25), rows: Self.rows, context: context)
        {
            x, _ in zip(x, uniforms.values).map { $1 < 0.25 ? 0 : $0 / 0.75 }
        }
        // An evaluation keeps every value.
        GradientCheck.check(dropout, rows: 2) { x, _ in x }
    }
}
