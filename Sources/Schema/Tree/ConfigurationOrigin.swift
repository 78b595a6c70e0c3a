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

    /// The location of a key's value, or of the innermost block around it that is given; nil if a program made the
    /// config.
    package func location(of key: String) -> ConfigurationError.Problem.Location? {
        guard var node = tree, var location = start else { return nil }
        for name in key.split(separator: ".") {
            guard case .block(let entries) = node.content, let entry = entries.first(where: { $0.key == name }) else {
                break
            }
            // An absent key is reported where its block begins, which is where the block's own key is.
            if case .block = entry.value.content {
                location = entry.keyLocation
            } else {
                location = entry.value.location
            }
            node = entry.value
        }
        return location
    }
}
