import CCoupletKernels
import CoupletSchema

/// Stochastic gradient descent: m ← momentum · m + g + λ θ, θ ← θ - r m.
///
/// Weight decay λ is an L2 term of the loss. Without momentum no moment is kept.
public struct SGD: Optimizer {
    public var momentum: Double

    public init(momentum: Double = 0) { self.momentum = momentum }

    public static let name = "sgd"
    public static let table = ConfigurationTable(
        SGD(), help: "Stochastic gradient descent with momentum.",
        [
            .key(
                "momentum", \.momentum, .number(.belowOne, example: 0.9),
                "Factor of the previous update in the next one; 0 is plain gradient descent.")
        ])

    public var momentNames: [String] { momentum == 0 ? [] : ["momentum"] }

    public func update(_ block: OptimizerBlock) {
        couplet_sgd(
            block.count, block.parameters.pointer, block.gradient.pointer, block.moments.first?.pointer,
            Float(block.scale), Float(block.rate), Float(momentum), Float(block.weightDecay))
    }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        let g = step.scale * gradient
        if moments.isEmpty {
            value -= step.rate * g
        } else {
            moments[0] = momentum * moments[0] + g
            value -= step.rate * moments[0]
        }
    }
}

extension Optimizer where Self == SGD {
    /// Stochastic gradient descent.
    public static func sgd(momentum: Double = 0) -> SGD { SGD(momentum: momentum) }
}
