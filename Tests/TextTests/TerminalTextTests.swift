import CoupletText
import Testing

@Suite struct TerminalTextTests {
    @Test(arguments: [
        ("plain ü 😀", "plain ü 😀"), ("two\nlines\tand a tab", "two\nlines\tand a tab"), ("", ""),
        ("\u{1B}[31mred", "\\u001B[31mred"), ("a\rb\u{7}", "a\\u000Db\\u0007"), ("\u{7F}\u{9B}2J", "\\u007F\\u009B2J"),
        ("a\r\nb", "a\\u000D\nb"), ("gnp\u{202E}.exe", "gnp\\u202E.exe"), ("\u{2066}x\u{2069}", "\\u2066x\\u2069"),
    ])
    func controlCharactersAreEscaped(text: String, escaped: String) {
        #expect(TerminalText.escaped(text) == escaped)
        #expect(TerminalText.escaped(escaped) == escaped)
    }

    /// JSON text keeps its value, so that programs read the same from the standard output.
    @Test func escapedJSONHasTheSameValue() {
        let value = JSONValue.object([("k\u{9B}", .string("\u{1B}]0;title\u{7}\u{85}\u{2028}\u{7F} ü"))])
        let escaped = TerminalText.escaped(value.text)
        #expect(JSONValue(text: escaped) == value)
        #expect(!escaped.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
    }

    @Test func longTextsAreShortened() {
        #expect(TerminalText.shortened("abc", to: 3) == "abc")
        #expect(TerminalText.shortened("abcd", to: 3) == "abc… (4 bytes)")
        #expect(TerminalText.shortened(String(repeating: "ü", count: 150)) == String(repeating: "ü", count: 150))
        #expect(TerminalText.shortened(String(repeating: "x", count: 1_000_000)).utf8.count < 250)
    }
}
