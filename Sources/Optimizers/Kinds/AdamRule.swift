import CCoupletKernels
import CoupletTensors
import Foundation

/// The formulas that adam, adamw and lamb share.
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
