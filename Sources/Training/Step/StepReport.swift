/// What a training step found, the same bits on every worker.
public struct StepReport: Sendable {
    /// How many steps were made, this one included.
    public let step: Int
    /// The loss of the batch, before the update.
    public let loss: Double
    public let learningRate: Double
    /// The norm of the gradient over all parameters, before clipping.
    public let gradientNorm: Double
    /// The same over the parameters of each encoder; 0 where it is frozen.
    public let firstGradientNorm: Double
    public let secondGradientNorm: Double
    /// τ that the loss was taken at.
    public let temperature: Double
    /// Whether a worker asked to stop after this step.
    public let stopRequested: Bool
    /// Whether a worker asked for a checkpoint after this step.
    public let saveRequested: Bool
    /// Where the step's numbers stopped being finite, if they did: then nothing was updated.
    public let nonFinite: NonFiniteDiagnosis?
}
