/// How a start of a sweep ended.
public enum SweepOutcome: Equatable, Sendable {
    /// Every trial has ended; so many failed.
    case done(failed: Int)
    /// By a signal, after each lane saved its trial: the same command with `--resume` goes on.
    case stopped
}
