import Couplet
import Testing

@testable import Extension

@Suite struct LayerTests {
    static let layers: [any Layer] = [
        LayerNormalization(inputShape: [6]), BatchNormalization(inputShape: [6]),
        Dropout(inputShape: [6], probability: 0.4), Snake(inputShape: [6], frequency: 2),
    ]

    /// A layer with the memory of a pass over some rows.
    private struct Pass {
        let layer: any Layer
        let parameters: [Tensor]
        let output: Tensor
        let saved: Tensor
        let scratch: Tensor

        init(_ layer: any Layer, rows: Int) {
            self.layer = layer
            parameters = layer.parameterShapes.enumerated().map { normalTensor($1.shape, number: UInt64(10 + $0)) }
            output = Tensor([rows] + layer.outputShape)
            saved = Tensor([layer.savedForBackwardCount(rows: rows)])
            scratch = Tensor([layer.scratchCount(rows: rows)])
        }

        func forward(_ input: Tensor, _ context: LayerContext) {
            layer.forward(
                input, parameters: parameters, output: output, savedForBackward: saved, scratch: scratch,
                context: context)
        }
    }

    @Test(arguments: layers) func theGradientIsThatOfTheOutput(layer: any Layer) {
        let input = normalTensor([7, 6], number: 1), weights = normalTensor([7, 6], number: 2)
        let pass = Pass(layer, rows: 7), inputGradient = Tensor(input.shape), outputGradient = Tensor(weights.shape)
        let parameterGradients = pass.parameters.map { Tensor($0.shape) }
        let context = LayerContext.training(philox: Philox(seed: 1), firstDraw: 5)
        outputGradient.copy(from: weights)
        pass.forward(input, context)
        layer.backward(
            input: input, output: pass.output, outputGradient: outputGradient, parameters: pass.parameters,
            parameterGradients: parameterGradients, inputGradient: inputGradient, savedForBackward: pass.saved,
            scratch: pass.scratch, context: context)
        let arguments = [(input, inputGradient)] + zip(pass.parameters, parameterGradients)
        let error = gradientError(arguments) {
            pass.forward(input, context)
            return zip(pass.output.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        #expect(error <= 1e-3)
    }

    /// A config lists the layer beside those of Couplet.
    @Test func aListNamesTheLayer() throws {
        let text = """
            data: {source: gaussian, dimensions: [4, 4], correlations: [0.9, 0.5]}
            encoders:
              embedding: 4
              first: {kind: layers, layers: [snake, {residual: [{snake: 3}]}]}
              second: {kind: linear}
            batch: {size: 64}
            train: {steps: 1}
            """
        let registry = Registry.builtIn.adding(Snake.Kind.self)
        let configuration = try Configuration.parse(text: text, name: "c.yaml", registry: registry)
        let list = try #require(configuration.encoders.first.architecture as? LayerListEncoder).list
        #expect(list[0].isEqual(to: Snake.Kind()) && list[1].isEqual(to: Residual.Kind([Snake.Kind(frequency: 3)])))
        let again = try Configuration.parse(
            text: configuration.resolvedYAML, name: "resolved.yaml", registry: registry)
        #expect(again == configuration)
        do {
            _ = try Configuration.parse(
                text: text.replacing("{snake: 3}", with: "{snake: -3}"), name: "c.yaml", registry: registry)
            Issue.record("a negative frequency was accepted")
        } catch let error as ConfigurationError {
            #expect(
                error.description.contains(
                    "c.yaml:4:61: encoders.first.layers[1].residual.layers[0].snake.frequency: wanted a number"),
                "\(error)")
        }
    }

    @Test func dropoutDependsOnTheDrawAlone() {
        let input = normalTensor([8, 6], number: 1), philox = Philox(seed: 1)
        let whole = Pass(Self.layers[2], rows: 8), half = Pass(Self.layers[2], rows: 4)
        whole.forward(input, .training(philox: philox, firstDraw: 100))
        half.forward(input.rows(4..<8), .training(philox: philox, firstDraw: 104))
        #expect(half.output.values == whole.output.rows(4..<8).values)
        #expect(whole.output.values.contains(0) && whole.output.values != input.values)
        whole.forward(input, .evaluation())
        #expect(whole.output.values == input.values)
    }

    @Test func batchNormalizationEvaluatesWithItsRunningStatistics() {
        let layer = BatchNormalization(inputShape: [1]), input = Tensor([4, 1], [1, 2, 3, 6])
        let statistics = [Tensor([1]), Tensor([1])], shard = [Tensor([1]), Tensor([1])]
        layer.initializeStatistics(statistics)
        let pass = Pass(layer, rows: 4)
        pass.parameters[0].fill(1)
        pass.parameters[1].fill(0)
        pass.forward(
            input,
            .training(philox: Philox(seed: 1), firstDraw: 0, statistics: statistics, shardStatistics: shard))
        // Mean 3, unbiased variance (4 + 1 + 0 + 9) / 3.
        #expect(shard[0][0] == 3 && shard[1][0] == Float(14.0 / 3))
        layer.updateStatistics(statistics, means: shard)
        pass.forward(input, .evaluation(statistics: statistics))
        let (mean, variance) = (0.1 * 3.0, 0.9 + 0.1 * 14 / 3)
        for (x, y) in zip(input.values, pass.output.values) {
            #expect(abs(Double(y) - (Double(x) - mean) / (variance + 1e-5).squareRoot()) <= 1e-6)
        }
    }
}
