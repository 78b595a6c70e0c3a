/// How values are written in YAML: so that Couplet reads the same value back, and so that readers of YAML 1.1 do.
package enum ConfigurationText {
    package static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return withPoint(value.description)
    }

    package static func number(_ value: Float) -> String {
        if value == value.rounded(), abs(value) < 1e7 { return String(Int64(value)) }
        return withPoint(value.description)
    }

    /// 1e-08 is a text in YAML 1.1, 1.0e-08 a number.
    private static func withPoint(_ text: String) -> String {
        guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }

    package static func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

    /// Plain where nothing could take it for something else, otherwise in double quotes.
    package static func text(_ value: String) -> String {
        let reserved: Set = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let isWord = { (byte: UInt8) in
            (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte)
        }
        if let first = value.utf8.first,
            (65...90).contains(first) || (97...122).contains(first) || first == UInt8(ascii: "/"),
            value.utf8.allSatisfy({ isWord($0) || "_-./".utf8.contains($0) }), !reserved.contains(value.lowercased())
        {
            return value
        }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default:
                let printable =
                    (0x20...0x7E).contains(scalar.value) || (0xA0...0xD7FF).contains(scalar.value)
                    || (0xE000...0xFFFD).contains(scalar.value) || scalar.value >= 0x10000
                let breaksLine = scalar.value == 0x2028 || scalar.value == 0x2029 || scalar.value == 0xFEFF
                if printable, !breaksLine {
                    quoted.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
                }
            }
        }
        return quoted + "\""
    }
}
