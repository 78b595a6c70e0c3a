import CoupletSchema

/// Adam (Kingma & Ba, ICLR 2015, algorithm 1). With m and v the first and second moment, and update number t:
///
///     m ← β₁ m + (1 - β₁) g                 m̂ = m / (1 - β₁ᵗ)
///     v ← β₂ v + (1 - β₂) g²                v̂ = v / (1 - β₂ᵗ)
///     θ ← θ - r m̂ / (√v̂ + ε)
///
/// Weight decay λ is an L2 term of the loss: the gradient is g + λ θ.
public struct Adam: Optimizer {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double

    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    public static let name = "adam"
    public static let table = ConfigurationTable(
        Adam(), help: "Adam; weight decay is an L2 term of the loss.",
        [
            .key("beta1", \.beta1, .number(.belowOne, example: 0.9), "Decay of the first moment."),
            .key("beta2", \.beta2, .number(.belowOne, example: 0.999), "Decay of the second moment."),
            .key(
                "epsilon", \.epsilon, .number(.positive, example: 1e-8),
                "Number added to the root of the second moment."),
        ])

    public var momentNames: [String] { AdamRule.momentNames }

    public func update(_ block: OptimizerBlock) {
        AdamRule(beta1: beta1, beta2: beta2, epsilon: epsilon).update(block, l2: block.weightDecay, decay: 0)
    }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        AdamRule(beta1: beta1, beta2: beta2, epsilon: epsilon)
            .updateScalar(&value, gradient: gradient, moments: &moments, step)
    }
}

extension Optimizer where Self == Adam {
    /// Adam.
    public static func adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) -> Adam {
        Adam(beta1: beta1, beta2: beta2, epsilon: epsilon)
    }
}
