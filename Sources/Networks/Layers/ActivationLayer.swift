import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = f(x), an activation applied to every element: after a residual sum, for example. Many layers apply an activation
/// in the same pass as their own arithmetic (`Layer.applying`); in a list of layers an activation after such a layer
/// becomes a part of it.
///
/// Backward computes f'(x) from y, and for gelu from x again: nothing is saved.
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

    public var tableName: String { activation.name.rawValue }
    public var backwardReadsInput: Bool { activation == .gelu }
    public var backwardReadsOutput: Bool { activation != .identity && activation != .gelu }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let count = input.count, x = input.pointer, y = output.pointer
        switch activation {
        case .identity: output.copy(from: input)
        case .relu: couplet_relu(count, x, y)
        case .leakyRelu(let slope): couplet_leaky_relu(count, x, slope, y)
        case .gelu: couplet_gelu(count, x, y)
        case .tanh: couplet_tanh(count, x, y)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        let count = input.count, y = output.pointer, gradient = outputGradient.pointer, result = inputGradient.pointer
        switch activation {
        case .identity: inputGradient.copy(from: outputGradient)
        case .relu: couplet_relu_gradient(count, y, gradient, result)
        case .leakyRelu(let slope): couplet_leaky_relu_gradient(count, y, slope, gradient, result)
        case .gelu: couplet_gelu_gradient(count, input.pointer, gradient, result)
        case .tanh: couplet_tanh_gradient(count, y, gradient, result)
        }
    }
}

// MARK: - Kinds

extension ActivationLayer {
    /// `relu` in a list of layers.
    public struct Relu: LayerKind {
        public init() {}
        public static let name = "relu"
        public static let table = ConfigurationTable(Relu(), help: "y = max(0, x).", [])
        public func layer(inputShape: [Int]) -> any Layer { ActivationLayer(.relu, shape: inputShape) }
    }

    /// `leaky_relu` in a list of layers.
    public struct LeakyRelu: LayerKind {
        public var slope: Float

        public init(slope: Float = Activation.defaultSlope) { self.slope = slope }

        public static let name = "leaky_relu"
        public static let shortKey: String? = "slope"
        public static let table = ConfigurationTable(
            LeakyRelu(), help: "y = x for x > 0, else slope · x.",
            [.key("slope", \.slope, .number(.nonNegative, example: 0.01), "Slope below 0.")])

        public func layer(inputShape: [Int]) -> any Layer {
            ActivationLayer(.leakyRelu(slope: slope), shape: inputShape)
        }
    }

    /// `gelu` in a list of layers.
    public struct Gelu: LayerKind {
        public init() {}
        public static let name = "gelu"
        public static let table = ConfigurationTable(
            Gelu(), help: "y = x Φ(x), Φ the distribution function of N(0, 1), with the error function.", [])
        public func layer(inputShape: [Int]) -> any Layer { ActivationLayer(.gelu, shape: inputShape) }
    }

    /// `tanh` in a list of layers.
    public struct Tanh: LayerKind {
        public init() {}
        public static let name = "tanh"
        public static let table = ConfigurationTable(Tanh(), help: "y = tanh x.", [])
        public func layer(inputShape: [Int]) -> any Layer { ActivationLayer(.tanh, shape: inputShape) }
    }
}
