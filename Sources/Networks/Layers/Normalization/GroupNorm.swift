import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Group normalisation and an activation (Wu, He, *Group Normalization*, ECCV 2018):
///
///     x̂ = (x - μ) / √(σ² + ε)        z = γ x̂ + β        y = f(z)
///
/// μ and σ² are the mean and the biased variance of a group of channels over all positions of a sample. f is identity,
/// relu or leaky_relu.
///
/// The last axis of a sample has the channels: [channels], [positions, channels] or [height, width, channels].
/// Positions beyond the length of a sequence count, too. A group is a range of consecutive channels. Parameters: weight
/// γ and bias β, [channels] each.
///
/// Backward, with means over the group:
///
///     dZ = dY f'(z)        dβ = Σ dZ        dγ = Σ dZ x̂
///     g = γ dZ             dX = (g - mean(g) - x̂ mean(g x̂)) / √(σ² + ε)
///
/// Only μ and 1 / √(σ² + ε) are saved.
public struct GroupNorm: Layer {
    public let inputShape: [Int]
    public let groups: Int
    public let epsilon: Float
    public let activation: Activation
    public var outputShape: [Int] { inputShape }

    public init(inputShape: [Int], groups: Int, epsilon: Float = 1e-5, activation: Activation = .identity) {
        precondition(!inputShape.isEmpty && inputShape.allSatisfy { $0 > 0 }, "group_norm of shape \(inputShape)")
        precondition(
            groups > 0 && inputShape[inputShape.count - 1].isMultiple(of: groups) && epsilon > 0,
            "group_norm of shape \(inputShape) in \(groups) groups with epsilon \(epsilon)")
        precondition(activation.epilogue != nil, "group_norm does not apply \(activation)")
        activation.requireValidSlope()
        self.inputShape = inputShape
        self.groups = groups
        self.epsilon = epsilon
        self.activation = activation
    }

    private var channels: Int { inputShape[inputShape.count - 1] }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [channels]), ("bias", [channels])] }
    public var tableName: String { Kind.name }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func applying(_ activation: Activation) -> (any Layer)? {
        guard self.activation == .identity, activation.epilogue != nil else { return nil }
        return GroupNorm(inputShape: inputShape, groups: groups, epsilon: epsilon, activation: activation)
    }

    public func savedForBackwardCount(rows: Int) -> Int { 2 * rows * groups }
    public func scratchCount(rows: Int) -> Int { NormalizationScratch.count(channels: channels) }

    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        parameters[0].fill(scale)
        parameters[1].fill(0)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let rows = output.rows, (code, slope) = activation.kernelCode
        couplet_group_norm(
            rows, inputCount / channels, channels, groups, input.pointer, epsilon, parameters[0].pointer,
            parameters[1].pointer, code, slope, output.pointer, savedForBackward.pointer,
            savedForBackward.pointer + rows * groups, scratch.pointer)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let rows = output.rows, (code, slope) = activation.kernelCode
        couplet_group_norm_backward(
            rows, inputCount / channels, channels, groups, input.pointer, savedForBackward.pointer,
            savedForBackward.pointer + rows * groups, parameters[0].pointer, parameters[1].pointer, code, slope,
            outputGradient.pointer, parameterGradients[0].pointer, parameterGradients[1].pointer,
            inputGradient?.pointer, scratch.pointer)
    }
}

extension GroupNorm {
    /// `group_norm` in a list of layers.
    public struct Kind: LayerKind {
        public var groups: Int
        public var epsilon: Float

        public init(groups: Int, epsilon: Float = 1e-5) {
            self.groups = groups
            self.epsilon = epsilon
        }

        public static let name = "group_norm"
        public static let shortKey: String? = "groups"
        public static let table = ConfigurationTable(
            Kind(groups: 1),
            help: "Group normalisation: of groups of channels (the last axis) over the positions of each sample.",
            [
                .required(
                    "groups", \.groups, .integer(1...ConfigurationLimits.extent, example: 8),
                    "Number of groups; it divides the number of channels."),
                .key("epsilon", \.epsilon, .number(.positive, example: 1e-5), "Added to the variance."),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let channels = inputShape.last ?? 0
            guard channels.isMultiple(of: groups) else {
                let divisors = (1...min(channels, 64)).filter { channels.isMultiple(of: $0) }.map(String.init)
                throw NetworkError(
                    reason: "\(groups) groups do not divide the \(channels) channels of samples of shape \(inputShape)",
                    remedy: "choose a number of groups that divides \(channels): "
                        + divisors.joined(separator: ", "))
            }
            return GroupNorm(inputShape: inputShape, groups: groups, epsilon: epsilon)
        }
    }
}
