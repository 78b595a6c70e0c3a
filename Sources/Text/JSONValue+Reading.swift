extension JSONValue {
    /// Reads a JSON text (RFC 8259); nil where it is none. A number without point and exponent that fits an Int is an integer, any other a Double
    /// with the value that Swift gives the digits: what `text` wrote reads back as the same.
    public init?(text: some StringProtocol) {
        var reader = Reader(bytes: Array(text.utf8))
        guard let value = reader.value(depth: 0), reader.isAtEnd else { return nil }
        self = value
    }

    /// The member of an object by its key; the element of an array by its index, as a text; nil for anything else.
    public subscript(key: String) -> JSONValue? {
        switch self {
        case .object(let members): members.first { $0.0 == key }?.1
        case .array(let elements): Int(key).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
        default: nil
        }
    }

    /// The number that this is.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The whole number that this is.
    public var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The text that this is.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        /// Deeper texts are refused, before they exhaust the stack.
        private static let deepest = 200

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return position == bytes.count
            }
        }

        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipSpace() {
            while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
        }

        private mutating func take(_ character: Character) -> Bool {
            skipSpace()
            guard next == character.asciiValue else { return false }
            position += 1
            return true
        }

        mutating func value(depth: Int) -> JSONValue? {
            guard depth < Self.deepest else { return nil }
            skipSpace()
            switch next {
            case UInt8(ascii: "{"): return object(depth)
            case UInt8(ascii: "["): return array(depth)
            case UInt8(ascii: "\""): return string().map { .string($0) }
            case nil: return nil
            default: return word()
            }
        }

        private mutating func object(_ depth: Int) -> JSONValue? {
            position += 1
            var members: [(String, JSONValue)] = []
            if take("}") { return .object(members) }
            repeat {
                skipSpace()
                guard next == UInt8(ascii: "\""), let key = string(), take(":"), let member = value(depth: depth + 1)
                else { return nil }
                members.append((key, member))
            } while take(",")
            return take("}") ? .object(members) : nil
        }

        private mutating func array(_ depth: Int) -> JSONValue? {
            position += 1
            var elements: [JSONValue] = []
            if take("]") { return .array(elements) }
            repeat {
                guard let element = value(depth: depth + 1) else { return nil }
                elements.append(element)
            } while take(",")
            return take("]") ? .array(elements) : nil
        }

        /// A number, true, false or null.
        private mutating func word() -> JSONValue? {
            let start = position
            while let byte = next, !" \t\n\r,]}:".utf8.contains(byte) { position += 1 }
            let word = String(decoding: bytes[start..<position], as: UTF8.self)
            switch word {
            case "null": return .null
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default:
                let digits = word.utf8.first == UInt8(ascii: "-") ? word.dropFirst() : word[...]
                guard let first = digits.utf8.first, (48...57).contains(first),
                    word.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) })
                else { return nil }
                return Int(word).map { .integer($0) } ?? Double(word).map { .number($0) }
            }
        }

        private mutating func string() -> String? {
            position += 1
            var text: [UInt8] = []
            while let byte = next {
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = escape() else { return nil }
                    text += escaped.utf8
                case 0..<0x20: return nil
                default: text.append(byte)
                }
            }
            return nil
        }

        /// What follows a backslash.
        private mutating func escape() -> String? {
            guard let byte = next else { return nil }
            position += 1
            switch Character(UnicodeScalar(byte)) {
            case "\"", "\\", "/": return String(UnicodeScalar(byte))
            case "b": return "\u{8}"
            case "f": return "\u{C}"
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "u":
                guard let high = unit() else { return nil }
                if let scalar = UnicodeScalar(high) { return String(Character(scalar)) }
                // A pair of surrogates.
                guard (0xD800..<0xDC00).contains(high), next == UInt8(ascii: "\\") else { return nil }
                position += 1
                guard next == UInt8(ascii: "u") else { return nil }
                position += 1
                guard let low = unit(), (0xDC00..<0xE000).contains(low) else { return nil }
                return UnicodeScalar(0x10000 + (UInt32(high - 0xD800) << 10) + UInt32(low - 0xDC00)).map {
                    String(Character($0))
                }
            default: return nil
            }
        }

        /// Four hexadecimal digits.
        private mutating func unit() -> UInt16? {
            guard position + 4 <= bytes.count else { return nil }
            defer { position += 4 }
            let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
            return digits.allSatisfy(\.isHexDigit) ? UInt16(digits, radix: 16) : nil
        }
    }
}
