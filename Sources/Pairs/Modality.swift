/// One of the two views of a pair.
public enum Modality: String, CaseIterable, Sendable {
    case first, second

    /// The other modality of the pair.
    public var other: Modality { self == .first ? .second : .first }
}

/// A value for each of the two modalities.
public struct PerModality<Value> {
    public var first: Value
    public var second: Value

    public init(first: Value, second: Value) {
        self.first = first
        self.second = second
    }

    /// Calls `value` for the first modality, then for the second.
    public init(_ value: (Modality) throws -> Value) rethrows {
        first = try value(.first)
        second = try value(.second)
    }

    public subscript(modality: Modality) -> Value {
        get { modality == .first ? first : second }
        set { if modality == .first { first = newValue } else { second = newValue } }
    }

    /// Applies `transform` to the value of the first modality, then to the value of the second.
    public func map<Result>(_ transform: (Value) throws -> Result) rethrows -> PerModality<Result> {
        PerModality<Result>(first: try transform(first), second: try transform(second))
    }
}

extension PerModality: Equatable where Value: Equatable {}
extension PerModality: Sendable where Value: Sendable {}
