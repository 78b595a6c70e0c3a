import CoupletNetworks
import CoupletTensors
import Dispatch
import Testing

/// Results depend on the numbers that go in, not on where they lie.
@Suite struct BitsTests {
    static let layers: [any Layer] = [
        Linear(inputShape: [150], outputs: 37, activation: .leakyRelu(slope: 0.01)),
        Linear(inputShape: [33], outputs: 64, activation: .gelu),
        Linear(inputShape: [64], outputs: 5, activation: .tanh),
        PooledConvolution(inputShape: [1, 28, 28], channels: 32),
        PooledConvolution(inputShape: [3, 9, 9], channels: 20),
        PooledConvolution(inputShape: [32, 14, 14], channels: 64),
        PooledConvolution(inputShape: [20, 7, 7], channels: 9),
    ]

    @Test(arguments: layers.indices) func alignmentDoesNotCount(_ index: Int) { alignment(Self.layers[index]) }

    private func alignment(_ layer: some Layer) {
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

    /// Workers are threads that run the same encoder side by side.
    @Test func threadsDoNotCount() throws {
        let specifications: [(EncoderSpecification, [Int])] = [
            (.convolutional(channels: [32, 20], hidden: [64]), [1, 28, 28]),
            (.multilayerPerceptron(widths: [150, 384], activation: .gelu, bias: true), [15]),
        ]
        for (specification, shape) in specifications {
            let encoder = try Encoder(
                specification, inputShape: shape, classes: nil, embedding: 5, initialScale: 1, shards: 4)
            let alone = EncoderCheck.run(encoder, rows: 64, slots: 1, slot: 0).gradient
            let results = Tensor([4, encoder.layout.count])
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                results.rows(thread..<(thread + 1)).copy(
                    from: EncoderCheck.run(encoder, rows: 64, slots: 1, slot: 0).gradient)
            }
            for thread in 0..<4 { #expect(results.rows(thread..<(thread + 1)).values == alone.values) }
        }
    }
}
