import Networks
import Tensors
import Testing

@Suite struct EncoderTests {
    @Test func perceptronEqualsTwin() throws {
        let widths = [9, 6], rows = 4, e = 3
        let encoder = try Encoder(
            .multilayerPerceptron(widths: widths, activation: .gelu, bias: true), inputShape: [5], classes: nil, embedding: e,
            initialScale: 1, shards: 4)
        func twin(_ x: [Double], _ p: [[Double]]) -> [Double] {
            var y = x
            for (layer, outputs) in (widths + [e]).enumerated() {
                y = Twin.linear(
                    y, rows: rows, weight: p[2 * layer], bias: p[2 * layer + 1], outputs: outputs, layer < widths.count ? .gelu : .identity)
            }
            return y
        }
        try EncoderCheck.check(encoder, rows: rows, twin: twin)
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
            .multilayerPerceptron(widths: [3, 3], activation: .relu, bias: true), inputShape: [2], classes: nil, embedding: 2,
            initialScale: 1, shards: 2)
        #expect(EncoderCheck.run(encoder, rows: 2, slots: 1, slot: 0).order == [2, 1, 0])
    }

    @Test func scaleIsTheLastLayersAlone() throws {
        func parameters(_ scale: Float) throws -> [[Tensor]] {
            let encoder = try Encoder(
                .multilayerPerceptron(widths: [4], activation: .tanh, bias: true), inputShape: [3], classes: nil, embedding: 2,
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
        let expected: Double = switch activation {
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
            .multilayerPerceptron(widths: [4], activation: .identity, bias: true), inputShape: [4], classes: nil, embedding: 4,
            initialScale: 1, shards: 1)
        let weights = [0, 1].flatMap { number in
            encoder.views(of: encoder.initialParameters(philox: Philox(seed: 1), encoderNumber: number)).map { $0[0].values }
        }
        #expect(Set(weights).count == 4)
    }

    @Test func memoryIsWhatIsAllocated() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [10, 20, 30], activation: .gelu, bias: true), inputShape: [5], classes: nil, embedding: 7,
            initialScale: 1, shards: 2)
        let memory = encoder.memory(rows: 8, slots: 3)
        #expect(memory.activations == 3 * 8 * 2 * (10 + 20 + 30) * 4)
        #expect(memory.activationGradients == 8 * (30 + 20) * 4)
        #expect(EncoderWorkspace(encoder, rows: 8, slots: 3).memory == memory)
        #expect(encoder.memory(rows: 8, slots: 1, backward: false).activationGradients == 0)
    }

    @Test func impossibleEncodersAreErrors() {
        func message(_ specification: EncoderSpecification, _ shape: [Int], classes: Int? = nil, embedding: Int = 2) -> String {
            do {
                _ = try Encoder(specification, inputShape: shape, classes: classes, embedding: embedding, initialScale: 1, shards: 1)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(message(.labels, [4]).contains("labels"))
        #expect(message(.linear(bias: true), [1], classes: 10).contains("use kind labels"))
        #expect(message(.multilayerPerceptron(widths: [3], activation: .relu, bias: true), [1], classes: 10).contains("use kind labels"))
        #expect(message(.multilayerPerceptron(widths: [3, 0], activation: .relu, bias: true), [2]).contains("0 is no size"))
        #expect(message(.multilayerPerceptron(widths: [3], activation: .leakyRelu(slope: -1), bias: true), [2]).contains("slope"))
        #expect(message(.linear(bias: true), [2], embedding: 0).contains("embedding"))
        #expect(message(.linear(bias: true), [0]).contains("no numbers"))
        #expect(message(.linear(bias: true), [2]) == "")
    }
}
