/// A loss or a gradient that is not a number any more.
public struct NonFiniteLossError: Error, CustomStringConvertible, Sendable {
    public let step: Int
    public let loss: Double
    public let gradientNorm: Double

    init(_ report: StepReport) {
        step = report.step
        loss = report.loss
        gradientNorm = report.gradientNorm
    }

    public var description: String {
        """
        step \(step): the loss is \(loss) and the gradient's norm \(gradientNorm); checkpoints written before stay as they are. \
        Lower optimizer.learning_rate, set optimizer.clip_norm, or raise the temperature's minimum
        """
    }
}
