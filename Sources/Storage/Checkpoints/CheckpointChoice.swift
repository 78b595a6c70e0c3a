/// Selects one of a run's checkpoints.
public enum CheckpointChoice: Equatable, Sendable {
    case latest
    case step(Int)
}
