/// An encoder that cannot be built as described: what is wrong, and what to do.
public struct NetworkError: Error, Equatable, CustomStringConvertible, Sendable {
    public let reason: String
    /// What the user can do.
    public let remedy: String

    public init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(reason); \(remedy)" }
}
