/// JSON about to be written, its keys in the order given.
public indirect enum JSONValue: Equatable, Sendable {
    case object([Member])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    case unsigned(UInt64)
    /// One that is not finite, which JSON cannot write, becomes null.
    case number(Double)
    case boolean(Bool)
    case null

    public struct Member: Equatable, Sendable {
        public let key: String
        public let value: JSONValue

        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    public static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { Member(key: $0.key, value: $0.value) })
    }

    public static func numbers(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
    public static func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }

    /// A line a member, indented; arrays of plain values on one line.
    public var text: String { text(indentation: "") }

    private func text(indentation: String) -> String {
        let inner = indentation + "  "
        switch self {
        case .object(let members):
            if members.isEmpty { return "{}" }
            return "{\n" + members.map { "\(inner)\(JSONValue.quoted($0.key)): \($0.value.text(indentation: inner))" }.joined(separator: ",\n")
                + "\n\(indentation)}"
        case .array(let items):
            let isPlain = items.allSatisfy {
                if case .object = $0 { return false }
                return true
            }
            if isPlain { return "[" + items.map { $0.text(indentation: inner) }.joined(separator: ", ") + "]" }
            return "[\n" + items.map { inner + $0.text(indentation: inner) }.joined(separator: ",\n") + "\n\(indentation)]"
        case .string(let text): return JSONValue.quoted(text)
        case .integer(let number): return String(number)
        case .unsigned(let number): return String(number)
        case .number(let number): return number.isFinite ? number.description : "null"
        case .boolean(let value): return value ? "true" : "false"
        case .null: return "null"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
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
