/// A JSON value (RFC 8259). An object keeps the order of its members.
///
/// A Double is written with the fewest digits that read back as the same Double.
public enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// JSON has no NaN and no infinity: they are written as null.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    public static func == (a: JSONValue, b: JSONValue) -> Bool { a.text == b.text }
}

// MARK: - Making values

extension JSONValue {
    /// An array of numbers; null for nil.
    public static func numbers(_ values: [Double]?) -> JSONValue {
        values.map { .array($0.map { .number($0) }) } ?? .null
    }

    /// A number; null for nil.
    public static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

    /// An object with these members, in this order.
    package static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { ($0.key, $0.value) })
    }
}

// MARK: - Reading values

extension JSONValue {
    /// The member of an object with this key, or the element of an array with this index; nil for anything else.
    public subscript(key: String) -> JSONValue? {
        switch self {
        case .object(let members): members.first { $0.0 == key }?.1
        case .array(let elements): Int(key).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
        default: nil
        }
    }

    /// The value as a Double; nil if it is not a number.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The value as an Int; nil if it is not a whole number.
    public var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The value as a String; nil if it is not a string.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements of a nonempty array of numbers, with NaN for null; nil for anything else.
    package var numbers: [Double]? {
        guard case .array(let values) = self, !values.isEmpty else { return nil }
        let numbers = values.map { $0 == .null ? Double.nan : $0.number }
        return numbers.contains { $0 == nil } ? nil : numbers.compactMap { $0 }
    }

    /// The numbers of a value and of the objects in it, each with its path, such as "retrieval.recall_at_1". A null,
    /// which stands for a number that is not finite, is one of them; texts and arrays are not.
    package func numbersByPath(_ path: String = "") -> [(path: String, value: JSONValue)] {
        switch self {
        case .object(let members): members.flatMap { $1.numbersByPath(path.isEmpty ? $0 : "\(path).\($0)") }
        case .integer, .number, .null: [(path, self)]
        default: []
        }
    }
}

// MARK: - Writing text

extension JSONValue {
    /// The value on one line.
    public var text: String {
        switch self {
        case .null: "null"
        case .boolean(let value): String(value)
        case .integer(let value): String(value)
        // Swift prints the fewest digits that read back as the same Double.
        case .number(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.quoted(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let members): "{" + members.map { Self.quoted($0) + ": " + $1.text }.joined(separator: ", ") + "}"
        }
    }

    /// The value with one line for each member of an object. Arrays and empty objects stay on one line.
    /// - Parameter depth: nesting depth of the value; each level is indented by two spaces.
    public func indentedText(_ depth: Int = 0) -> String {
        guard case .object(let members) = self, !members.isEmpty else { return text }
        let margin = String(repeating: "  ", count: depth + 1)
        let lines = members.map { margin + Self.quoted($0) + ": " + $1.indentedText(depth + 1) }
        return "{\n" + lines.joined(separator: ",\n") + "\n" + margin.dropLast(2) + "}"
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

// MARK: - Parsing text

extension JSONValue {
    /// Parses JSON text; nil if the text is not valid JSON.
    ///
    /// A number without a decimal point and exponent that fits an Int becomes `integer`; any other becomes `number`, so
    /// that text written by `text` is read back as the same value.
    public init?(text: some StringProtocol) {
        var parser = Parser(bytes: Array(text.utf8))
        guard let value = parser.value(depth: 0), parser.isAtEnd else { return nil }
        self = value
    }

    /// A recursive descent parser. Each method returns nil at the first syntax error.
    private struct Parser {
        private let bytes: [UInt8]
        private var offset = 0

        /// Deeper nesting is refused: it could overflow the stack.
        private static let largestDepth = 200

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool {
            mutating get {
                skipWhitespace()
                return offset == bytes.count
            }
        }

        private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

        private mutating func skipWhitespace() {
            while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { offset += 1 }
        }

        /// Skips whitespace, then consumes the character if it comes next.
        private mutating func consume(_ character: Character) -> Bool {
            skipWhitespace()
            guard next == character.asciiValue else { return false }
            offset += 1
            return true
        }

        mutating func value(depth: Int) -> JSONValue? {
            guard depth < Self.largestDepth else { return nil }
            skipWhitespace()
            switch next {
            case UInt8(ascii: "{"): return object(depth)
            case UInt8(ascii: "["): return array(depth)
            case UInt8(ascii: "\""): return string().map { .string($0) }
            case nil: return nil
            default: return numberOrKeyword()
            }
        }

        private mutating func object(_ depth: Int) -> JSONValue? {
            offset += 1
            var members: [(String, JSONValue)] = []
            if consume("}") { return .object(members) }
            repeat {
                skipWhitespace()
                guard next == UInt8(ascii: "\""), let key = string(), consume(":"), let member = value(depth: depth + 1)
                else {
                    return nil
                }
                members.append((key, member))
            } while consume(",")
            return consume("}") ? .object(members) : nil
        }

        private mutating func array(_ depth: Int) -> JSONValue? {
            offset += 1
            var elements: [JSONValue] = []
            if consume("]") { return .array(elements) }
            repeat {
                guard let element = value(depth: depth + 1) else { return nil }
                elements.append(element)
            } while consume(",")
            return consume("]") ? .array(elements) : nil
        }

        private mutating func numberOrKeyword() -> JSONValue? {
            let start = offset
            while let byte = next, !" \t\n\r,]}:".utf8.contains(byte) { offset += 1 }
            let word = String(decoding: bytes[start..<offset], as: UTF8.self)
            switch word {
            case "null": return .null
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default:
                guard Self.isNumber(word.utf8) else { return nil }
                // A number beyond the range of Double is no value that JSON text can give back.
                return Int(word).map { .integer($0) }
                    ?? Double(word).flatMap { $0.isFinite ? .number($0) : nil }
            }
        }

        /// Whether the text is a number of JSON: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
        private static func isNumber(_ text: String.UTF8View) -> Bool {
            var rest = text[...]
            func digits() -> Int {
                let digits = rest.prefix { (48...57).contains($0) }
                rest = rest.dropFirst(digits.count)
                return digits.count
            }
            func skip(_ characters: String) -> Bool {
                guard let first = rest.first, characters.utf8.contains(first) else { return false }
                rest = rest.dropFirst()
                return true
            }
            _ = skip("-")
            let startsWithZero = rest.first == UInt8(ascii: "0"), wholeDigits = digits()
            guard wholeDigits == 1 || wholeDigits > 1 && !startsWithZero else { return false }
            if skip("."), digits() == 0 { return false }
            if skip("eE") {
                _ = skip("+-")
                if digits() == 0 { return false }
            }
            return rest.isEmpty
        }

        private mutating func string() -> String? {
            offset += 1
            var text: [UInt8] = []
            while let byte = next {
                offset += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let character = escapedCharacter() else { return nil }
                    text += character.utf8
                case 0..<0x20: return nil
                default: text.append(byte)
                }
            }
            return nil
        }

        /// The character that an escape sequence stands for. The backslash is already consumed.
        private mutating func escapedCharacter() -> String? {
            guard let byte = next else { return nil }
            offset += 1
            switch Character(UnicodeScalar(byte)) {
            case "\"", "\\", "/": return String(UnicodeScalar(byte))
            case "b": return "\u{8}"
            case "f": return "\u{C}"
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "u":
                guard let high = codeUnit() else { return nil }
                if let scalar = UnicodeScalar(high) { return String(Character(scalar)) }
                // A character beyond U+FFFF is written as a surrogate pair of two escapes.
                guard (0xD800..<0xDC00).contains(high), next == UInt8(ascii: "\\") else { return nil }
                offset += 1
                guard next == UInt8(ascii: "u") else { return nil }
                offset += 1
                guard let low = codeUnit(), (0xDC00..<0xE000).contains(low) else { return nil }
                return UnicodeScalar(0x10000 + (UInt32(high - 0xD800) << 10) + UInt32(low - 0xDC00)).map {
                    String(Character($0))
                }
            default: return nil
            }
        }

        /// A UTF-16 code unit, written as four hexadecimal digits.
        private mutating func codeUnit() -> UInt16? {
            guard offset + 4 <= bytes.count else { return nil }
            defer { offset += 4 }
            let digits = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
            return digits.allSatisfy(\.isHexDigit) ? UInt16(digits, radix: 16) : nil
        }
    }
}
