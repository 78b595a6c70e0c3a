/// A tree as YAML text, which reads back as the same tree.
extension ConfigurationNode {
    /// The value on one line.
    package var inlineYAML: String {
        switch content {
        case .scalar(let text, let quoted):
            // A plain word may be a number, true or null, and stays plain. A word with other characters gets quotes.
            let isPlain =
                !quoted
                && text.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0 & ~32) || "_-+./~".utf8.contains($0)
                }
            return isPlain ? (text.isEmpty ? "null" : text) : ConfigurationText.text(text)
        case .list(let items): return ConfigurationText.list(items.map(\.inlineYAML))
        case .block(let entries):
            return "{"
                + entries.map { "\(ConfigurationText.text($0.key)): \($0.value.inlineYAML)" }.joined(separator: ", ")
                + "}"
        }
    }

    /// The block with a line a key.
    package var blockYAML: String {
        guard case .block(let entries) = content else { return inlineYAML + "\n" }
        return YAMLValue.text(of: Self.values(entries))
    }

    private static func values(_ entries: [Entry]) -> [YAMLValue.Entry] {
        entries.map { (ConfigurationText.text($0.key), $0.value.value) }
    }

    private var value: YAMLValue {
        switch content {
        case .scalar: .scalar(inlineYAML)
        case .list(let items): .list(items.map(\.value))
        case .block(let entries): entries.isEmpty ? .flow([]) : .block(Self.values(entries))
        }
    }
}
