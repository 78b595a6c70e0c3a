import CCoupletKernels
import CoupletSchema

/// LARS, layer-wise adaptive rate scaling (You, Gitman & Ginsburg 2017, *Large Batch Training of Convolutional
/// Networks*, algorithm 1). For each tensor θ:
///
///     ρ = trust_coefficient ‖θ‖ / (‖g‖ + λ ‖θ‖ + ε)
///     m ← momentum · m + r ρ (g + λ θ)
///     θ ← θ - m
///
/// The trust ratio ρ makes the step of a tensor proportional to its norm, so large batches can have large learning
/// rates. ρ is 1 for tensors with one dimension, such as biases, and for tensors whose θ or g is 0. Without momentum no
/// moment is kept.
public struct LARS: TensorNormOptimizer {
    public var momentum: Double
    public var trustCoefficient: Double
    public var epsilon: Double

    public init(momentum: Double = 0.9, trustCoefficient: Double = 0.001, epsilon: Double = 1e-8) {
        self.momentum = momentum
        self.trustCoefficient = trustCoefficient
        self.epsilon = epsilon
    }

    public static let name = "lars"
    public static let table = ConfigurationTable(
        LARS(), help: "Momentum with a rate for each tensor, proportional to its norm; for large batches.",
        [
            .key(
                "momentum", \.momentum, .number(.belowOne, example: 0.9),
                "Factor of the previous update in the next one."),
            .key(
                "trust_coefficient", \.trustCoefficient, .number(.positive, example: 0.001),
                "Norm of a tensor's step relative to the tensor's norm, at a learning rate of 1."),
            .key(
                "epsilon", \.epsilon, .number(.positive, example: 1e-8),
                "Number added to the norm of the gradient."),
        ])

    public var momentNames: [String] { momentum == 0 ? [] : ["momentum"] }

    /// u = g: the gradient after clipping.
    public func direction(_ block: OptimizerBlock) {
        if block.scale != 1 { couplet_scale(block.count, Float(block.scale), block.gradient.pointer) }
    }

    public func apply(_ block: OptimizerBlock, norms: TensorNorms?) {
        let ratio = norms.map { trustRatio($0, weightDecay: block.weightDecay) } ?? 1
        couplet_lars(
            block.count, block.parameters.pointer, block.gradient.pointer, block.moments.first?.pointer,
            Float(block.rate * ratio), Float(momentum), Float(block.weightDecay))
    }

    private func trustRatio(_ norms: TensorNorms, weightDecay: Double) -> Double {
        guard norms.parameters > 0, norms.direction > 0 else { return 1 }
        return trustCoefficient * norms.parameters / (norms.direction + weightDecay * norms.parameters + epsilon)
    }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        var change = step.rate * (step.scale * gradient)
        if !moments.isEmpty {
            change += momentum * moments[0]
            moments[0] = change
        }
        value -= change
    }
}

extension Optimizer where Self == LARS {
    /// Layer-wise adaptive rate scaling.
    public static func lars(
        momentum: Double = 0.9, trustCoefficient: Double = 0.001, epsilon: Double = 1e-8
    ) -> LARS {
        LARS(momentum: momentum, trustCoefficient: trustCoefficient, epsilon: epsilon)
    }
}
