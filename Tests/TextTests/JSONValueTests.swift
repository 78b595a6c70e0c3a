import CoupletText
import Foundation
import Testing

@Suite struct JSONValueTests {
    @Test func writtenTextReadsBack() throws {
        let value = JSONValue.object([
            (
                "a",
                .array([
                    .integer(-3), .number(0.1 + 0.2), .number(.leastNonzeroMagnitude), .number(1e300), .null,
                    .boolean(true), .boolean(false),
                ])
            ),
            ("b \"\\\n\u{1}ü😀", .object([])), ("", .string("x\ty")),
            ("deep", .array([.array([.object([("k", .array([]))])])])),
        ])
        #expect(JSONValue(text: value.text) == value && JSONValue(text: value.indentedText() + "\n") == value)
        #expect(JSONValue(text: "  1e2 ")?.number == 100)
        #expect(JSONValue(text: "[0, -0, 0.5, 10, 1E-2]")?.numbers == [0, 0, 0.5, 10, 0.01])
        #expect(JSONValue(text: "36893488147419103232")?.number == 0x1p65)
    }

    /// Foundation's decoder reads the same escapes.
    @Test func escapesAreRead() throws {
        let text = #""\u00e9\ud83d\ude00\/\b\f\r\"\\""#
        let foundation = try JSONDecoder().decode(String.self, from: Data(text.utf8))
        #expect(JSONValue(text: text)?.string == foundation)
    }

    @Test(arguments: [
        "", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":}", "{a: 1}", "tru", "nan", "+1", "-", "\"", "\"\\x\"",
        "\"\\ud800\"", "1 2", "\"\n\"", "[1,]", "{\"a\":1,}",
        "1e", "01", "-01", "00", "1.", ".5", "1.e2", "1e+", "0x1", "1.2.3", "--1", "1e5e5", "1e999",
        String(repeating: "[", count: 100_000),
    ]) func invalidTextIsNil(_ text: String) { #expect(JSONValue(text: text) == nil) }
}
