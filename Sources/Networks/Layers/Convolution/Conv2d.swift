import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = f(x ⋆ W + b): a convolution of images with channels last, an activation f.
///
/// x is [height, width, channels], y is [rows, columns, outputs]; W [outputs, channels / groups, kernel height, kernel
/// width] and b [outputs], as in PyTorch. With stride s and padding P,
/// z[i][j][o] = b[o] + Σ_p,q,c x[s i + p - P][s j + q - P][c] · W[o][c][p][q], x zero outside of the image and c in the
/// group of o.
///
/// 3 × 3 kernels with stride 1, or with stride 2 and padding 1, of at least 32 channels run by Winograd's minimal
/// filtering (Lavin, Gray, *Fast Algorithms for Convolutional Neural Networks*, CVPR 2016), which needs 1.44 to 4 times
/// fewer multiplications; its errors are as small as those of the direct sum. Others are matrix products of the windows
/// of the image, and depthwise ones chains over the taps. couplet_convolution.h has the order of the sums.
///
/// Backward: dZ = dY f'(z); db = Σ dZ over pixels, in blocks of 1,024 that start at zero and are added in order; dW and
/// dX as in the header. No product contains the zeros that a stride inserts.
public struct Conv2d: Layer {
    /// The distribution of the initial weights with the laws `pytorch` and `by_activation` of `WeightInitialization`.
    public enum Initialization: Equatable, Sendable {
        /// That of the law.
        case fanIn
        /// N(0, 2 / (outputs · kernel)), and zero biases, as in residual networks (He, Zhang, Ren, Sun, *Delving Deep
        /// into Rectifiers*, ICCV 2015, section 2.2, backward case).
        case normalFanOut
    }

    public let inputShape: [Int]
    public let outputShape: [Int]
    public let kernel: Extents
    public let stride: Extents
    public let padding: Extents
    public let groups: Int
    public let hasBias: Bool
    public let activation: Activation
    public let initialization: Initialization
    private let shape: couplet_convolution

    /// - Parameters:
    ///   - inputShape: [height, width, channels].
    ///   - groups: a divisor of the channels of input and output. Each group of outputs sees its group of inputs only.
    public init(
        inputShape: [Int], channels: Int, kernel: Extents, stride: Extents = 1, padding: Extents = 0, groups: Int = 1,
        bias: Bool = true, activation: Activation = .identity, initialization: Initialization = .fanIn
    ) {
        precondition(
            inputShape.count == 3 && inputShape.allSatisfy { $0 > 0 } && channels > 0,
            "a convolution from \(inputShape) to \(channels) channels")
        precondition(
            groups > 0 && inputShape[2] % groups == 0 && channels % groups == 0,
            "\(groups) groups of \(inputShape[2]) and \(channels) channels")
        precondition(
            kernel.height * kernel.width <= Int(COUPLET_MOST_TAPS)
                && stride.height * stride.width <= Int(COUPLET_MOST_TAPS),
            "a kernel of \(kernel.text) with stride \(stride.text)")
        let output = Sliding(kernel: kernel, stride: stride, padding: padding)
            .output(height: inputShape[0], width: inputShape[1])
        precondition(
            output.height > 0 && output.width > 0, "a kernel of \(kernel.text) for images of \(inputShape)")
        activation.requireValidSlope()
        self.inputShape = inputShape
        outputShape = [output.height, output.width, channels]
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.groups = groups
        hasBias = bias
        self.activation = activation
        self.initialization = initialization
        shape = couplet_convolution(
            height: inputShape[0], width: inputShape[1], channels: inputShape[2], outputs: channels,
            kernel_height: kernel.height, kernel_width: kernel.width, stride_height: stride.height,
            stride_width: stride.width, padding_height: padding.height, padding_width: padding.width, groups: groups)
    }

    /// Pixels of a block of the bias's gradient.
    private static let biasBlock = 1024

    private var channels: Int { inputShape[2] }
    private var outputs: Int { outputShape[2] }
    private var pixels: Int { outputShape[0] * outputShape[1] }
    private var taps: Int { kernel.height * kernel.width }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [outputs, channels / groups, kernel.height, kernel.width])] + (hasBias ? [("bias", [outputs])] : [])
    }
    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsOutput: Bool { activation != .identity && !activation.savesDerivative }
    public var backwardOverwritesOutputGradient: Bool { activation != .identity }

    public func applying(_ activation: Activation) -> (any Layer)? {
        guard self.activation == .identity else { return nil }
        return Conv2d(
            inputShape: inputShape, channels: outputs, kernel: kernel, stride: stride, padding: padding,
            groups: groups, bias: hasBias, activation: activation, initialization: initialization)
    }

    public func savedForBackwardCount(rows: Int) -> Int { activation.savesDerivative ? rows * outputCount : 0 }

    public func scratchCount(rows: Int) -> Int {
        withUnsafePointer(to: shape) { max(couplet_convolution_scratch_count($0), outputs) }
    }

    public var parameterRoles: [ParameterRole?] {
        let fanIn = channels / groups * taps, fanOut = outputs / groups * taps
        switch initialization {
        case .fanIn:
            return ParameterRole.map(fanIn: fanIn, fanOut: fanOut, activation: activation, hasBias: hasBias)
        case .normalFanOut:
            // PyTorch's fan out counts all outputs, whatever the groups.
            let deviation = (2 / Float(outputs * taps)).squareRoot()
            return [
                .weight(
                    fanIn: fanIn, fanOut: fanOut, activation: activation,
                    ownDistribution: .normal(deviation: deviation))
            ] + (hasBias ? [.bias(fanIn: fanIn, ownDistribution: .zero)] : [])
        }
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let bias = hasBias ? parameters[1] : nil
        let epilogue = activation.epilogue.map {
            MatrixProduct.Epilogue(bias: bias.map { UnsafePointer($0.pointer) }, activation: $0)
        }
        withUnsafePointer(to: shape) { shape in
            MatrixProduct.Epilogue.withKernel(epilogue) {
                couplet_convolution_forward(
                    shape, output.rows, input.pointer, parameters[0].pointer, $0, output.pointer, scratch.pointer)
            }
        }
        if epilogue == nil {
            activation.addBiasAndApply(
                bias: bias, output: output.reshaped([output.rows * pixels, outputs]), derivative: savedForBackward)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        if hasBias || activation != .identity {
            applyActivationBackward(
                output: output, outputGradient: outputGradient, biasGradient: hasBias ? parameterGradients[1] : nil,
                derivative: savedForBackward, blockSum: scratch.flat(0..<outputs))
        }
        withUnsafePointer(to: shape) { shape in
            couplet_convolution_weight_gradient(
                shape, output.rows, input.pointer, outputGradient.pointer, parameterGradients[0].pointer,
                scratch.pointer)
            if let inputGradient {
                couplet_convolution_input_gradient(
                    shape, output.rows, parameters[0].pointer, outputGradient.pointer, inputGradient.pointer,
                    scratch.pointer)
            }
        }
    }

    private func applyActivationBackward(
        output: Tensor, outputGradient: Tensor, biasGradient: Tensor?, derivative: Tensor, blockSum: Tensor
    ) {
        let count = output.rows * pixels
        let y = output.reshaped([count, outputs]), dy = outputGradient.reshaped([count, outputs])
        biasGradient?.fill(0)
        for first in Swift.stride(from: 0, to: count, by: Self.biasBlock) {
            let block = first..<min(first + Self.biasBlock, count)
            activation.applyBackward(
                output: y.rows(block),
                derivative: activation.savesDerivative
                    ? derivative.flat((block.lowerBound * outputs)..<(block.upperBound * outputs)) : derivative,
                gradient: dy.rows(block), biasGradient: biasGradient == nil ? nil : blockSum)
            biasGradient?.add(blockSum)
        }
    }

    /// Counts the direct sum, by whatever method the kernel computes it.
    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * pixels * outputs * (channels / groups) * taps * (needsInputGradient ? 3 : 2)
    }
}

extension Conv2d {
    /// `conv2d` in a list of layers.
    public struct Kind: LayerKind {
        public var channels: Int
        public var kernel: Extents
        public var stride: Extents
        public var padding: Extents
        public var groups: Int
        public var bias: Bool

        public init(
            channels: Int, kernel: Extents = 3, stride: Extents = 1, padding: Extents = 0, groups: Int = 1,
            bias: Bool = true
        ) {
            self.channels = channels
            self.kernel = kernel
            self.stride = stride
            self.padding = padding
            self.groups = groups
            self.bias = bias
        }

        public static let name = "conv2d"
        public static let shortKey: String? = "channels"
        public static let table = ConfigurationTable(
            Kind(channels: 0), help: "Convolution of images.",
            [
                .required(
                    "channels", \.channels, .integer(1...ConfigurationLimits.extent, example: 64),
                    "Channels of the output."),
                .key("kernel", \.kernel, .extents(from: 1, example: 3), "Height and width of the kernel."),
                .key("stride", \.stride, .extents(from: 1, example: 2), "Pixels from one window to the next."),
                .key(
                    "padding", \.padding, .extents(from: 0, example: 1),
                    "Zeros beyond each edge of the image. (kernel - 1) / 2 keeps height and width."),
                .key(
                    "groups", \.groups, .integer(1...ConfigurationLimits.extent, example: 1),
                    "Groups of channels that do not see each other; as many as channels for a depthwise convolution."),
                .key(
                    "bias", \.bias, .flag,
                    "Whether the layer adds a bias. A batch_norm after it makes a bias superfluous."),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try Sliding(kernel: kernel, stride: stride, padding: padding).check(inputShape, Self.name)
            guard inputShape[2] % groups == 0, channels % groups == 0 else {
                throw NetworkError(
                    reason: "\(groups) groups do not divide \(inputShape[2]) channels of the input and \(channels) of "
                        + "the output",
                    remedy: "use a divisor of both")
            }
            let most = Int(COUPLET_MOST_TAPS)
            guard kernel.height * kernel.width <= most, stride.height * stride.width <= most else {
                throw NetworkError(
                    reason: "a kernel of \(kernel.height) × \(kernel.width) with stride \(stride.text)",
                    remedy: "kernel and stride may have up to \(most) pixels")
            }
            return Conv2d(
                inputShape: inputShape, channels: channels, kernel: kernel, stride: stride, padding: padding,
                groups: groups, bias: bias)
        }
    }
}
