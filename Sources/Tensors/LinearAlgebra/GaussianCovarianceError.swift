/// A covariance that no pair of random vectors has.
public struct GaussianCovarianceError: Error, CustomStringConvertible, Equatable, Sendable {
    /// Which block, as in a file: "uu", "uv", "vv", or the whole.
    public let block: String
    public let reason: String

    public var description: String { "covariance \(block): \(reason)" }
}
