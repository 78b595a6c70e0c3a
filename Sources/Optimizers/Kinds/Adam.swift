import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Adam (Kingma & Ba, ICLR 2015, algorithm 1). With m and v the first and second moment, and update number t:
///
///     m ← β₁ m + (1 - β₁) g                 m̂ = m / (1 - β₁ᵗ)
///     v ← β₂ v + (1 - β₂) g²                v̂ = v / (1 - β₂ᵗ)
///     θ ← θ - r m̂ / (√v̂ + ε)
///
/// Weight decay λ is an L2 term of the loss: the gradient is g + λ θ.
public struct Adam: Optimizer, AdamNumbers {
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
        adamKeys(epsilon: 1e-8))

    public var momentNames: [String] { AdamRule.momentNames }

    public func update(_ block: OptimizerBlock) {
        rule.update(block, l2: block.weightDecay, decay: 0)
    }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        rule.updateScalar(&value, gradient: gradient, moments: &moments, step)
    }
}

extension Optimizer where Self == Adam {
    /// Adam.
    public static func adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) -> Adam {
        Adam(beta1: beta1, beta2: beta2, epsilon: epsilon)
    }
}

// MARK: - What adam, adamw and lamb share

/// The numbers of adam, adamw and lamb.
protocol AdamNumbers: Optimizer {
    /// β₁, the decay of the first moment.
    var beta1: Double { get set }
    /// β₂, the decay of the second moment.
    var beta2: Double { get set }
    /// ε, which is added to the root of the second moment.
    var epsilon: Double { get set }
}

extension AdamNumbers {
    /// The keys of the numbers.
    /// - Parameter epsilon: an example of ε.
    static func adamKeys(epsilon: Double) -> [ConfigurationKey<Self>] {
        [
            .key("beta1", \.beta1, .number(.belowOne, example: 0.9), "Decay of the first moment."),
            .key("beta2", \.beta2, .number(.belowOne, example: 0.999), "Decay of the second moment."),
            .key(
                "epsilon", \.epsilon, .number(.positive, example: epsilon),
                "Number added to the root of the second moment."),
        ]
    }

    var rule: AdamRule { AdamRule(beta1: beta1, beta2: beta2, epsilon: epsilon) }
}

/// The formulas of adam, adamw and lamb.
struct AdamRule {
    let beta1: Double
    let beta2: Double
    let epsilon: Double

    static let momentNames = ["first_moment", "second_moment"]

    /// θ ← (1 - r decay) θ - r m̂ / (√v̂ + ε), where the gradient of the moments is g + l2 · θ.
    func update(_ block: OptimizerBlock, l2: Double, decay: Double) {
        couplet_adam(
            block.count, block.parameters.pointer, block.gradient.pointer, block.moments[0].pointer,
            block.moments[1].pointer, Float(block.scale), Float(block.rate / (1 - pow(beta1, Double(block.t)))),
            Float(beta1), Float(1 - beta1), Float(beta2), Float(1 - beta2),
            Float(1 / (1 - pow(beta2, Double(block.t)))), Float(epsilon), Float(l2), Float(1 - block.rate * decay))
    }

    /// u = m̂ / (√v̂ + ε) + λ θ, over the gradient.
    func direction(_ block: OptimizerBlock) {
        couplet_lamb_direction(
            block.count, block.parameters.pointer, block.gradient.pointer, block.moments[0].pointer,
            block.moments[1].pointer, Float(block.scale), Float(beta1), Float(1 - beta1), Float(beta2),
            Float(1 - beta2), Float(1 / (1 - pow(beta1, Double(block.t)))),
            Float(1 / (1 - pow(beta2, Double(block.t)))), Float(epsilon), Float(block.weightDecay))
    }

    /// θ ← θ - r m̂ / (√v̂ + ε), in Double.
    func updateScalar(_ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep) {
        let g = step.scale * gradient
        moments[0] = beta1 * moments[0] + (1 - beta1) * g
        moments[1] = beta2 * moments[1] + (1 - beta2) * g * g
        let first = moments[0] / (1 - pow(beta1, Double(step.t)))
        let second = moments[1] / (1 - pow(beta2, Double(step.t)))
        value -= step.rate * first / (second.squareRoot() + epsilon)
    }
}
