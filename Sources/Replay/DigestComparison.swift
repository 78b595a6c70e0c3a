/// The digest of the state after a step, beside that of the run's checkpoint of the step.
public struct DigestComparison: Equatable, Sendable {
    public let step: Int
    /// The checkpoint's file.
    public let checkpoint: String
    public let saved: String
    public let replayed: String

    public var isSame: Bool { saved == replayed }
}
