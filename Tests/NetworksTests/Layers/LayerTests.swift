import CoupletNetworks
import CoupletTensors
import Testing

/// Properties that every layer must have.
@Suite struct LayerTests {
    static let layers: [any Layer] = [
        Linear(inputShape: [150], outputs: 37, activation: .leakyRelu(slope: 0.01)),
        Linear(inputShape: [33], outputs: 64, activation: .gelu),
        Linear(inputShape: [64], outputs: 5, activation: .tanh),
        PooledConvolution(inputShape: [1, 28, 28], channels: 32),
        PooledConvolution(inputShape: [3, 9, 9], channels: 20),
        PooledConvolution(inputShape: [32, 14, 14], channels: 64),
        PooledConvolution(inputShape: [20, 7, 7], channels: 9),
        ActivationLayer(.gelu, shape: [3, 7]),
        Sequential([Linear(inputShape: [33], outputs: 21, activation: .gelu), Linear(inputShape: [21], outputs: 4)]),
        Residual(
            [PooledConvolution(inputShape: [3, 9, 9], channels: 5), Linear(inputShape: [5, 4, 4], outputs: 7)],
            projection: Linear(inputShape: [3, 9, 9], outputs: 7, activation: .gelu)),
        SelfAttention(inputShape: [70, 15], heads: 3),
        TransformerBlock(inputShape: [9, 33], heads: 3, hidden: 47),
        PatchEmbedding(inputShape: [3, 9, 9], patch: 4, width: 7),
    ]

    @Test(arguments: layers.indices) func resultsDoNotDependOnAlignment(_ index: Int) {
        checkAlignment(Self.layers[index])
    }

    private func checkAlignment(_ layer: some Layer) {
        let rows = 6, input = GradientCheck.normal([rows] + layer.inputShape, 1)
        let parameters = layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let gradient = GradientCheck.normal([rows] + layer.outputShape, 2)
        let runs = [0, 1, 5, 13].map {
            LayerRun(layer, rows: rows, input: input, parameters: parameters, outputGradient: gradient, shift: $0)
        }
        for run in runs {
            #expect(run.output.values == runs[0].output.values)
            #expect(run.inputGradient.values == runs[0].inputGradient.values)
            #expect(run.parameterGradients.map(\.values) == runs[0].parameterGradients.map(\.values))
            #expect(run.output.values.allSatisfy { $0.isFinite } && run.inputGradient.values.allSatisfy { $0.isFinite })
        }
    }
}
