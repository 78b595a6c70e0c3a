/// A factorisation that does not exist or that cannot be computed.
public struct LinearAlgebraError: Error, CustomStringConvertible, Sendable {
    /// What was computed, such as "Cholesky factorisation"; for LAPACK the name of the routine.
    public let routine: String
    public let reason: String

    public var description: String { "\(routine): \(reason)" }
}
