import CoupletTensors

/// y = f(x), an activation applied to every element: after a residual sum, for example. `Linear` applies its own
/// activation in the same pass as its bias.
public struct ActivationLayer: Layer {
    public let activation: Activation
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }

    public init(_ activation: Activation, shape: [Int]) {
        precondition(shape.allSatisfy { $0 > 0 }, "an activation of shape \(shape)")
        activation.requireValidSlope()
        self.activation = activation
        inputShape = shape
    }

    public func savedForBackwardCount(rows: Int) -> Int { activation.savesDerivative ? rows * outputCount : 0 }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        output.copy(from: input)
        activation.addBiasAndApply(bias: nil, output: output, derivative: savedForBackward)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        inputGradient.copy(from: outputGradient)
        activation.applyBackward(
            output: output, derivative: savedForBackward, gradient: inputGradient, biasGradient: nil)
    }
}
