import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Batch normalisation and an activation (Ioffe, Szegedy, *Batch Normalization*, ICML 2015):
///
///     x̂ = (x - μ) / √(σ² + ε)        z = γ x̂ + β        y = f(z)
///
/// μ and σ² are the mean and variance of a channel over all rows and positions of the shard. f is identity, relu or
/// leaky_relu.
///
/// The last axis of a sample has the channels: [width], [positions, channels] or [height, width, channels]. Positions
/// beyond the length of a sequence count, too. Parameters: weight γ and bias β, [channels] each.
///
/// Running statistics: `running_mean` and `running_var`, which a step moves towards the means over shards and inputs:
/// running ← (1 - momentum) running + momentum · mean. As in PyTorch, the variance of a shard is the biased one for its
/// own output, and the unbiased one for the running statistic. An evaluation uses the running statistics.
///
/// Backward, with n = rows · positions:
///
///     dZ = dY f'(z)        dβ = Σ dZ        dγ = Σ dZ x̂        dX = γ / √(σ² + ε) (dZ - dβ / n - x̂ dγ / n)
///
/// Forward reads x twice. Backward reads x and dY twice, and does not read y: it computes the sign of z from x, by the
/// arithmetic of forward. Only μ and 1 / √(σ² + ε) are saved.
public struct BatchNorm: Layer {
    public let inputShape: [Int]
    public let momentum: Float
    public let epsilon: Float
    public let activation: Activation
    public var outputShape: [Int] { inputShape }

    public init(
        inputShape: [Int], momentum: Float = 0.1, epsilon: Float = 1e-5, activation: Activation = .identity
    ) {
        precondition(!inputShape.isEmpty && inputShape.allSatisfy { $0 > 0 }, "batch_norm of shape \(inputShape)")
        precondition(momentum >= 0 && momentum <= 1 && epsilon > 0, "momentum \(momentum), epsilon \(epsilon)")
        precondition(activation.epilogue != nil, "batch_norm does not apply \(activation)")
        activation.requireValidSlope()
        self.inputShape = inputShape
        self.momentum = momentum
        self.epsilon = epsilon
        self.activation = activation
    }

    private var channels: Int { inputShape[inputShape.count - 1] }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [channels]), ("bias", [channels])] }
    public var statisticShapes: [(name: String, shape: [Int])] {
        [("running_mean", [channels]), ("running_var", [channels])]
    }
    public var tableName: String { Kind.name }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func applying(_ activation: Activation) -> (any Layer)? {
        guard self.activation == .identity, activation.epilogue != nil else { return nil }
        return BatchNorm(inputShape: inputShape, momentum: momentum, epsilon: epsilon, activation: activation)
    }

    public func savedForBackwardCount(rows: Int) -> Int { 2 * channels }
    public func scratchCount(rows: Int) -> Int { NormalizationScratch.count(channels: channels) }

    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        parameters[0].fill(scale)
        parameters[1].fill(0)
    }

    public func initializeStatistics(_ statistics: [Tensor]) {
        statistics[0].fill(0)
        statistics[1].fill(1)
    }

    public func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        for (running, mean) in zip(statistics, means) {
            for i in 0..<channels { running[i] = (1 - momentum) * running[i] + momentum * mean[i] }
        }
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let count = input.count / channels
        let (mean, inverse) = saved(savedForBackward)
        if context.mode == .training {
            let shard = context.shardStatistics
            couplet_batch_norm_statistics(
                count, channels, input.pointer, epsilon, mean.pointer, inverse.pointer,
                shard.isEmpty ? nil : shard[1].pointer, scratch.pointer)
            if !shard.isEmpty { shard[0].copy(from: mean) }
        } else {
            mean.copy(from: context.statistics[0])
            let variance = context.statistics[1]
            for c in 0..<channels { inverse[c] = 1 / (variance[c] + epsilon).squareRoot() }
        }
        let (code, slope) = activation.kernelCode
        couplet_batch_norm_apply(
            count, channels, input.pointer, mean.pointer, inverse.pointer, parameters[0].pointer,
            parameters[1].pointer, code, slope, output.pointer, scratch.pointer)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let count = input.count / channels
        let (mean, inverse) = saved(savedForBackward), (code, slope) = activation.kernelCode
        couplet_batch_norm_backward_sums(
            count, channels, input.pointer, mean.pointer, inverse.pointer, parameters[0].pointer,
            parameters[1].pointer, code, slope, outputGradient.pointer, parameterGradients[0].pointer,
            parameterGradients[1].pointer, scratch.pointer)
        guard let inputGradient else { return }
        couplet_batch_norm_backward_input(
            count, channels, input.pointer, mean.pointer, inverse.pointer, parameters[0].pointer,
            parameters[1].pointer, code, slope, outputGradient.pointer, parameterGradients[0].pointer,
            parameterGradients[1].pointer, context.mode == .evaluation ? 1 : 0, inputGradient.pointer, scratch.pointer)
    }

    /// μ and 1 / √(σ² + ε).
    private func saved(_ tensor: Tensor) -> (mean: Tensor, inverse: Tensor) {
        (tensor.flat(0..<channels), tensor.flat(channels..<(2 * channels)))
    }
}

extension BatchNorm {
    /// `batch_norm` in a list of layers.
    public struct Kind: LayerKind {
        public var momentum: Float
        public var epsilon: Float

        public init(momentum: Float = 0.1, epsilon: Float = 1e-5) {
            self.momentum = momentum
            self.epsilon = epsilon
        }

        public static let name = "batch_norm"
        public static let table = ConfigurationTable(
            Kind(),
            help: "Batch normalisation of each channel (the last axis) over the rows and positions of a shard, with "
                + "running statistics for evaluations.",
            [
                .key(
                    "momentum", \.momentum, .number(.probability, example: 0.1),
                    "Share of a step's statistics in the new running statistics."),
                .key("epsilon", \.epsilon, .number(.positive, example: 1e-5), "Added to the variance."),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            BatchNorm(inputShape: inputShape, momentum: momentum, epsilon: epsilon)
        }
    }
}
