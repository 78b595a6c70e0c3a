import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct DropoutTests {
    /// The layer and one that a program outside Couplet writes by `fillUniform` give the same bits, for widths around
    /// the kernel's blocks of 16 and 64 numbers and for odd numbers of rows.
    @Test(arguments: [1, 3, 16, 50, 63, 64, 65, 130, 192], [1, 2, 7])
    func usesTheNumbersOfTheContext(_ width: Int, _ rows: Int) {
        let context = LayerContext.training(philox: Philox(seed: 4), firstDraw: 1 << 32 - 3)
        let input = GradientCheck.normal([rows, width], 1), gradient = GradientCheck.normal([rows, width], 2)
        for probability in [0, 0.1, 0.25, 0.5, 0.999] as [Float] {
            func run(_ layer: some Layer, shift: Int = 0) -> [[Float]] {
                let run = LayerRun(
                    layer, rows: rows, input: input, parameters: [], outputGradient: gradient, shift: shift,
                    context: context)
                return [run.output.values, run.inputGradient.values]
            }
            let uniforms = Tensor([rows, width])
            context.fillUniform(uniforms)
            let expected = [input, gradient].map { values in
                zip(values.values, uniforms.values).map { $1 < probability ? 0 : $0 * (1 / (1 - probability)) }
            }
            #expect(run(Dropout(inputShape: [width], probability: probability)) == expected)
            #expect(run(Dropout(inputShape: [width], probability: probability), shift: 1) == expected)
        }
    }

    /// About p of the values are zero; the others grow, so that the mean stays. An evaluation keeps every value.
    @Test func dropsTheShareThatItIsGiven() {
        let layer = Dropout(inputShape: [40, 25], probability: 0.3), ones = Tensor([100, 40, 25])
        ones.fill(1)
        func output(_ context: LayerContext) -> [Float] {
            LayerRun(layer, rows: 100, input: ones, parameters: [], outputGradient: ones, context: context).output
                .values
        }
        let values = output(.training(philox: Philox(seed: 1), firstDraw: 0))
        let zeros = values.count { $0 == 0 }
        // Five standard deviations of a binomial distribution.
        #expect(abs(Double(zeros) - 30_000) < 5 * (100_000 * 0.21).squareRoot())
        #expect(values.allSatisfy { $0 == 0 || $0 == 1 / (1 - 0.3 as Float) })
        #expect(output(.evaluation()) == ones.values)
    }

    @Test func hasTheGradientOfItsMask() {
        let context = LayerContext.training(philox: Philox(seed: 4), firstDraw: 7), uniforms = Tensor([6, 10])
        context.fillUniform(uniforms)
        GradientCheck.check(Dropout(inputShape: [5, 2], probability: 0.25), rows: 6, context: context) { x, _ in
            zip(x, uniforms.values).map { $1 < 0.25 ? 0 : $0 / 0.75 }
        }
    }

    /// Batch normalisation and dropout in an encoder: the slots of a workspace and a repeated forward pass give the
    /// same bits.
    @Test func encodersKeepOrRecompute() {
        let encoder = Encoder(
            layers: [
                Linear(inputShape: [6], outputs: 20), BatchNorm(inputShape: [20], activation: .relu),
                Dropout(inputShape: [20], probability: 0.2),
                Residual([LayerNorm(inputShape: [20]), ActivationLayer(.gelu, shape: [20])]),
                GroupNorm(inputShape: [20], groups: 4), Linear(inputShape: [20], outputs: 3),
            ], shards: 1)
        let parameters = encoder.views(of: EncoderCheck.initial(encoder)), rows = 9
        let statistics = encoder.statisticsViews(of: encoder.initialStatistics())
        func inputs(_ shard: Int) -> Tensor { GradientCheck.normal([rows, 6], 30 + shard) }
        func context(_ shard: Int) -> EncoderContext {
            .training(
                philox: Philox(seed: 2), encoderNumber: 0, input: 0, firstDraw: UInt64(shard * rows),
                statistics: statistics)
        }
        func gradients(slots: Int) -> [[Float]] {
            let workspace = EncoderWorkspace(encoder, rows: rows, slots: slots)
            let outputs = (0..<3).map { _ in Tensor([rows, 3]) }
            func forward(_ shard: Int) {
                encoder.forward(
                    inputs(shard), parameters: parameters, workspace: workspace, slot: shard % slots,
                    output: outputs[shard], context: context(shard))
            }
            (0..<3).forEach(forward)
            return (0..<3).flatMap { shard in
                if slots == 1 { forward(shard) }
                let gradient = Tensor([encoder.layout.count])
                encoder.backward(
                    input: inputs(shard), output: outputs[shard], outputGradient: GradientCheck.normal([rows, 3], 3),
                    parameters: parameters, workspace: workspace, slot: shard % slots,
                    gradients: encoder.views(of: gradient), context: context(shard)
                ) { _ in }
                return [outputs[shard].values, gradient.values]
            }
        }
        #expect(gradients(slots: 3) == gradients(slots: 1))
    }

    @Test func kindsMakeLayers() {
        #expect((Dropout.Kind(probability: 0.1).layer(inputShape: [3, 4]) as? Dropout)?.probability == 0.1)
        let kinds: [(any LayerKind, Activation)] = [
            (ActivationLayer.Relu(), .relu), (ActivationLayer.LeakyRelu(slope: 0.3), .leakyRelu(slope: 0.3)),
            (ActivationLayer.Gelu(), .gelu), (ActivationLayer.Tanh(), .tanh),
        ]
        for (kind, activation) in kinds {
            let layer = try? kind.layer(inputShape: [3, 4]) as? ActivationLayer
            #expect(
                layer?.activation == activation && layer?.inputShape == [3, 4] && layer?.tableName == kind.kindName)
        }
    }

    /// A layer of its own and the pass after a product have the same bits.
    @Test(arguments: ActivationTests.activations) func activationLayersHaveTheBitsOfOthers(_ activation: Activation) {
        let rows = 300, input = GradientCheck.normal([rows, 1], 5), gradient = GradientCheck.normal([rows, 1], 6)
        for i in 0..<rows { input[i] *= 4 }
        let one = Tensor([1, 1], [1])
        let linear = LayerRun(
            Linear(inputShape: [1], outputs: 1, bias: false, activation: activation), rows: rows, input: input,
            parameters: [one], outputGradient: gradient)
        let own = LayerRun(
            ActivationLayer(activation, shape: [1]), rows: rows, input: input, parameters: [],
            outputGradient: gradient)
        #expect(own.output.values == linear.output.values)
        #expect(own.inputGradient.values == linear.inputGradient.values)
    }
}
