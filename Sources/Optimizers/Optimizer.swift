import CCoupletKernels
import CoupletTensors
import Foundation

/// The block `optimizer` of a config: the update rule, the learning-rate schedule and gradient clipping.
public struct OptimizerSpecification: Equatable, Sendable {
    /// The update rule of the parameters θ with gradient g, learning rate r and weight decay λ.
    public enum Kind: Equatable, Sendable {
        /// Stochastic gradient descent: m ← momentum · m + g + λ θ, θ ← θ - r m.
        case sgd(momentum: Double = 0)
        /// Adam (Kingma & Ba, ICLR 2015, algorithm 1). Weight decay is an L2 term: the gradient is g + λ θ.
        case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
        /// AdamW: Adam with decoupled weight decay, θ ← θ - r λ θ (Loshchilov & Hutter, ICLR 2019, algorithm 2).
        case adamw(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)

        /// Name in a config: sgd, adam or adamw.
        public var name: String {
            switch self {
            case .sgd: "sgd"
            case .adam: "adam"
            case .adamw: "adamw"
            }
        }
    }

    public var kind: Kind
    /// Maximum of the learning rate, reached at the end of the warm-up.
    public var learningRate: Double
    public var schedule: LearningRateSchedule.Kind
    /// Number of steps over which the learning rate rises linearly.
    public var warmupSteps: Int
    /// λ of the update rule.
    public var weightDecay: Double
    /// Maximum norm of the gradient over all parameters; larger gradients are scaled down to it. Nil: no clipping.
    public var clipNorm: Double?
    /// Step at which a decaying rate reaches 0. Nil in a config means `train.steps` at the first start of the run, so
    /// resuming with more steps does not stretch the schedule. Always nil with a constant schedule.
    public var scheduleSteps: Int?

    public init(
        kind: Kind = .adam(), learningRate: Double = 0.001, schedule: LearningRateSchedule.Kind = .constant,
        warmupSteps: Int = 0, weightDecay: Double = 0, clipNorm: Double? = nil, scheduleSteps: Int? = nil
    ) {
        self.kind = kind
        self.learningRate = learningRate
        self.schedule = schedule
        self.warmupSteps = warmupSteps
        self.weightDecay = weightDecay
        self.clipNorm = clipNorm
        self.scheduleSteps = scheduleSteps
    }

    /// The factor that scales a gradient of this norm down to `clipNorm`; 1 if the norm is not larger.
    package func clipFactor(gradientNorm: Double) -> Double {
        guard let clipNorm, gradientNorm > clipNorm else { return 1 }
        return clipNorm / gradientNorm
    }
}

/// Applies the update rule of an `OptimizerSpecification.Kind` elementwise: to any range of a flat buffer of
/// parameters, or to one scalar of the objective.
package struct Optimizer {
    package let kind: OptimizerSpecification.Kind
    package let weightDecay: Double

    package init(kind: OptimizerSpecification.Kind, weightDecay: Double) {
        self.kind = kind
        self.weightDecay = weightDecay
    }

    package init(_ specification: OptimizerSpecification) {
        self.init(kind: specification.kind, weightDecay: specification.weightDecay)
    }

    /// Names of the moments that each parameter has. A checkpoint uses the same names.
    package var momentNames: [String] {
        switch kind {
        case .sgd(let momentum): momentum == 0 ? [] : ["momentum"]
        case .adam, .adamw: ["first_moment", "second_moment"]
        }
    }

    /// Updates parameters and moments from the gradient `scale` · `gradient`, in one pass.
    /// - Parameters:
    ///   - moments: one tensor for each of `momentNames`, with as many elements as `parameters`.
    ///   - rate: the learning rate of this step.
    ///   - t: number of this update, from 1; Adam uses it for the bias correction of its moments.
    ///   - scale: factor of gradient clipping.
    package func update(
        _ parameters: Tensor, gradient: Tensor, moments: [Tensor], rate: Double, t: Int, scale: Double
    ) {
        precondition(
            gradient.count == parameters.count && moments.allSatisfy { $0.count == parameters.count },
            "\(parameters.count) parameters, \(gradient.count) gradients, moments of \(moments.map(\.count)) elements"
        )
        switch kind {
        case .sgd(let momentum):
            couplet_sgd(
                parameters.count, parameters.pointer, gradient.pointer, moments.first?.pointer, Float(scale),
                Float(rate), Float(momentum), Float(weightDecay))
        case .adam(let beta1, let beta2, let epsilon), .adamw(let beta1, let beta2, let epsilon):
            couplet_adam(
                parameters.count, parameters.pointer, gradient.pointer, moments[0].pointer, moments[1].pointer,
                Float(scale), Float(rate / (1 - pow(beta1, Double(t)))), Float(beta1), Float(1 - beta1), Float(beta2),
                Float(1 - beta2), Float(1 / (1 - pow(beta2, Double(t)))), Float(epsilon),
                isDecoupled ? 0 : Float(weightDecay), isDecoupled ? Float(1 - rate * weightDecay) : 1)
        }
    }

    /// Updates one scalar of the objective (temperature or bias) by the same rule in Double, without weight decay.
    package func update(
        _ parameter: inout Double, gradient: Double, moments: inout [Double], rate: Double, t: Int, scale: Double
    ) {
        let g = scale * gradient
        switch kind {
        case .sgd(let momentum):
            if moments.isEmpty {
                parameter -= rate * g
            } else {
                moments[0] = momentum * moments[0] + g
                parameter -= rate * moments[0]
            }
        case .adam(let beta1, let beta2, let epsilon), .adamw(let beta1, let beta2, let epsilon):
            moments[0] = beta1 * moments[0] + (1 - beta1) * g
            moments[1] = beta2 * moments[1] + (1 - beta2) * g * g
            let first = moments[0] / (1 - pow(beta1, Double(t))), second = moments[1] / (1 - pow(beta2, Double(t)))
            parameter -= rate * first / (second.squareRoot() + epsilon)
        }
    }

    private var isDecoupled: Bool { if case .adamw = kind { true } else { false } }
}
