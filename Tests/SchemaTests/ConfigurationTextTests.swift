import CoupletSchema
import Testing

@Suite struct ConfigurationTextTests {
    /// The scalar that a YAML reader finds in a text.
    private func scalar(_ text: String) throws -> (text: String, isQuoted: Bool)? {
        let node = try ConfigurationNode(yaml: text) { .file(name: "", line: $0, column: $1) }
        if case .scalar(let text, let quoted) = node.content { return (text, quoted) }
        return nil
    }

    @Test(arguments: [
        "plain", "a-b_c.d/e", "/data/mnist", "", "true", "No", "y", "12", "1e3", "a b", "a: b", "#x", "größer",
        "\"quoted\"",
        "back\\slash", "two\nlines", "tab\t", "\u{1}\u{2028}\u{FEFF}", "😀", "~", "null", "- x",
    ])
    func textsReadBack(value: String) throws {
        let read = try scalar(ConfigurationText.text(value))
        #expect(read?.text == value)
    }

    @Test func onlyUnmistakableTextsArePlain() {
        #expect(ConfigurationText.text("runs/a-1.h5") == "runs/a-1.h5")
        #expect(["yes", "3d", "a b", "N"].allSatisfy { ConfigurationText.text($0).hasPrefix("\"") })
    }

    @Test(arguments: [0, 1, -3, 0.1, 1e-8, 1.5e-300, 123_456_789, 1e15, 6.02e23, -2.5e-7])
    func numbersReadBack(value: Double) throws {
        let text = ConfigurationText.number(value)
        #expect(Double(text) == value && (!text.contains("e") || text.contains(".")), "\(text)")
    }

    @Test func wholeNumbersHaveNoPoint() {
        #expect(ConfigurationText.number(3.0) == "3" && ConfigurationText.number(Float(0.1)) == "0.1")
        #expect(ConfigurationText.number(1e-8) == "1.0e-08")
        #expect(ConfigurationText.list(["1", "2"]) == "[1, 2]")
    }
}
