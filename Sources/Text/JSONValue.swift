/// A JSON value to be written: keys keep their order, and a Double is written with the digits that give the same Double again.
public enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// NaN and the infinities, which JSON does not know, are written as null.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    public static func numbers(_ values: [Double]?) -> JSONValue {
        values.map { .array($0.map { .number($0) }) } ?? .null
    }
    public static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

    public static func == (a: JSONValue, b: JSONValue) -> Bool { a.text == b.text }

    /// On one line.
    public var text: String {
        switch self {
        case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let members): "{" + members.map { Self.quoted($0) + ": " + $1.text }.joined(separator: ", ") + "}"
        default: scalar
        }
    }

    /// Over several lines, an object's members one a line; arrays and empty objects stay on theirs.
    public func indentedText(_ depth: Int = 0) -> String {
        guard case .object(let members) = self, !members.isEmpty else { return text }
        let margin = String(repeating: "  ", count: depth + 1)
        let lines = members.map { margin + Self.quoted($0) + ": " + $1.indentedText(depth + 1) }
        return "{\n" + lines.joined(separator: ",\n") + "\n" + margin.dropLast(2) + "}"
    }

    private var scalar: String {
        switch self {
        case .boolean(let value): String(value)
        case .integer(let value): String(value)
        // Swift prints the shortest digits that read back as the same Double.
        case .number(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.quoted(value)
        default: "null"
        }
    }

    private static func quoted(_ string: String) -> String {
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
