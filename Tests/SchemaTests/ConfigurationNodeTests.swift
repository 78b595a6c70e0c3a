import CoupletSchema
import Testing

@Suite struct ConfigurationNodeTests {
    private func parse(_ text: String) throws -> ConfigurationNode {
        try ConfigurationNode(yaml: text) { .file(name: "c.yaml", line: $0, column: $1) }
    }

    /// The settings of a text after `--set` arguments, as "key=value".
    private func settings(_ text: String, overrides: String...) throws -> [String] {
        var node = try parse(text)
        for override in overrides { try node.apply(override: override) }
        return flattened(node, "")
    }

    private func flattened(_ node: ConfigurationNode, _ key: String) -> [String] {
        switch node.content {
        case .scalar(let text, let quoted): ["\(key)=\(quoted ? "\"\(text)\"" : text)"]
        case .list(let items): ["\(key)=[\(items.map { flattened($0, "").joined() }.joined())]"]
        case .block(let entries): entries.flatMap { flattened($0.value, key.isEmpty ? $0.key : "\(key).\($0.key)") }
        }
    }

    private func problem(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return "\(error)" }
    }

    @Test func everyNodeKnowsItsLocation() throws {
        let node = try parse("name: a\noptimizer:\n  kind: sgd\n  widths: [3, 4]\n")
        guard case .block(let entries) = node.content, case .block(let optimizer) = entries[1].value.content else {
            Issue.record("not a block")
            return
        }
        #expect(entries[1].keyLocation == .file(name: "c.yaml", line: 2, column: 1))
        #expect(optimizer[0].value.location == .file(name: "c.yaml", line: 3, column: 9))
        #expect(optimizer[1].value.found == "a list of 2" && entries[1].value.found == "a block of keys")
    }

    @Test func overridesSetReplaceAndAddKeys() throws {
        let text = "name: a\noptimizer: {kind: sgd}\ntrain: null\n"
        #expect(
            try settings(text, overrides: "optimizer.kind=adam", "train.steps=10", "data.source=\"mnist\"") == [
                "name=a", "optimizer.kind=adam", "train.steps=10", "data.source=\"mnist\"",
            ])
        #expect(try settings(text, overrides: "optimizer={kind: adamw, beta1: 0.9}").count == 4)
    }

    @Test func anOverrideOfAKeyWithinAValueIsAnError() throws {
        var node = try parse("optimizer: sgd\n")
        #expect(
            problem { try node.apply(override: "optimizer.kind=adam") }
                == "--set optimizer.kind=adam: optimizer: has no keys to set, because it is the text \"sgd\" in the "
                + "config; give the whole block: --set 'optimizer={kind: …}'")
        #expect(problem { try node.apply(override: "steps") }?.contains("wanted key.path=value") == true)
        #expect(problem { try node.apply(override: "train..steps=1") }?.contains("a key is missing") == true)
    }

    /// Editors on Windows write the mark.
    @Test func aByteOrderMarkIsNoPartOfTheText() throws {
        #expect(try settings("\u{FEFF}name: a\n") == ["name=a"])
        #expect(problem { _ = try parse("\u{FEFF}a: 1\na: 2\n") }?.hasPrefix("c.yaml:2:1: the key") == true)
    }

    @Test func mergeKeysAddWhatABlockDoesNotHave() throws {
        #expect(
            try settings("a: &a {k: 1, l: 2}\nb: {<<: *a, l: 3}\n") == ["a.k=1", "a.l=2", "b.l=3", "b.k=1"])
        #expect(
            try settings("a: &a {k: 1}\nb: &b {k: 2, m: 3}\nc:\n  <<: [*a, *b]\n  n: 4\n").suffix(3)
                == ["c.n=4", "c.k=1", "c.m=3"])
        #expect(try settings("{\"<<\": 1}\n") == ["<<=1"])
        #expect(problem { _ = try parse("a: {<<: 3}\n") }?.hasPrefix("c.yaml:1:5: <<: a merge key wants") == true)
        #expect(problem { _ = try parse("a: &a [1]\nb: {<<: [*a]}\n") }?.contains("a merge key wants") == true)
    }

    /// Ten levels of ten aliases are ten thousand million values in 300 bytes.
    @Test(.timeLimit(.minutes(5)), arguments: ["[%]", "{k0: %}"]) func aliasesThatExpandAreRefused(form: String) throws
    {
        let references = { (level: Int, count: Int) in
            form == "[%]"
                ? "[" + Array(repeating: "*a\(level)", count: count).joined(separator: ", ") + "]"
                : "{" + (0..<count).map { "k\($0): *a\(level)" }.joined(separator: ", ") + "}"
        }
        var text = "a0: &a0 x\n"
        for level in 1...10 { text += "a\(level): &a\(level) \(references(level - 1, 10))\n" }
        #expect(problem { _ = try parse(text) }?.contains("stand for more than 10000 values") == true)
        // The same aliases as the keys of a block, which a reader compares with each other.
        #expect(problem { _ = try parse(text + "? *a10\n: 1\n") } != nil)
        #expect(problem { _ = try parse("a: &a [1]\n? *a\n: 1\n") }?.hasPrefix("c.yaml:2:3: a key must be") == true)
        // A few aliases are fine.
        #expect(try settings("a0: &a0 [1, 2]\nb: \(references(0, 10))\n").count >= 2)
    }

    @Test func deepNestingIsRefused() throws {
        for depth in [300, 5_000, 200_000] {
            let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            #expect(problem { _ = try parse("a: \(text)\n") } != nil)
            #expect(problem { _ = try parse("a: \(String(repeating: "{a: ", count: depth))\n") } != nil)
        }
        // Aliases add their depth.
        let fifty = { (inner: String) in String(repeating: "[", count: 50) + inner + String(repeating: "]", count: 50) }
        var text = "a0: &a0 \(fifty("1"))\n"
        #expect(problem { _ = try parse(text) } == nil)
        for level in 1...5 { text += "a\(level): &a\(level) \(fifty("*a\(level - 1)"))\n" }
        #expect(problem { _ = try parse(text) }?.contains("nested more than 200 deep") == true)
    }

    @Test(arguments: [
        ("a: [1, 2", "c.yaml:2:1: invalid YAML: "),
        ("a:\n\tb: 1\n", "c.yaml:2:1: invalid YAML: the line is indented by a tab"),
        ("a: 1\nb: 2\na: 3\n", "c.yaml:3:1: the key \"a\" is given twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", "c.yaml:1:5: the key \"b\" is given twice"),
        ("[1]: 2\n", "c.yaml:1:1: a key must be a word"),
    ])
    func invalidYAMLIsAnErrorWithItsLocation(text: String, start: String) {
        let problem = problem { _ = try parse(text) }
        #expect(problem?.hasPrefix(start) == true, "\(problem ?? "no error")")
    }
}
