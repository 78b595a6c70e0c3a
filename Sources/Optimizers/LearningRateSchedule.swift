import Foundation

/// The learning rate of each step: a straight line up over the warm-up, then the schedule.
public struct LearningRateSchedule: Sendable {
    let kind: OptimizerSpecification.Schedule
    let learningRate: Double
    let warmupSteps: Int
    /// After how many steps a falling rate reaches 0.
    let steps: Int

    /// - Parameter configuration: with its schedule's steps fixed, for a falling schedule.
    public init(_ configuration: OptimizerSpecification) {
        kind = configuration.schedule
        learningRate = configuration.learningRate
        warmupSteps = configuration.warmupSteps
        steps = configuration.scheduleSteps ?? 0
    }

    /// The rate that turns the parameters after `step` steps into those after `step + 1`:
    /// (step + 1) / warmup of the full rate while it warms up; then, with x from 0 to 1 over the rest of the schedule, 1 (constant), 1 - x
    /// (linear), or ½ (1 + cos πx) (cosine) of it.
    public func rate(atStep step: Int) -> Double {
        if step < warmupSteps { return learningRate * Double(step + 1) / Double(warmupSteps) }
        let progress = min(1, Double(step - warmupSteps) / Double(max(1, steps - warmupSteps)))
        switch kind {
        case .constant: return learningRate
        case .linear: return learningRate * (1 - progress)
        case .cosine: return learningRate * 0.5 * (1 + cos(.pi * progress))
        }
    }
}
