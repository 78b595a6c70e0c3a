/// An error in the data or the options of a source: where it is, what is wrong, and what to do.
public struct DataError: Error, CustomStringConvertible, Sendable {
    /// File path, optionally with a dataset or an offset, or a config key.
    public let location: String
    public let reason: String
    /// What the user can do; empty if the reason says enough.
    public let remedy: String

    public init(at location: String, reason: String, remedy: String = "") {
        self.location = location
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(location): \(reason)" + (remedy.isEmpty ? "" : "; \(remedy)") }
}
