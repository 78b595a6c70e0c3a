/// Which samples of a source: each has numbers of its own.
public enum Split: String, Sendable, CaseIterable {
    case training
    case heldOut = "held_out"
}
