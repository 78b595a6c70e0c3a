import Couplet

/// θ ← θ - r (sign(β₁ m + (1 - β₁) g) + λ θ), m ← β₂ m + (1 - β₂) g (Chen et al., *Symbolic Discovery of Optimization
/// Algorithms*, NeurIPS 2023).
struct Lion: Optimizer {
    var beta1 = 0.9
    var beta2 = 0.99

    static let name = "lion"
    static let table = ConfigurationTable(
        Lion(), help: "The sign of a momentum.",
        [
            .key("beta1", \.beta1, .number(.belowOne, example: 0.9), "Share of the momentum in an update."),
            .key("beta2", \.beta2, .number(.belowOne, example: 0.99), "Decay of the momentum."),
        ])

    var momentNames: [String] { ["momentum"] }

    func update(_ block: OptimizerBlock) {
        let scale = Float(block.scale), rate = Float(block.rate), decay = Float(block.weightDecay)
        let (beta1, beta2) = (Float(beta1), Float(beta2)), moment = block.moments[0]
        let gradient = block.gradient.span
        var parameters = block.parameters.mutableSpan, momentum = moment.mutableSpan
        for i in gradient.indices {
            let g = scale * gradient[i], direction = beta1 * momentum[i] + (1 - beta1) * g
            let sign: Float = direction > 0 ? 1 : direction < 0 ? -1 : 0
            parameters[i] -= rate * (sign + decay * parameters[i])
            momentum[i] = beta2 * momentum[i] + (1 - beta2) * g
        }
    }
}
