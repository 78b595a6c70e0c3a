import CoupletNetworks
import CoupletTensors
import Testing

/// `Linear` over the last axis, and layers that apply an activation in the same pass.
@Suite struct LinearOverLastAxisTests {
    @Test(arguments: ActivationTests.activations) func equalsReference(_ activation: Activation) {
        let layer = Linear(inputShape: [3, 2, 7], outputs: 5, activation: activation, overLastAxis: true)
        #expect(layer.outputShape == [3, 2, 5] && layer.parameterShapes[0].shape == [5, 7])
        GradientCheck.check(layer, rows: 4) { x, p in
            ReferenceLayers.linear(x, rows: 24, weight: p[0], bias: p[1], outputs: 5, activation)
        }
    }

    /// Positions of padding are zero in the output, have no gradient and add none to the parameters.
    @Test(arguments: [Activation.identity, .relu, .gelu]) func paddingIsSkipped(_ activation: Activation) {
        let layer = Linear(inputShape: [5, 7], outputs: 18, activation: activation, overLastAxis: true)
        let lengths = SequenceLayerTests.lengths
        GradientCheck.check(layer, rows: 5, context: SequenceLayerTests.context(lengths)) { x, p in
            ReferenceSequences.convolution(
                x, weight: p[0], bias: p[1], lengths: lengths, positions: 5, width: 7, outputs: 5, channels: 18,
                kernel: 1, stride: 1, front: 0, outputLengths: lengths
            ) { ReferenceLayers.activate(activation, $0) }
        }
        func run(_ context: LayerContext) -> LayerRun {
            LayerRun(
                layer, rows: 5, input: GradientCheck.normal([5, 5, 7], 1),
                parameters: [GradientCheck.normal([18, 7], 2), GradientCheck.normal([18], 3)],
                outputGradient: GradientCheck.normal([5, 5, 18], 4), context: context)
        }
        // Valid positions have the bits of a pass without lengths; so have all, if none is padding.
        let whole = run(.evaluation()), padded = run(SequenceLayerTests.context(lengths))
        for (row, length) in lengths.enumerated() {
            let a = whole.output.rows(row..<(row + 1)).values, b = padded.output.rows(row..<(row + 1)).values
            #expect(a[..<(length * 18)] == b[..<(length * 18)])
        }
        let full = run(SequenceLayerTests.context([5, 5, 5, 5, 5]))
        #expect(full.output.values == whole.output.values && full.inputGradient.values == whole.inputGradient.values)
        #expect(full.parameterGradients.map(\.values) == whole.parameterGradients.map(\.values))
    }

    /// The layer with an activation has the bits of the layer and an `ActivationLayer`, also in blocks of rows.
    @Test(arguments: ActivationTests.activations) func activationInTheSamePassChangesNoBits(_ activation: Activation) {
        let layers: [(any Layer, rows: Int)] = [
            (Linear(inputShape: [3, 7], outputs: 5, overLastAxis: true), 4),
            (Linear(inputShape: [3, 7], outputs: 5, bias: false, overLastAxis: true), 4),
            (Linear(inputShape: [30, 9], outputs: 33, overLastAxis: true), 23),
            (Linear(inputShape: [9], outputs: 70), 600),
            (Conv1d(inputShape: [6, 5], channels: 7, kernel: 3), 8),
            (Conv1d(inputShape: [6, 5], channels: 7, kernel: 3, stride: 2, padding: .zeros(2), bias: false), 8),
        ]
        for (layer, rows) in layers {
            let lengths = layer is Conv1d ? (0..<rows).map { $0 % 7 } : [Int](repeating: 30, count: rows)
            let context = SequenceLayerTests.context(lengths)
            func run(_ layer: some Layer) -> LayerRun {
                LayerRun(
                    layer, rows: rows, input: GradientCheck.normal([rows] + layer.inputShape, 1),
                    parameters: layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) },
                    outputGradient: GradientCheck.normal([rows] + layer.outputShape, 2), context: context)
            }
            guard let fused = layer.applying(activation) else {
                Issue.record("\(layer) applies no activation")
                continue
            }
            let a = run(Sequential([layer, ActivationLayer(activation, shape: layer.outputShape)])), b = run(fused)
            #expect(a.output.values == b.output.values)
            #expect(a.inputGradient.values == b.inputGradient.values)
            #expect(a.parameterGradients.map(\.values) == b.parameterGradients.map(\.values))
            #expect(activation == .identity || fused.applying(.relu) == nil)
        }
    }
}
