/// Where the keys of a config were written. Errors that appear only when the config is used, because they depend on the
/// data, name the same file and line as those of the reader.
///
/// It is no part of a config's value: two origins are always equal.
public struct ConfigurationOrigin: Equatable, Sendable {
    private let tree: ConfigurationNode?
    private let start: ConfigurationError.Problem.Location?

    /// The origin of a config that a program made.
    public init() { (tree, start) = (nil, nil) }

    /// - Parameter start: the location of keys that the config does not have.
    package init(_ tree: ConfigurationNode, start: ConfigurationError.Problem.Location) {
        (self.tree, self.start) = (tree, start)
    }

    public static func == (a: ConfigurationOrigin, b: ConfigurationOrigin) -> Bool { true }

    /// Whether the text has a key, such as `optimizer.weight_decay`; nil if a program made the config.
    package func has(_ key: String) -> Bool? {
        guard var node = tree else { return nil }
        for name in key.split(separator: ".") {
            guard case .block(let entries) = node.content, let entry = entries.first(where: { $0.key == name }) else {
                return false
            }
            node = entry.value
        }
        return true
    }

    /// The location of a key's value, or of the innermost block around it that is given; nil if a program made the
    /// config.
    /// - Parameter key: such as `encoders.first.layers[3].conv2d`, where `[3]` is an element of a list.
    package func location(of key: String) -> ConfigurationError.Problem.Location? {
        guard var node = tree, var location = start else { return nil }
        var isElement = false
        for step in ConfigurationPath.steps(key) {
            // A list may stand for the block of its kind, as in `{residual: [...]}`.
            if let name = step.name, case .block(let entries) = node.content {
                guard let entry = entries.first(where: { $0.key == name }) else { break }
                // An absent key is reported where its block begins, which is where the block's own key is. The key of
                // an element is the name of its kind.
                if isElement || entry.value.isBlock {
                    location = entry.keyLocation
                } else {
                    location = entry.value.location
                }
                node = entry.value
                isElement = false
            } else if step.element == nil {
                break
            }
            if let element = step.element {
                guard case .list(let items) = node.content, items.indices.contains(element) else { break }
                node = items[element]
                location = node.location
                isElement = true
            }
        }
        return location
    }
}
