import CoupletTensors

/// y = f(x Wᵀ + b), x of `in` numbers whatever their shape, W [out, in], b [out], f an activation.
///
/// Backward: dZ = dY · f'(z); dW = dZᵀ X; db = Σ_rows dZ; dX = dZ W. Transposes enter the products as such: nothing is copied.
/// Bias and activation take one pass over the output, dZ and db one over its gradient.
/// The output keeps what backward needs, but for gelu, whose derivative forward leaves in `kept`.
public struct Linear: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    public let hasBias: Bool
    public let activation: Activation

    /// - Parameter inputShape: of one sample; an image is read as the vector of its numbers in row-major order.
    public init(inputShape: [Int], outputs: Int, bias: Bool = true, activation: Activation = .identity) {
        precondition(inputShape.allSatisfy { $0 > 0 } && outputs > 0, "a linear layer from \(inputShape) to \(outputs)")
        if case .leakyRelu(let slope) = activation {
            precondition(slope >= 0, "a leaky_relu of slope \(slope): its derivative is read off its output's sign")
        }
        self.inputShape = inputShape
        outputShape = [outputs]
        hasBias = bias
        self.activation = activation
    }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [outputCount, inputCount])] + (hasBias ? [("bias", [outputCount])] : [])
    }

    public func keptCount(rows: Int) -> Int { activation.keepsDerivative ? rows * outputCount : 0 }

    public func initialize(_ parameters: [Tensor], philox: Philox, number: UInt64, scale: Float) {
        WeightInitialization(activation: activation, inputs: inputCount, outputs: outputCount)
            .fill(parameters[0], philox: philox, number: number, scale: scale)
        if hasBias { parameters[1].fill(0) }
    }

    public func forward(_ input: Tensor, parameters: [Tensor], output: Tensor, kept: Tensor, scratch: Tensor) {
        MatrixProduct.multiply(input, .asIs, parameters[0], .transposed, into: output)
        activation.apply(
            rows: output.rows, columns: output.columns, bias: hasBias ? parameters[1] : nil, output: output, kept: kept)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, kept: Tensor, scratch: Tensor
    ) {
        activation.applyBackward(
            rows: output.rows, columns: output.columns, output: output, kept: kept, gradient: outputGradient,
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
