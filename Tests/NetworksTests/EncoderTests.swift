import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct EncoderTests {
    @Test func perceptronEqualsTwin() throws {
        let widths = [9, 6], rows = 4, e = 3
        let encoder = try Encoder(
            .multilayerPerceptron(widths: widths, activation: .gelu, bias: true), inputShape: [5], classes: nil,
            embedding: e,
            initialScale: 1, shards: 4)
        func twin(_ x: [Double], _ p: [[Double]]) -> [Double] {
            var y = x
            for (layer, outputs) in (widths + [e]).enumerated() {
                y = Twin.linear(
                    y, rows: rows, weight: p[2 * layer], bias: p[2 * layer + 1], outputs: outputs,
                    layer < widths.count ? .gelu : .identity)
            }
            return y
        }
        try EncoderCheck.check(encoder, rows: rows, twin: twin)
    }

    /// Convolutions, the flatten in channels, height, width order and hidden layers, in PyTorch's shapes.
    @Test(arguments: [[1, 7, 9], [3, 8, 8], [2, 5, 4]]) func convolutionalEqualsTwin(_ shape: [Int]) throws {
        let rows = 2, channels = [6, 17], hidden = [5], e = 3
        let encoder = try Encoder(
            .convolutional(channels: channels, hidden: hidden), inputShape: shape, classes: nil, embedding: e,
            initialScale: 1, shards: 2)
        try EncoderCheck.check(encoder, rows: rows) { x, p in
            var y = x, (inputs, height, width) = (shape[0], shape[1], shape[2])
            for (layer, outputs) in channels.enumerated() {
                let z = Twin.convolution(
                    y, rows: rows, shape: (inputs, height, width), weight: p[2 * layer], bias: p[2 * layer + 1],
                    outputs: outputs)
                y = Twin.maxPooling(z.map { max(0, $0) }, images: rows * outputs, height: height, width: width)
                (inputs, height, width) = (outputs, height / 2, width / 2)
            }
            y = Twin.linear(y, rows: rows, weight: p[4], bias: p[5], outputs: hidden[0], .relu)
            return Twin.linear(y, rows: rows, weight: p[6], bias: p[7], outputs: e, .identity)
        }
        let paths = (0..<4).flatMap { ["\($0)/weight", "\($0)/bias"] }
        #expect(encoder.layout.entries.map(\.path) == paths)
        #expect(encoder.layout.entries[2].shape == [17, 6, 3, 3])
    }

    /// The encoder for MNIST at its full size: embeddings, and gradients along random directions of each parameter.
    @Test func mnistEncoderEqualsTwin() throws {
        let rows = 2
        let encoder = try Encoder(
            .convolutional(channels: [32, 64], hidden: [128]), inputShape: [1, 28, 28], classes: nil, embedding: 64,
            initialScale: 1,
            shards: 16)
        #expect(encoder.parameterCount == 320 + 18_496 + 3_136 * 128 + 128 + 128 * 64 + 64)
        let twin = { (x: [Double], p: [[Double]]) -> [Double] in
            let first = Twin.convolution(x, rows: rows, shape: (1, 28, 28), weight: p[0], bias: p[1], outputs: 32)
            let half = Twin.maxPooling(first.map { max(0, $0) }, images: rows * 32, height: 28, width: 28)
            let second = Twin.convolution(half, rows: rows, shape: (32, 14, 14), weight: p[2], bias: p[3], outputs: 64)
            let quarter = Twin.maxPooling(second.map { max(0, $0) }, images: rows * 64, height: 14, width: 14)
            let hidden = Twin.linear(quarter, rows: rows, weight: p[4], bias: p[5], outputs: 128, .relu)
            return Twin.linear(hidden, rows: rows, weight: p[6], bias: p[7], outputs: 64, .identity)
        }
        try EncoderCheck.check(encoder, rows: rows, entries: 3, directions: 2, step: 1e-6, twin: twin)
    }

    @Test func linearFlattensImages() throws {
        let encoder = try Encoder(
            .linear(bias: false), inputShape: [1, 3, 2], classes: nil, embedding: 2, initialScale: 1, shards: 1)
        try EncoderCheck.check(encoder, rows: 3) { x, p in
            Twin.linear(x, rows: 3, weight: p[0], bias: nil, outputs: 2, .identity)
        }
        #expect(encoder.parameterCount == 12)
    }

    @Test func gradientsComeLastLayerFirst() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [3, 3], activation: .relu, bias: true), inputShape: [2], classes: nil,
            embedding: 2,
            initialScale: 1, shards: 2)
        #expect(EncoderCheck.run(encoder, rows: 2, slots: 1, slot: 0).order == [2, 1, 0])
    }

    @Test func scaleIsTheLastLayersAlone() throws {
        func parameters(_ scale: Float) throws -> [[Tensor]] {
            let encoder = try Encoder(
                .multilayerPerceptron(widths: [4], activation: .tanh, bias: true), inputShape: [3], classes: nil,
                embedding: 2,
                initialScale: scale, shards: 2)
            return encoder.views(of: encoder.initialParameters(philox: Philox(seed: 1), encoderNumber: 0))
        }
        let whole = try parameters(1), half = try parameters(0.5)
        #expect(whole[0][0].values == half[0][0].values)
        #expect(whole[1][0].values.map { $0 * 0.5 } == half[1][0].values)
        #expect(whole[1][0].values.contains { $0 != 0 })
    }

    @Test(arguments: [Activation.identity, .relu, .leakyRelu(slope: 0.5), .gelu, .tanh])
    func initialVariance(_ activation: Activation) {
        let layer = Linear(inputShape: [300], outputs: 200, activation: activation)
        let parameters = layer.parameterShapes.map { Tensor($0.shape) }
        parameters[1].fill(.nan)
        layer.initialize(parameters, philox: Philox(seed: 3), number: 5, scale: 1)
        let expected: Double =
            switch activation {
            case .identity: 1.0 / 300
            case .relu, .gelu: 2.0 / 300
            case .leakyRelu: 2.0 / (1.25 * 300)
            case .tanh: 2.0 / 500
            }
        let values = parameters[0].values.map(Double.init), count = Double(values.count)
        let mean = values.reduce(0, +) / count, variance = values.reduce(0) { $0 + $1 * $1 } / count
        // The mean of n uniform numbers deviates by √(variance / n), their mean square by √(4/5 / n) of itself: five of each.
        #expect(abs(mean) <= 5 * (expected / count).squareRoot())
        #expect(abs(variance / expected - 1) <= 5 * (0.8 / count).squareRoot())
        #expect(parameters[1].values.allSatisfy { $0 == 0 })
    }

    @Test func labelsStartWithUnitLength() throws {
        let encoder = try Encoder(.labels, inputShape: [1], classes: 2_000, embedding: 16, initialScale: 2, shards: 1)
        let weight = encoder.views(of: encoder.initialParameters(philox: Philox(seed: 3), encoderNumber: 1))[0][0]
        let square = weight.values.reduce(0.0) { $0 + Double($1) * Double($1) } / 2_000
        #expect(abs(square / 4 - 1) <= 5 * (2.0 / 32_000).squareRoot())
    }

    @Test func encodersAndLayersDrawApart() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [4], activation: .identity, bias: true), inputShape: [4], classes: nil,
            embedding: 4,
            initialScale: 1, shards: 1)
        let weights = [0, 1].flatMap { number in
            encoder.views(of: encoder.initialParameters(philox: Philox(seed: 1), encoderNumber: number)).map {
                $0[0].values
            }
        }
        #expect(Set(weights).count == 4)
    }

    @Test func memoryIsWhatIsAllocated() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [10, 20, 30], activation: .gelu, bias: true), inputShape: [5], classes: nil,
            embedding: 7,
            initialScale: 1, shards: 2)
        let memory = encoder.memory(rows: 8, slots: 3)
        #expect(memory.activations == 3 * 8 * 2 * (10 + 20 + 30) * 4)
        #expect(memory.activationGradients == 8 * (30 + 20) * 4)
        #expect(EncoderWorkspace(encoder, rows: 8, slots: 3).memory == memory)
        #expect(encoder.memory(rows: 8, slots: 1, backward: false).activationGradients == 0)
    }

    @Test func impossibleEncodersAreErrors() {
        func message(_ specification: EncoderSpecification, _ shape: [Int], classes: Int? = nil, embedding: Int = 2)
            -> String
        {
            do {
                _ = try Encoder(
                    specification, inputShape: shape, classes: classes, embedding: embedding, initialScale: 1, shards: 1
                )
                return ""
            } catch {
                return error.description
            }
        }
        #expect(message(.labels, [4]).contains("labels"))
        #expect(message(.linear(bias: true), [1], classes: 10).contains("use kind labels"))
        #expect(
            message(.multilayerPerceptron(widths: [3], activation: .relu, bias: true), [1], classes: 10).contains(
                "use kind labels"))
        #expect(
            message(.multilayerPerceptron(widths: [3, 0], activation: .relu, bias: true), [2]).contains("0 is no size"))
        #expect(
            message(.multilayerPerceptron(widths: [3], activation: .leakyRelu(slope: -1), bias: true), [2]).contains(
                "slope"))
        #expect(message(.linear(bias: true), [2], embedding: 0).contains("embedding"))
        #expect(message(.linear(bias: true), [0]).contains("no numbers"))
        #expect(message(.convolutional(channels: [4], hidden: []), [8]).contains("needs images"))
        #expect(
            message(.convolutional(channels: [4, 4, 4], hidden: []), [1, 7, 28]).contains(
                "only 2 times; list at most 2"))
        #expect(message(.convolutional(channels: [4], hidden: []), [1, 1, 28]).contains("use kind mlp"))
        #expect(message(.convolutional(channels: [], hidden: []), [1, 8, 8]).contains("without channels"))
        #expect(message(.convolutional(channels: [4, -1], hidden: []), [1, 8, 8]).contains("-1 is no size"))
        #expect(message(.convolutional(channels: [4], hidden: []), [1], classes: 3).contains("use kind labels"))
        #expect(message(.convolutional(channels: [4, 4], hidden: []), [1, 7, 28]) == "")
        #expect(message(.linear(bias: true), [2]) == "")
    }
}
