/// Formats values as YAML. Couplet reads the same values back, and so do readers of YAML 1.1.
package enum ConfigurationText {
    package static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return withPoint(value.description)
    }

    package static func number(_ value: Float) -> String {
        if value == value.rounded(), abs(value) < 1e7 { return String(Int64(value)) }
        return withPoint(value.description)
    }

    /// Adds a decimal point to a number with an exponent: YAML 1.1 reads 1e-08 as a string and 1.0e-08 as a number.
    private static func withPoint(_ text: String) -> String {
        guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }

    package static func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

    /// A string: plain if it can only be read as a string, otherwise in double quotes.
    package static func text(_ value: String) -> String {
        let reserved: Set = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let isLetter = { (byte: UInt8) in (65...90).contains(byte) || (97...122).contains(byte) }
        let isAllowed = { (byte: UInt8) in
            isLetter(byte) || (48...57).contains(byte) || "_-./".utf8.contains(byte)
        }
        if let first = value.utf8.first, isLetter(first) || first == UInt8(ascii: "/"),
            value.utf8.allSatisfy(isAllowed),
            !reserved.contains(value.lowercased())
        {
            return value
        }
        return "\"" + value.unicodeScalars.map(escaped).joined() + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\t": return "\\t"
        default:
            let isPrintable =
                (0x20...0x7E).contains(scalar.value) || (0xA0...0xD7FF).contains(scalar.value)
                || (0xE000...0xFFFD).contains(scalar.value) || scalar.value >= 0x10000
            let isLineBreakOrMark = [0x2028, 0x2029, 0xFEFF].contains(scalar.value)
            if isPrintable, !isLineBreakOrMark { return String(scalar) }
            let digits = String(scalar.value, radix: 16, uppercase: true)
            return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }
}
