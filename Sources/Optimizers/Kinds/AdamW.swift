import CoupletSchema

/// AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019, algorithm 2).
///
///     θ ← (1 - r λ) θ - r m̂ / (√v̂ + ε)
///
/// m̂ and v̂ are the corrected moments of `Adam`, of the gradient without weight decay. The decay of a step is r λ, as
/// in PyTorch, so the schedule of the learning rate applies to it.
public struct AdamW: Optimizer, AdamNumbers {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double

    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    public static let name = "adamw"
    public static let table = ConfigurationTable(
        AdamW(), help: "Adam with decoupled weight decay.",
        adamKeys(epsilon: 1e-8))

    public var momentNames: [String] { AdamRule.momentNames }

    public func update(_ block: OptimizerBlock) {
        rule.update(block, l2: 0, decay: block.weightDecay)
    }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        rule.updateScalar(&value, gradient: gradient, moments: &moments, step)
    }
}

extension Optimizer where Self == AdamW {
    /// Adam with decoupled weight decay.
    public static func adamw(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) -> AdamW {
        AdamW(beta1: beta1, beta2: beta2, epsilon: epsilon)
    }
}
