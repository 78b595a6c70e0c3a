/// A search that makes no sense, or whose numbers leave single precision.
public struct SearchError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}
