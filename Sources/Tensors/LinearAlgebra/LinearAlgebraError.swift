/// A factorisation that does not exist for the given matrix.
public struct LinearAlgebraError: Error, CustomStringConvertible, Sendable {
    /// LAPACK's name for what failed.
    public let routine: String
    public let reason: String

    public var description: String { "\(routine): \(reason)" }
}
