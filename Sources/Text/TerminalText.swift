/// Makes text that came from files, names and the environment safe to show on a terminal.
package enum TerminalText {
    /// The text with each control character replaced by its escape, such as `\u001B`. Line feeds and tabs stay.
    ///
    /// A terminal executes control characters: they move the cursor, set the window's title or hide what was written.
    /// The marks that reverse the direction of writing are replaced too, because they make a name look like another
    /// one. The escape is also the one of JSON, so that JSON text keeps its value.
    package static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)".unicodeScalars
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        // C0 and C1 control characters, and delete.
        case 0..<0x20, 0x7F..<0xA0: true
        // Direction marks, line and paragraph separators, direction overrides and isolates.
        case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The beginning of a text that may be very long, for messages.
    package static func shortened(_ text: String, to count: Int = 200) -> String {
        // The UTF-8 view knows its length; a text of few bytes has few characters.
        guard text.utf8.count > count, let end = text.index(text.startIndex, offsetBy: count, limitedBy: text.endIndex),
            end < text.endIndex
        else { return text }
        return "\(text[..<end])… (\(text.utf8.count) bytes)"
    }
}
