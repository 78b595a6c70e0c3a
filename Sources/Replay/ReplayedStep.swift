import CoupletStorage
import CoupletTensors
import CoupletTraining

/// A step that has been made again, with all its tensors, on worker 0.
struct ReplayedStep: Sendable {
    let report: StepReport
    /// The state before the step and after it.
    let before: Checkpoint
    let after: Checkpoint
    /// ∂ loss / ∂ parameters of the batch, before clipping, under the paths of the trained parameters.
    let gradients: [Checkpoint.NamedArray]
    /// B × e.
    let firstEncodings: Tensor, secondEncodings: Tensor
    /// ∂ loss / ∂ encodings, B × e.
    let firstEncodingGradients: Tensor, secondEncodingGradients: Tensor
    /// What each pair adds to the loss.
    let pairLosses: [Double]
    /// The logged steps, and the checkpoints, that were passed on the way, this step's among them.
    let checks: [StepComparison]
    let digests: [DigestComparison]
}
