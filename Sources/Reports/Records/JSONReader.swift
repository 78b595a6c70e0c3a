import Evaluation

/// Reads JSON (RFC 8259); an object's members keep their order.
struct JSONReader {
    /// Where a text is no JSON.
    struct Problem: Error, CustomStringConvertible {
        let offset: Int
        let reason: String

        var description: String { "no JSON at byte \(offset + 1): \(reason)" }
    }

    /// Deeper than any file of Couplet's, and far from the end of the stack.
    private static let deepest = 64

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The one value that a text is.
    /// - Throws: `Problem`.
    static func value(of bytes: ArraySlice<UInt8>) throws -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.next == nil else { throw reader.problem("something follows the value") }
        return value
    }

    private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private func problem(_ reason: String) -> Problem { Problem(offset: position - bytes.startIndex, reason: reason) }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: Character) throws {
        guard let code = byte.asciiValue, next == code else { throw problem("'\(byte)' is missing") }
        position += 1
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.deepest else { throw problem("nested too deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw problem("the text ends")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw problem("no value") }
        position += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        try take("{")
        var members: [(String, JSONValue)] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            skipSpace()
            let key = try string()
            skipSpace()
            try take(":")
            members.append((key, try value(depth: depth + 1)))
            skipSpace()
            if next == UInt8(ascii: ",") {
                position += 1
            } else {
                try take("}")
                return .object(members)
            }
        }
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        try take("[")
        var values: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if next == UInt8(ascii: ",") {
                position += 1
            } else {
                try take("]")
                return .array(values)
            }
        }
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        var isWhole = true
        while let byte = next {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
            case UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isWhole = false
            default:
                return try number(String(decoding: bytes[start..<position], as: UTF8.self), isWhole: isWhole, from: start)
            }
            position += 1
        }
        return try number(String(decoding: bytes[start..<position], as: UTF8.self), isWhole: isWhole, from: start)
    }

    private func number(_ text: String, isWhole: Bool, from start: Int) throws -> JSONValue {
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), text.first != "+", text.first != "." else {
            throw Problem(offset: start - bytes.startIndex, reason: "no value")
        }
        return .number(value)
    }

    private mutating func string() throws -> String {
        try take("\"")
        var result: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): result += try escape()
            case 0..<0x20: throw problem("a control character within a string")
            default: result.append(byte)
            }
        }
        throw problem("a string has no end")
    }

    private mutating func escape() throws -> [UInt8] {
        guard let byte = next else { throw problem("a string has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
                position += 2
                let low = try hexadecimal()
                code = (0xDC00..<0xE000).contains(low) ? 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
            }
            return Array(String(Character(Unicode.Scalar(code) ?? "\u{FFFD}")).utf8)
        default: throw problem("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw problem("four hexadecimal digits are missing") }
        position += 4
        return code
    }
}

extension JSONValue {
    /// The member of an object; nil for any other value.
    func member(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == key }?.1
    }

    /// As a number; nil for any other value.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// As a list of numbers, null among them as NaN; nil for any other value.
    var doubles: [Double]? {
        guard case .array(let values) = self, !values.isEmpty else { return nil }
        let numbers = values.map { $0 == .null ? Double.nan : $0.double }
        return numbers.contains { $0 == nil } ? nil : numbers.compactMap { $0 }
    }
}
