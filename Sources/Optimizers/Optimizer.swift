import CoupletSchema
import CoupletTensors

/// The update rule of an optimizer: new parameters θ from a gradient g.
///
/// A rule is a struct of its own with its keys. It states which moments it keeps for each parameter, and updates one
/// block of parameters at a time. Couplet does the rest: the schedule, clipping, groups, the moving average, the
/// exchange between workers and checkpoints.
///
///     /// Lion (Chen et al., NeurIPS 2023): θ ← θ - r (sign(β₁ m + (1 - β₁) g) + λ θ), m ← β₂ m + (1 - β₂) g.
///     struct Lion: Optimizer {
///         var (beta1, beta2) = (0.9, 0.99)
///         static let name = "lion"
///         static let table = ConfigurationTable(Lion(), [
///             .key("beta1", \.beta1, .number(.belowOne, example: 0.9), "Share of the momentum in a step."),
///             .key("beta2", \.beta2, .number(.belowOne, example: 0.99), "Decay of the momentum."),
///         ])
///         var momentNames: [String] { ["momentum"] }
///         func update(_ block: OptimizerBlock) { … }
///     }
///
/// Each worker updates the part of the parameters that it owns, so the parameters have the same bits for all numbers of
/// workers only if the rule is elementwise: a parameter's new value depends on its own value, gradient and moments, and
/// on the numbers of the block. A rule that needs the norms of whole tensors is a `TensorNormOptimizer`.
public protocol Optimizer: ConfigurableKind {
    /// Names of the moments that each parameter has, all 0 before the first update. A checkpoint uses the same names.
    var momentNames: [String] { get }

    /// Overwrites `block.parameters` and `block.moments`. It must not write `block.gradient`.
    func update(_ block: OptimizerBlock)

    /// Updates one scalar of the objective, the temperature or the bias, without weight decay.
    ///
    /// The default applies `update` to tensors with one element. The scalar and its moments are then rounded to Float.
    /// A rule that implements this method in Double avoids the rounding.
    /// - Parameters:
    ///   - moments: one number for each of `momentNames`.
    func updateScalar(_ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep)
}

/// The update rule of an optimizer that scales the step of each tensor by norms of the whole tensor, as LARS and LAMB
/// do. It has two phases, because a tensor can lie in the parts of several workers.
///
/// Between the phases the workers add the squared norms of the blocks of each tensor, in the order of the blocks. So
/// the norms have the same bits for all numbers of workers.
public protocol TensorNormOptimizer: Optimizer {
    /// Phase 1: overwrites `block.gradient` with the direction u of the step, and may update the moments. It is
    /// elementwise.
    func direction(_ block: OptimizerBlock)

    /// Phase 2: updates the parameters, and moments that depend on the norms. It is elementwise apart from the norms.
    /// - Parameters:
    ///   - block: `gradient` holds the direction u.
    ///   - norms: nil for tensors with one dimension (biases, scales and shifts of normalisations) and for scalars. As
    ///     is usual, these are updated with a trust ratio of 1.
    func apply(_ block: OptimizerBlock, norms: TensorNorms?)
}

/// The Euclidean norms of one tensor over all workers.
public struct TensorNorms: Sendable {
    /// ‖θ‖ before the update.
    public let parameters: Double
    /// ‖u‖, u the direction that the first phase wrote.
    public let direction: Double

    public init(parameters: Double, direction: Double) {
        self.parameters = parameters
        self.direction = direction
    }
}

/// The numbers of one update that hold for all parameters.
public struct OptimizerStep: Equatable, Sendable {
    /// The learning rate r.
    public let rate: Double
    /// Number of this update, from 1.
    public let t: Int
    /// Factor of gradient clipping. The gradient of the update is g = scale · `gradient`.
    public let scale: Double

    public init(rate: Double, t: Int, scale: Double) {
        self.rate = rate
        self.t = t
        self.scale = scale
    }
}

/// A block of parameters with their gradient and moments, and the numbers of the update.
///
/// The tensors are views of the training's memory, of rank 1 and with equal counts. A rule reads them through `span`
/// and writes them through `mutableSpan`.
public struct OptimizerBlock: Sendable {
    /// θ
    public let parameters: Tensor
    /// The gradient before clipping: g = `scale` · `gradient`.
    public let gradient: Tensor
    /// One tensor for each of `momentNames`.
    public let moments: [Tensor]
    /// λ of these parameters.
    public let weightDecay: Double
    public let step: OptimizerStep

    /// The learning rate r, with the factor of the encoder.
    public var rate: Double { step.rate }
    /// Number of this update, from 1.
    public var t: Int { step.t }
    /// Factor of gradient clipping.
    public var scale: Double { step.scale }
    /// Number of parameters.
    public var count: Int { parameters.count }

    public init(parameters: Tensor, gradient: Tensor, moments: [Tensor], weightDecay: Double, step: OptimizerStep) {
        precondition(
            gradient.count == parameters.count && moments.allSatisfy { $0.count == parameters.count },
            "\(parameters.count) parameters, \(gradient.count) gradients, moments of \(moments.map(\.count)) elements")
        self.parameters = parameters
        self.gradient = gradient
        self.moments = moments
        self.weightDecay = weightDecay
        self.step = step
    }
}

// MARK: - Defaults

extension Optimizer {
    public static var category: KindCategory { .optimizer }

    public func updateScalar(
        _ value: inout Double, gradient: Double, moments: inout [Double], _ step: OptimizerStep
    ) {
        let block = OptimizerBlock(
            parameters: Tensor([1], [Float(value)]), gradient: Tensor([1], [Float(gradient)]),
            moments: moments.map { Tensor([1], [Float($0)]) }, weightDecay: 0, step: step)
        update(block)
        value = Double(block.parameters[0])
        moments = block.moments.map { Double($0[0]) }
    }
}

extension TensorNormOptimizer {
    /// Both phases with a trust ratio of 1. Training calls it for scalars only, through `updateScalar`.
    public func update(_ block: OptimizerBlock) {
        direction(block)
        apply(block, norms: nil)
    }
}

extension KindCategory {
    public static let optimizer = KindCategory("optimizer")
}

/// Couplet's optimizers, in the order in which error messages list them.
package let optimizerKinds: [any ConfigurableKind.Type] = [SGD.self, Adam.self, AdamW.self, LARS.self, LAMB.self]
