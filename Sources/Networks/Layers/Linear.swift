import CoupletTensors

/// y = f(x Wᵀ + b), with x flattened to `in` values, W [out, in], b [out] and an activation f.
///
/// Backward, with z = x Wᵀ + b: dZ = dY · f'(z); dW = dZᵀ X; db = Σ_rows dZ; dX = dZ W. The products read transposed
/// operands in place, without copies. The product adds the bias and applies relu and leaky_relu before it writes the
/// output; gelu and tanh take one pass over the output. One pass over the output's gradient computes dZ and db.
/// Backward computes f'(z) from the output alone, except for gelu: forward saves its derivative in `savedForBackward`.
public struct Linear: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    public let hasBias: Bool
    public let activation: Activation

    /// - Parameter inputShape: shape of one sample; the layer flattens it in row-major order.
    public init(inputShape: [Int], outputs: Int, bias: Bool = true, activation: Activation = .identity) {
        precondition(inputShape.allSatisfy { $0 > 0 } && outputs > 0, "a linear layer from \(inputShape) to \(outputs)")
        activation.requireValidSlope()
        self.inputShape = inputShape
        outputShape = [outputs]
        hasBias = bias
        self.activation = activation
    }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [outputCount, inputCount])] + (hasBias ? [("bias", [outputCount])] : [])
    }

    public func savedForBackwardCount(rows: Int) -> Int { activation.savesDerivative ? rows * outputCount : 0 }

    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        WeightInitialization(activation: activation, fanIn: inputCount, fanOut: outputCount)
            .fill(parameters[0], philox: philox, number: firstNumber, scale: scale)
        if hasBias { parameters[1].fill(0) }
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let bias = hasBias ? parameters[1] : nil
        let epilogue = activation.epilogue.map {
            MatrixProduct.Epilogue(bias: bias.map { UnsafePointer($0.pointer) }, activation: $0)
        }
        MatrixProduct.multiply(input, .asIs, parameters[0], .transposed, into: output, epilogue: epilogue)
        if epilogue == nil {
            activation.addBiasAndApply(bias: bias, output: output, derivative: savedForBackward)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        activation.applyBackward(
            output: output, derivative: savedForBackward, gradient: outputGradient,
            biasGradient: hasBias ? parameterGradients[1] : nil)
        MatrixProduct.multiply(outputGradient, .transposed, input, .asIs, into: parameterGradients[0])
        if let inputGradient {
            MatrixProduct.multiply(outputGradient, .asIs, parameters[0], .asIs, into: inputGradient)
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * inputCount * outputCount * (needsInputGradient ? 3 : 2)
    }
}
