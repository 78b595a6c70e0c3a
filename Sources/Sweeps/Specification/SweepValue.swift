import CoupletSchema

/// A value for a key of a config, as YAML has it: a number, a text, a list, a block.
public struct SweepValue: Equatable, Sendable, CustomStringConvertible {
    /// As YAML on one line: what a config reads back as the same.
    public let yaml: String
    /// What a config is made with; its places are those of the sweep's file.
    package let node: ConfigurationNode

    package init(_ node: ConfigurationNode) {
        self.node = node
        yaml = Self.text(of: node)
    }

    /// A number that stands nowhere itself, but follows from a range or a draw.
    package init(_ number: Double, place: ConfigurationNode.Location) {
        self.init(ConfigurationNode(content: .scalar(ConfigurationText.number(number), quoted: false), place: place))
    }

    package init(_ number: Int, place: ConfigurationNode.Location) {
        self.init(ConfigurationNode(content: .scalar(String(number), quoted: false), place: place))
    }

    /// For people: a text without quotes, all else as YAML.
    public var description: String {
        if case .scalar(let text, _) = node.content { text } else { yaml }
    }

    public static func == (a: SweepValue, b: SweepValue) -> Bool { a.yaml == b.yaml }

    private static func text(of node: ConfigurationNode) -> String {
        switch node.content {
        case .scalar(let text, let quoted):
            // A plain word may be a number, true or null, and stays plain; what could end it early goes into quotes.
            let isPlain =
                !quoted
                && text.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0 & ~32) || "_-+./~".utf8.contains($0)
                }
            return isPlain ? (text.isEmpty ? "null" : text) : ConfigurationText.text(text)
        case .list(let items): return ConfigurationText.list(items.map(text(of:)))
        case .block(let entries):
            return "{"
                + entries.map { "\(ConfigurationText.text($0.key)): \(text(of: $0.value))" }.joined(separator: ", ")
                + "}"
        }
    }
}
