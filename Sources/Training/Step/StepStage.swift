import CoupletLosses

/// Where a training step is when somebody looks at it.
package enum StepStage {
    /// The objective has its loss and gradients; backward may use their memory next. Encodings are there.
    case objective(PairwiseResult)
    /// The gradients of the parameters are summed over all workers, each its slices; nothing is updated yet.
    case gradients
}
