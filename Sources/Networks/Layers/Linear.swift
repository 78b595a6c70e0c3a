import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = f(x Wᵀ + b), with W [out, in], b [out] and an activation f. x is a whole sample, flattened to `in` values, or
/// each position of a sample: then the last axis of its shape has `in` values, and the others remain, as in PyTorch's
/// nn.Linear.
///
/// Backward, with z = x Wᵀ + b: dZ = dY · f'(z); dW = dZᵀ X; db = Σ_rows dZ; dX = dZ W; the rows are those of the
/// shard, and all positions in them. The products read transposed operands in place, without copies. The product adds
/// the bias and applies relu and leaky_relu before it writes the output; gelu and tanh follow in blocks of rows, while
/// these are in the cache. One pass over the output's gradient computes dZ and db. Backward computes f'(z) from the
/// output alone, except for gelu: forward saves its derivative in `savedForBackward`.
///
/// A layer over the last axis of sequences with padding skips it, as a `Conv1d` with kernel 1: y is zero at positions
/// of padding, and their gradient is not read.
public struct Linear: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    public let hasBias: Bool
    public let activation: Activation
    /// The extents `in` and `out` of W.
    public let inputs: Int
    public let outputs: Int

    /// - Parameters:
    ///   - inputShape: shape of one sample.
    ///   - overLastAxis: whether the layer maps the last axis; otherwise it flattens the sample in row-major order.
    public init(
        inputShape: [Int], outputs: Int, bias: Bool = true, activation: Activation = .identity,
        overLastAxis: Bool = false
    ) {
        precondition(inputShape.allSatisfy { $0 > 0 } && outputs > 0, "a linear layer from \(inputShape) to \(outputs)")
        precondition(!overLastAxis || !inputShape.isEmpty, "a linear layer over the last axis of \(inputShape)")
        activation.requireValidSlope()
        self.inputShape = inputShape
        self.outputs = outputs
        inputs = overLastAxis ? inputShape[inputShape.count - 1] : inputShape.reduce(1, *)
        outputShape = (overLastAxis ? Array(inputShape.dropLast()) : []) + [outputs]
        hasBias = bias
        self.activation = activation
    }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [outputs, inputs])] + (hasBias ? [("bias", [outputs])] : [])
    }
    public var tableName: String { Kind.name }

    public func savedForBackwardCount(rows: Int) -> Int { activation.savesDerivative ? rows * outputCount : 0 }

    /// The packed weights of products in blocks. Panels of 64 columns hold those of every instruction set.
    public func scratchCount(rows: Int) -> Int {
        max(
            isInBlocks(rows * outputCount / outputs) ? (outputs + 63) / 64 * 64 * inputs : 0,
            withoutPadding?.scratchCount(rows: rows) ?? 0)
    }

    public var backwardReadsOutput: Bool { activation != .identity && !activation.savesDerivative }
    public var backwardOverwritesOutputGradient: Bool { activation != .identity || withoutPadding != nil }

    /// The same layer for sequences with padding; nil if samples are no sequences.
    private var withoutPadding: Conv1d? {
        guard inputShape.count == 2, outputShape.count == 2 else { return nil }
        return Conv1d(inputShape: inputShape, channels: outputs, kernel: 1, bias: hasBias, activation: activation)
    }

    public func applying(_ activation: Activation) -> (any Layer)? {
        guard self.activation == .identity else { return nil }
        return Linear(
            inputShape: inputShape, outputs: outputs, bias: hasBias, activation: activation,
            overLastAxis: outputShape.count == inputShape.count)
    }

    public var parameterRoles: [ParameterRole?] {
        ParameterRole.map(fanIn: inputs, fanOut: outputs, activation: activation, hasBias: hasBias)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        if context.lengths != nil, let withoutPadding {
            return withoutPadding.forward(
                input, parameters: parameters, output: output, savedForBackward: savedForBackward, scratch: scratch,
                context: context)
        }
        let bias = hasBias ? parameters[1] : nil, rows = output.count / outputs
        let x = input.reshaped([rows, inputs]), y = output.reshaped([rows, outputs])
        if let activation = activation.epilogue {
            let epilogue = MatrixProduct.Epilogue(bias: bias.map { UnsafePointer($0.pointer) }, activation: activation)
            MatrixProduct.multiply(x, .asIs, parameters[0], .transposed, into: y, epilogue: epilogue)
        } else if isInBlocks(rows) {
            couplet_product_pack(outputs, inputs, parameters[0].pointer, inputs, 1, scratch.pointer)
            for start in stride(from: 0, to: rows, by: Self.blockRows) {
                let range = start..<min(start + Self.blockRows, rows), block = y.rows(range)
                couplet_product_packed(
                    range.count, outputs, inputs, x.pointer + start * inputs, inputs, 0, scratch.pointer, 0,
                    block.pointer, outputs, nil)
                activation.addBiasAndApply(
                    bias: bias, output: block,
                    derivative: activation.savesDerivative
                        ? savedForBackward.flat((start * outputs)..<(range.upperBound * outputs)) : savedForBackward)
            }
        } else {
            MatrixProduct.multiply(x, .asIs, parameters[0], .transposed, into: y)
            activation.addBiasAndApply(bias: bias, output: y, derivative: savedForBackward)
        }
    }

    /// Rows of a block. The bits do not depend on it.
    private static let blockRows = 256

    private func isInBlocks(_ rows: Int) -> Bool { activation.epilogue == nil && rows >= 2 * Self.blockRows }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        if context.lengths != nil, let withoutPadding {
            return withoutPadding.backward(
                input: input, output: output, outputGradient: outputGradient, parameters: parameters,
                parameterGradients: parameterGradients, inputGradient: inputGradient,
                savedForBackward: savedForBackward, scratch: scratch, context: context)
        }
        let rows = output.count / outputs, gradient = outputGradient.reshaped([rows, outputs])
        activation.applyBackward(
            output: output.reshaped([rows, outputs]), derivative: savedForBackward, gradient: gradient,
            biasGradient: hasBias ? parameterGradients[1] : nil)
        MatrixProduct.multiply(
            gradient, .transposed, input.reshaped([rows, inputs]), .asIs, into: parameterGradients[0])
        if let inputGradient {
            MatrixProduct.multiply(
                gradient, .asIs, parameters[0], .asIs, into: inputGradient.reshaped([rows, inputs]))
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * inputs * outputCount * (needsInputGradient ? 3 : 2)
    }
}

extension Linear {
    /// `linear` in a list of layers: over the last axis.
    public struct Kind: LayerKind {
        public var width: Int
        public var bias: Bool

        public init(width: Int, bias: Bool = true) {
            self.width = width
            self.bias = bias
        }

        public static let name = "linear"
        public static let shortKey: String? = "width"
        public static let table = ConfigurationTable(
            Kind(width: 1),
            help: "y = x Wᵀ + b over the last axis: the values of a sample, or of each of its positions.",
            [
                .required(
                    "width", \.width, .integer(1...ConfigurationLimits.extent, example: 128), "Outputs of the layer."),
                .key("bias", \.bias, .flag, "Whether the layer adds a bias."),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            Linear(inputShape: inputShape, outputs: width, bias: bias, overLastAxis: true)
        }
    }
}
