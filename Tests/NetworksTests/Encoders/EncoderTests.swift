import CoupletNetworks
import CoupletTensors
import Dispatch
import TestSupport
import Testing

@Suite struct EncoderTests {
    @Test func perceptronEqualsReference() throws {
        let widths = [9, 6], rows = 4, e = 3
        let encoder = try Encoder(
            .multilayerPerceptron(widths: widths, activation: .gelu, bias: true), inputShape: [5], classes: nil,
            embedding: e, initialScale: 1, shards: 4)
        func reference(_ x: [Double], _ p: [[Double]]) -> [Double] {
            var y = x
            for (layer, outputs) in (widths + [e]).enumerated() {
                y = ReferenceLayers.linear(
                    y, rows: rows, weight: p[2 * layer], bias: p[2 * layer + 1], outputs: outputs,
                    layer < widths.count ? .gelu : .identity)
            }
            return y
        }
        try EncoderCheck.check(encoder, rows: rows, reference: reference)
    }

    /// The encoder consists of convolutions, a flatten in the order channels, height, width, and hidden layers, with
    /// PyTorch's shapes.
    @Test(arguments: [[1, 7, 9], [3, 8, 8], [2, 5, 4]]) func convolutionalEqualsReference(_ shape: [Int]) throws {
        let rows = 2, channels = [6, 17], hidden = [5], e = 3
        let encoder = try Encoder(
            .convolutional(channels: channels, hidden: hidden), inputShape: shape, classes: nil, embedding: e,
            initialScale: 1, shards: 2)
        try EncoderCheck.check(encoder, rows: rows) { x, p in
            var y = x, (inputs, height, width) = (shape[0], shape[1], shape[2])
            for (layer, outputs) in channels.enumerated() {
                let z = ReferenceLayers.convolution(
                    y, rows: rows, shape: (inputs, height, width), weight: p[2 * layer], bias: p[2 * layer + 1],
                    outputs: outputs)
                y = ReferenceLayers.maxPooling(
                    z.map { max(0, $0) }, images: rows * outputs, height: height, width: width)
                (inputs, height, width) = (outputs, height / 2, width / 2)
            }
            y = ReferenceLayers.linear(y, rows: rows, weight: p[4], bias: p[5], outputs: hidden[0], .relu)
            return ReferenceLayers.linear(y, rows: rows, weight: p[6], bias: p[7], outputs: e, .identity)
        }
        let paths = (0..<4).flatMap { ["\($0)/weight", "\($0)/bias"] }
        #expect(encoder.layout.entries.map(\.path) == paths)
        #expect(encoder.layout.entries[2].shape == [17, 6, 3, 3])
    }

    /// A program that calls an encoder itself gets the bits of a training: its layers flush subnormal numbers, forward
    /// and backward, and the program's own mode returns.
    @Test func layersFlushSubnormals() {
        // Layers before the first parameter have no backward pass.
        let encoder = Encoder(
            layers: [Linear(inputShape: [1], outputs: 1), ModeProbe()], initialScale: 1, shards: 1)
        let workspace = EncoderWorkspace(encoder, rows: 1, slots: 1)
        let parameters = encoder.views(of: Tensor([encoder.layout.count]))
        let input = Tensor([1, 1]), output = Tensor([1, 1]), gradient = Tensor([1, 1])
        encoder.forward(input, parameters: parameters, workspace: workspace, slot: 0, output: output)
        encoder.backward(
            input: input, output: output, outputGradient: gradient, parameters: parameters, workspace: workspace,
            slot: 0, gradients: encoder.views(of: Tensor([encoder.layout.count]))
        ) { _ in }
        #expect(output[0] == 1 && gradient[0] == 1)
        #expect(SubnormalTreatment.ofThisThread() == .kept)
    }

    /// Writes 1 where the thread flushes subnormal numbers.
    private struct ModeProbe: Layer {
        let inputShape = [1], outputShape = [1]

        func forward(
            _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
            context: LayerContext
        ) { output.fill(SubnormalTreatment.ofThisThread() == .flushed ? 1 : 0) }

        func backward(
            input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
            inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
        ) { outputGradient.fill(SubnormalTreatment.ofThisThread() == .flushed ? 1 : 0) }
    }

    /// Checks the encoder for MNIST at full size: embeddings, and gradients along random directions of each parameter.
    @Test func mnistEncoderEqualsReference() throws {
        let rows = 2
        let encoder = try Encoder(
            .convolutional(channels: [32, 64], hidden: [128]), inputShape: [1, 28, 28], classes: nil, embedding: 64,
            initialScale: 1, shards: 16)
        #expect(encoder.parameterCount == 320 + 18_496 + 3_136 * 128 + 128 + 128 * 64 + 64)
        let reference = { (x: [Double], p: [[Double]]) -> [Double] in
            let first = ReferenceLayers.convolution(
                x, rows: rows, shape: (1, 28, 28), weight: p[0], bias: p[1], outputs: 32)
            let half = ReferenceLayers.maxPooling(first.map { max(0, $0) }, images: rows * 32, height: 28, width: 28)
            let second = ReferenceLayers.convolution(
                half, rows: rows, shape: (32, 14, 14), weight: p[2], bias: p[3], outputs: 64)
            let quarter = ReferenceLayers.maxPooling(
                second.map { max(0, $0) }, images: rows * 64, height: 14, width: 14)
            let hidden = ReferenceLayers.linear(quarter, rows: rows, weight: p[4], bias: p[5], outputs: 128, .relu)
            return ReferenceLayers.linear(hidden, rows: rows, weight: p[6], bias: p[7], outputs: 64, .identity)
        }
        try EncoderCheck.check(encoder, rows: rows, entries: 3, directions: 2, step: 1e-6, reference: reference)
    }

    @Test func linearFlattensImages() throws {
        let encoder = try Encoder(
            .linear(bias: false), inputShape: [1, 3, 2], classes: nil, embedding: 2, initialScale: 1, shards: 1)
        try EncoderCheck.check(encoder, rows: 3) { x, p in
            ReferenceLayers.linear(x, rows: 3, weight: p[0], bias: nil, outputs: 2, .identity)
        }
        #expect(encoder.parameterCount == 12)
    }

    @Test func backwardCompletesTheLastLayerFirst() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [3, 3], activation: .relu, bias: true), inputShape: [2], classes: nil,
            embedding: 2, initialScale: 1, shards: 2)
        #expect(EncoderCheck.run(encoder, rows: 2, slots: 1, slot: 0).order == [2, 1, 0])
    }

    @Test func initialScaleAppliesToTheLastLayerOnly() throws {
        func parameters(_ scale: Float) throws -> [[Tensor]] {
            let encoder = try Encoder(
                .multilayerPerceptron(widths: [4], activation: .tanh, bias: true), inputShape: [3], classes: nil,
                embedding: 2, initialScale: scale, shards: 2)
            return encoder.views(of: encoder.initialParameters(philox: Philox(seed: 1), encoderNumber: 0))
        }
        let whole = try parameters(1), half = try parameters(0.5)
        #expect(whole[0][0].values == half[0][0].values)
        #expect(whole[1][0].values.map { $0 * 0.5 } == half[1][0].values)
        #expect(whole[1][0].values.contains { $0 != 0 })
    }

    @Test func encodersAndLayersStartWithDifferentParameters() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [4], activation: .identity, bias: true), inputShape: [4], classes: nil,
            embedding: 4, initialScale: 1, shards: 1)
        let weights = [0, 1].flatMap { number in
            encoder.views(of: encoder.initialParameters(philox: Philox(seed: 1), encoderNumber: number)).map {
                $0[0].values
            }
        }
        #expect(Set(weights).count == 4)
    }

    @Test func memoryMatchesTheWorkspace() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [10, 20, 30], activation: .gelu, bias: true), inputShape: [5], classes: nil,
            embedding: 7, initialScale: 1, shards: 2)
        let memory = encoder.memory(rows: 8, slots: 3)
        #expect(memory.activations == 3 * 8 * 2 * (10 + 20 + 30) * 4)
        #expect(memory.activationGradients == 8 * (30 + 20) * 4)
        #expect(EncoderWorkspace(encoder, rows: 8, slots: 3).memory == memory)
        #expect(encoder.memory(rows: 8, slots: 1, backward: false).activationGradients == 0)
    }

    /// Workers are threads that run the same encoder concurrently.
    @Test func resultsDoNotDependOnThreads() throws {
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
