/// Sampling that cannot go on: what is wrong and what to do.
public struct SamplingError: Error, Equatable, CustomStringConvertible, Sendable {
    public let reason: String
    public let remedy: String

    public init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(reason); \(remedy)" }
}
