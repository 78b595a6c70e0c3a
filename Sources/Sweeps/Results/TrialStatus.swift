/// How far a trial is.
public enum TrialStatus: String, CaseIterable, Sendable {
    /// Not begun.
    case waiting
    /// Begun and not ended: at work, or interrupted with the sweep.
    case running
    /// Trained to its last step and evaluated.
    case done
    /// Left by halving before its last step.
    case dropped
    /// Impossible, or ended by an error; the reason says which.
    case failed
}
