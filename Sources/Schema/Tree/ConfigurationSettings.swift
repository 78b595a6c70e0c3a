/// A config as a flat list of keys and values. The keys are not interpreted, so that configs of different versions of
/// Couplet can be compared.
public struct ConfigurationSettings: Equatable, Sendable {
    public struct Setting: Equatable, Sendable {
        /// The key with its blocks: `optimizer.learning_rate`.
        public let key: String
        /// The value as YAML; a list or a block on one line.
        public let value: String
    }

    /// The settings in the order of the text.
    public let settings: [Setting]

    /// - Parameter name: the file name in error messages.
    /// - Throws: `ConfigurationError` if the text is not valid YAML.
    public init(yaml text: String, name: String) throws {
        let node = try ConfigurationNode(yaml: text) { .file(name: name, line: $0, column: $1) }
        settings = Self.flattened(node, key: "")
    }

    public subscript(_ key: String) -> String? { settings.first { $0.key == key }?.value }

    private static func flattened(_ node: ConfigurationNode, key: String) -> [Setting] {
        guard case .block(let entries) = node.content, !entries.isEmpty else {
            return key.isEmpty && node.isNull ? [] : [Setting(key: key, value: text(node))]
        }
        return entries.flatMap { flattened($0.value, key: key.isEmpty ? $0.key : "\(key).\($0.key)") }
    }

    private static func text(_ node: ConfigurationNode) -> String {
        switch node.content {
        case .scalar(let text, _): node.isNull ? "null" : text
        case .list(let items): ConfigurationText.list(items.map(text))
        case .block(let entries): "{" + entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
        }
    }
}
