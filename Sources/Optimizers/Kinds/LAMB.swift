import CCoupletKernels
import CoupletSchema

/// LAMB (You et al., ICLR 2020, *Large Batch Optimization for Deep Learning: Training BERT in 76 minutes*,
/// algorithm 2, with φ the identity). For each tensor θ:
///
///     u = m̂ / (√v̂ + ε) + λ θ
///     θ ← θ - r (‖θ‖ / ‖u‖) u
///
/// m̂ and v̂ are the corrected moments of `Adam`, of the gradient without weight decay. The trust ratio ‖θ‖ / ‖u‖ makes
/// the step of a tensor proportional to its norm, so large batches can have large learning rates. It is 1 for tensors
/// with one dimension, such as biases, and for tensors whose θ or u is 0.
public struct LAMB: TensorNormOptimizer, AdamNumbers {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double

    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    public static let name = "lamb"
    public static let table = ConfigurationTable(
        LAMB(), help: "Adam with a rate for each tensor, proportional to its norm; for large batches.",
        adamKeys(epsilon: 1e-6))

    public var momentNames: [String] { AdamRule.momentNames }

    public func direction(_ block: OptimizerBlock) {
        rule.direction(block)
    }

    public func apply(_ block: OptimizerBlock, norms: TensorNorms?) {
        couplet_add_scaled(
            block.count, Float(-block.rate * (norms.map(trustRatio) ?? 1)), block.gradient.pointer,
            block.parameters.pointer)
    }

    private func trustRatio(_ norms: TensorNorms) -> Double {
        guard norms.parameters > 0, norms.direction > 0 else { return 1 }
        return norms.parameters / norms.direction
    }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        rule.updateScalar(&value, gradient: gradient, moments: &moments, step)
    }
}

extension Optimizer where Self == LAMB {
    /// Adam with a trust ratio for each tensor.
    public static func lamb(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6) -> LAMB {
        LAMB(beta1: beta1, beta2: beta2, epsilon: epsilon)
    }
}
