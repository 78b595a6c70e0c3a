import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct WeightInitializationTests {
    @Test(arguments: [Activation.identity, .relu, .leakyRelu(slope: 0.5), .gelu, .tanh])
    func varianceOfLinear(_ activation: Activation) {
        let layer = Linear(inputShape: [300], outputs: 200, activation: activation)
        let parameters = layer.parameterShapes.map { Tensor($0.shape) }
        parameters[1].fill(.nan)
        layer.initialize(parameters, philox: Philox(seed: 3), firstNumber: 5, scale: 1)
        let expected: Double =
            switch activation {
            case .identity: 1.0 / 300
            case .relu, .gelu: 2.0 / 300
            case .leakyRelu: 2.0 / (1.25 * 300)
            case .tanh: 2.0 / 500
            }
        let values = parameters[0].values.map(Double.init), count = Double(values.count)
        let mean = values.reduce(0, +) / count, variance = values.reduce(0) { $0 + $1 * $1 } / count
        // Standard deviations: the mean of n uniform numbers √(variance / n), their mean square √(4/5 / n) relative to
        // its expectation. The limits are five of each.
        #expect(abs(mean) <= 5 * (expected / count).squareRoot())
        #expect(abs(variance / expected - 1) <= 5 * (0.8 / count).squareRoot())
        #expect(parameters[1].values.allSatisfy { $0 == 0 })
    }

    /// He et al.: variance 2 / (9 · in).
    @Test func varianceOfPooledConvolution() {
        let layer = PooledConvolution(inputShape: [32, 4, 4], channels: 64)
        let parameters = layer.parameterShapes.map { Tensor($0.shape) }
        layer.initialize(parameters, philox: Philox(seed: 3), firstNumber: 5, scale: 1)
        let values = parameters[0].values.map(Double.init), count = Double(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / count
        #expect(abs(variance * 9 * 32 / 2 - 1) <= 5 * (0.8 / count).squareRoot())
    }
}
