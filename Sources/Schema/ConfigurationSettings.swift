/// A config's YAML as it stands, key by key, without asking what the keys mean: to compare configs, also those that another version of
/// Couplet wrote.
public struct ConfigurationSettings: Equatable, Sendable {
    public struct Setting: Equatable, Sendable {
        /// With its blocks: `optimizer.learning_rate`.
        public let key: String
        /// As YAML writes it; a list on one line.
        public let value: String
    }

    /// In the order of the text.
    public let settings: [Setting]

    /// - Throws: `ConfigurationError` where the text is no YAML.
    public init(yaml text: String, name: String) throws {
        let node = try ConfigurationNode(yaml: text) { .file(name: name, line: $0, column: $1) }
        var settings: [Setting] = []
        Self.collect(node, key: "", into: &settings)
        self.settings = settings
    }

    public subscript(_ key: String) -> String? { settings.first { $0.key == key }?.value }

    private static func collect(_ node: ConfigurationNode, key: String, into settings: inout [Setting]) {
        guard case .block(let entries) = node.content, !entries.isEmpty else {
            if !key.isEmpty || !node.isNull { settings.append(Setting(key: key, value: text(node))) }
            return
        }
        for entry in entries {
            collect(entry.value, key: key.isEmpty ? entry.key : "\(key).\(entry.key)", into: &settings)
        }
    }

    private static func text(_ node: ConfigurationNode) -> String {
        switch node.content {
        case .scalar(let text, _): node.isNull ? "null" : text
        case .list(let items): "[" + items.map(text).joined(separator: ", ") + "]"
        case .block(let entries): "{" + entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
        }
    }
}
