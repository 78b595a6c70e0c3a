import CoupletTensors

/// What the engine finds for a batch.
public struct PairwiseResult {
    /// The loss over the whole batch, the same bits on every worker.
    public let loss: Double
    /// ∂ loss / ∂ encodings of this worker's pairs, B/W × d. They are the engine's own memory: valid until its next call. Zero where no gradient was asked for.
    public let firstGradient: Tensor
    public let secondGradient: Tensor
    /// Likewise of the second batch's encodings, where the loss takes one.
    public let secondBatchGradients: (first: Tensor, second: Tensor)?
    /// The gradients of a modality's encodings, the second batch's after the batch's.
    public var firstGradients: [Tensor] { [firstGradient] + (secondBatchGradients.map { [$0.first] } ?? []) }
    public var secondGradients: [Tensor] { [secondGradient] + (secondBatchGradients.map { [$0.second] } ?? []) }

    /// ∂ loss / ∂ log(1/τ) over the whole batch, the same bits on every worker; 0 where no gradient was asked for.
    public let inverseTemperatureGradient: Double
    /// ∂ loss / ∂ bias over the whole batch, likewise; 0 where the loss has no bias.
    public let biasGradient: Double
}
