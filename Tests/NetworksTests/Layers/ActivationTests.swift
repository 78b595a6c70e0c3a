import CoupletNetworks
import CoupletTensors
import Foundation
import Testing

@Suite struct ActivationTests {
    static let activations: [Activation] = [
        .identity, .relu, .leakyRelu(slope: 0.01), .leakyRelu(slope: 0.2), .gelu, .tanh,
    ]

    /// Values are exact to the error that the kernels state, derivatives to 1e-6.
    @Test(arguments: activations) func activationErrors(_ activation: Activation) {
        let values =
            stride(from: Float(-20), through: 20, by: 0.00317).map { $0 } + [0, 1e-6, -1e-6, 0.625, -0.625, 100, -100]
        let layer = Linear(inputShape: [1], outputs: 1, bias: false, activation: activation)
        let ones = Tensor([values.count, 1])
        ones.fill(1)
        let run = LayerRun(
            layer, rows: values.count, input: Tensor([values.count, 1], values), parameters: [Tensor([1, 1], [1])],
            outputGradient: ones)
        for (i, z) in values.enumerated() {
            let expected = ReferenceLayers.activate(activation, Double(z))
            #expect(abs(Double(run.output[i]) - expected) <= 3e-7 * max(1, abs(expected)), "f(\(z))")
            if activation == .tanh {
                #expect(abs(Double(run.output[i]) - expected) <= 3e-7 * abs(expected), "tanh(\(z))")
            }
            if abs(z) > 1e-3 {
                let step = 1e-5
                let slope =
                    (ReferenceLayers.activate(activation, Double(z) + step)
                        - ReferenceLayers.activate(activation, Double(z) - step))
                    / (2 * step)
                #expect(abs(Double(run.inputGradient[i]) - slope) <= 1e-6, "f'(\(z))")
            }
        }
    }

    /// x Φ(x) keeps its relative precision where Φ(x) is tiny, as does its derivative away from its root at -0.75.
    @Test func geluIsPreciseInItsTail() {
        let values = stride(from: Float(-12.5), through: 5, by: 0.00071).filter { $0 != 0 }
        let ones = Tensor([values.count, 1])
        ones.fill(1)
        let run = LayerRun(
            Linear(inputShape: [1], outputs: 1, bias: false, activation: .gelu), rows: values.count,
            input: Tensor([values.count, 1], values), parameters: [Tensor([1, 1], [1])], outputGradient: ones)
        for (i, value) in values.enumerated() {
            let z = Double(value), distribution = 0.5 * erfc(-z / 2.0.squareRoot())
            let derivative = distribution + z * exp(-z * z / 2) / (2 * Double.pi).squareRoot()
            #expect(abs(Double(run.output[i]) - z * distribution) <= 5e-7 * abs(z * distribution), "f(\(z))")
            if z < -1.5 {
                #expect(abs(Double(run.inputGradient[i]) - derivative) <= 5e-7 * abs(derivative), "f'(\(z))")
            }
        }
    }

    /// Numbers whose squares overflow have a value.
    @Test func geluOfHugeNumbers() {
        let run = LayerRun(
            Linear(inputShape: [1], outputs: 1, bias: false, activation: .gelu), rows: 3,
            input: Tensor([3, 1], [3e20, -3e20, -1e38]), parameters: [Tensor([1, 1], [1])],
            outputGradient: Tensor([3, 1], [1, 1, 1]))
        #expect(run.output.values == [3e20, 0, 0] && run.inputGradient.values == [1, 0, 0])
    }

    @Test(arguments: activations) func passesNaN(_ activation: Activation) {
        let layer = Linear(inputShape: [1], outputs: 1, activation: activation)
        let run = LayerRun(
            layer, rows: 1, input: Tensor([1, 1], [.nan]), parameters: [Tensor([1, 1], [1]), Tensor([1])],
            outputGradient: Tensor([1, 1], [1]))
        #expect(run.output[0].isNaN)
    }
}
