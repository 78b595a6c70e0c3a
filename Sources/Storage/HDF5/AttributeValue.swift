/// A named scalar beside the data of an HDF5 file.
public enum AttributeValue: Sendable, Equatable {
    case string(String)
    case integer(Int)
    /// A whole number that may be above `Int.max`, such as a seed. Reading gives it only where `integer` is too small.
    case unsigned(UInt64)
    case double(Double)
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
}
