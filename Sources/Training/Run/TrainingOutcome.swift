/// How a start of a run ended.
public enum TrainingOutcome: Equatable, Sendable {
    /// After the last step of the config.
    case done(step: Int)
    /// By a signal or `train.stop_after`, after saving: the same command with `--resume` goes on.
    case stopped(step: Int)
}
