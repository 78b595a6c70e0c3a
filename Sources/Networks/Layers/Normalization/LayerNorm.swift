import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Layer normalisation (Ba, Kiros, Hinton, *Layer Normalization*, arXiv 1607.06450, 2016):
///
///     x̂ = (x - μ) / √(σ² + ε)        y = γ x̂ + β
///
/// μ and σ² are the mean and the biased variance of the last axis, for each position of each sample.
/// Parameters: weight γ and bias β, [width] each, where width is the last extent of the sample.
///
/// Backward, with means over the last axis:
///
///     dβ = Σ dY        dγ = Σ dY x̂        g = γ dY        dX = (g - mean(g) - x̂ mean(g x̂)) / √(σ² + ε)
///
/// Forward and backward each make one pass over memory. Only μ and 1 / √(σ² + ε) are saved.
public struct LayerNorm: Layer {
    public let inputShape: [Int]
    public let epsilon: Float
    public var outputShape: [Int] { inputShape }

    public init(inputShape: [Int], epsilon: Float = 1e-5) {
        precondition(!inputShape.isEmpty && inputShape.allSatisfy { $0 > 0 }, "layer_norm of shape \(inputShape)")
        precondition(epsilon > 0, "epsilon \(epsilon)")
        self.inputShape = inputShape
        self.epsilon = epsilon
    }

    private var width: Int { inputShape[inputShape.count - 1] }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [width]), ("bias", [width])] }
    public var tableName: String { Kind.name }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func savedForBackwardCount(rows: Int) -> Int { 2 * (rows * inputCount / width) }
    public func scratchCount(rows: Int) -> Int { NormalizationScratch.count(channels: width) }

    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        parameters[0].fill(scale)
        parameters[1].fill(0)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let count = input.count / width
        couplet_layer_norm(
            count, width, input.pointer, epsilon, parameters[0].pointer, parameters[1].pointer, output.pointer,
            savedForBackward.pointer, savedForBackward.pointer + count)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let count = input.count / width
        couplet_layer_norm_backward(
            count, width, input.pointer, savedForBackward.pointer, savedForBackward.pointer + count,
            parameters[0].pointer, outputGradient.pointer, parameterGradients[0].pointer,
            parameterGradients[1].pointer, inputGradient?.pointer, scratch.pointer)
    }
}

extension LayerNorm {
    /// `layer_norm` in a list of layers.
    public struct Kind: LayerKind {
        public var epsilon: Float

        public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

        public static let name = "layer_norm"
        public static let table = ConfigurationTable(
            Kind(), help: "Layer normalisation: of the last axis, at each position of each sample.",
            [.key("epsilon", \.epsilon, .number(.positive, example: 1e-5), "Added to the variance.")])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            LayerNorm(inputShape: inputShape, epsilon: epsilon)
        }
    }
}
