import CCoupletKernels
import CoupletTensors
import Foundation

/// One update of an optimizer: the elementwise rule, over any range of a flat buffer and over the scalars of the objective alike.
///
/// `t` counts from 1. Rules are Adam, AdamW and stochastic gradient descent as `OptimizerSpecification.Kind` defines them.
package struct Optimizer {
    package let kind: OptimizerSpecification.Kind
    package let weightDecay: Double

    package init(kind: OptimizerSpecification.Kind, weightDecay: Double) {
        self.kind = kind
        self.weightDecay = weightDecay
    }

    /// The rule that a config's block `optimizer` names.
    package init(_ optimizer: OptimizerSpecification) {
        self.init(kind: optimizer.kind, weightDecay: optimizer.weightDecay)
    }

    /// The names of the moments that a parameter has, as in a checkpoint.
    package var momentNames: [String] {
        switch kind {
        case .sgd(let momentum): momentum == 0 ? [] : ["momentum"]
        case .adam, .adamw: ["first_moment", "second_moment"]
        }
    }

    /// Updates parameters from their gradient, in one pass.
    /// - Parameters:
    ///   - scale: what clipping multiplies the gradient by.
    ///   - moments: one tensor for each of `momentNames`, of the parameters' count.
    package func update(_ parameters: Tensor, gradient: Tensor, moments: [Tensor], rate: Double, t: Int, scale: Double)
    {
        precondition(
            gradient.count == parameters.count && moments.allSatisfy { $0.count == parameters.count },
            "\(parameters.count) parameters, \(gradient.count) gradients, moments of \(moments.map(\.count))")
        switch kind {
        case .sgd(let momentum):
            couplet_sgd(
                parameters.count, parameters.pointer, gradient.pointer, moments.first?.pointer, Float(scale),
                Float(rate), Float(momentum),
                Float(weightDecay))
        case .adam(let beta1, let beta2, let epsilon), .adamw(let beta1, let beta2, let epsilon):
            couplet_adam(
                parameters.count, parameters.pointer, gradient.pointer, moments[0].pointer, moments[1].pointer,
                Float(scale),
                Float(rate / (1 - pow(beta1, Double(t)))), Float(beta1), Float(1 - beta1), Float(beta2),
                Float(1 - beta2),
                Float(1 / (1 - pow(beta2, Double(t)))), Float(epsilon), isDecoupled ? 0 : Float(weightDecay),
                isDecoupled ? Float(1 - rate * weightDecay) : 1)
        }
    }

    /// The same for one number in Double, without weight decay: the objective's temperature.
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
