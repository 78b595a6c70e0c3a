import CoupletTensors

/// The learning rate of each step: a linear warm-up, then a constant or decaying rate.
///
/// With r = `learningRate`, w = `warmupSteps`, n = `scheduleSteps` and x = min(1, (step - w) / (n - w)):
///
/// | phase | rate |
/// |---|---|
/// | step < w | r (step + 1) / w |
/// | constant | r |
/// | linear | r (1 - x) |
/// | cosine | r ½ (1 + cos πx) |
public struct LearningRateSchedule: Sendable {
    /// The learning rate after the warm-up.
    public enum Kind: String, CaseIterable, Sendable {
        case constant
        /// Linear decay to 0.
        case linear
        /// Decay to 0 along half a cosine (Loshchilov & Hutter, *SGDR*, ICLR 2017, without restarts).
        case cosine
    }

    private let kind: Kind
    private let learningRate: Double
    private let warmupSteps: Int
    private let scheduleSteps: Int

    /// - Parameter specification: its `scheduleSteps` must be set, unless the schedule is constant.
    public init(_ specification: OptimizerSpecification) {
        kind = specification.schedule
        learningRate = specification.learningRate
        warmupSteps = specification.warmupSteps
        scheduleSteps = specification.scheduleSteps ?? 0
    }

    /// The learning rate of the update from the parameters after `step` steps to those after `step` + 1.
    public func rate(atStep step: Int) -> Double {
        if step < warmupSteps { return learningRate * Double(step + 1) / Double(warmupSteps) }
        let progress = min(1, Double(step - warmupSteps) / Double(max(1, scheduleSteps - warmupSteps)))
        switch kind {
        case .constant: return learningRate
        case .linear: return learningRate * (1 - progress)
        case .cosine: return learningRate * 0.5 * (1 + cos(.pi * progress))
        }
    }
}
