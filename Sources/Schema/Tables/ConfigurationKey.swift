/// One key of a block of a config: its name, the type of its value, when it applies, and one line of help.
///
/// A key belongs to a `ConfigurationTable`, which reads it, writes it and documents it:
///
///     .key("momentum", \.momentum, .number(.belowOne, example: 0.9), "Factor of the previous update.")
public struct ConfigurationKey<Block: Sendable>: Sendable {
    /// Name of the key; for a key of kinds, the key that selects the kind.
    let name: String
    let condition: Condition?
    /// A key of the same table that excludes this one.
    private(set) var rival: String?
    let read: @Sendable (ConfigurationBlock, inout Block) -> Void
    /// The entries that the key adds to the written block.
    let entries: @Sendable (Block) -> [YAMLValue.Entry]
    /// Describes the key and the keys within its value. `Block` holds the defaults.
    let descriptions: @Sendable (Block, Registry) -> [KeyDescription]

    /// When a key applies. It depends on the value of a key that comes earlier in the table.
    public struct Condition: Sendable {
        /// The key on which the condition depends. If its value is wrong, the dependent key is accepted.
        let key: String
        let isMet: @Sendable (Block) -> Bool
        /// Why the key is of no use if the condition is not met, as error messages say it.
        let reason: @Sendable (Block) -> String

        public static func when(
            _ key: String, _ isMet: @escaping @Sendable (Block) -> Bool,
            otherwise reason: @escaping @Sendable (Block) -> String
        ) -> Condition { Condition(key: key, isMet: isMet, reason: reason) }
    }

    /// A key with a default: the value of the property in the table's defaults.
    /// - Parameters:
    ///   - path: the property of the block that holds the value.
    ///   - help: one sentence for `couplet config --keys`.
    ///   - condition: when the key applies; nil for always.
    ///   - defaultText: the default in words, if it depends on other keys.
    public static func key<Value>(
        _ name: String, _ path: WritableKeyPath<Block, Value> & Sendable, _ type: ConfigurationType<Value>,
        _ help: String, _ condition: Condition? = nil, defaultText: String? = nil
    ) -> ConfigurationKey {
        ConfigurationKey(name, path, type, help, condition, isRequired: false, defaultText: defaultText)
    }

    /// A key that every config must have.
    public static func required<Value>(
        _ name: String, _ path: WritableKeyPath<Block, Value> & Sendable, _ type: ConfigurationType<Value>,
        _ help: String, _ condition: Condition? = nil
    ) -> ConfigurationKey { ConfigurationKey(name, path, type, help, condition, isRequired: true) }

    private init<Value>(
        _ name: String, _ path: WritableKeyPath<Block, Value> & Sendable, _ type: ConfigurationType<Value>,
        _ help: String, _ condition: Condition?, isRequired: Bool, defaultText: String? = nil
    ) {
        self.name = name
        self.condition = condition
        read = { block, result in
            let node = isRequired ? block.required(name, example: type.example) : block.value(name)
            guard let node else { return }
            if let value = type.read(name, node, block) { result[keyPath: path] = value }
        }
        entries = { block in type.write(block[keyPath: path]).map { [(name, $0)] } ?? [] }
        descriptions = { defaults, registry in
            let inner = type.innerKeys(registry), value = type.write(defaults[keyPath: path])
            // A block's defaults are those of its keys.
            let defaultValue =
                defaultText ?? (inner.isEmpty || value?.isNull != false ? value?.inlineText ?? "null" : "")
            let own = KeyDescription(
                path: name, type: type.description, defaultValue: isRequired ? nil : defaultValue, help: help)
            return [own] + inner.map { $0.within(name) }
        }
    }

    /// The same key, which excludes another key of the table.
    package func excluding(_ key: String) -> ConfigurationKey {
        var copy = self
        copy.rival = key
        return copy
    }

    /// A key that selects one of the kinds of a category, such as `loss: joint`. The keys of the kind stand in the same
    /// block.
    /// - Parameters:
    ///   - isRequired: false takes the default of the table.
    ///   - kind: `{ $0 }`, which converts the protocol of the category to `ConfigurableKind`.
    package static func kind<Kind>(
        _ name: String, _ path: WritableKeyPath<Block, Kind> & Sendable, of category: KindCategory, _ help: String,
        isRequired: Bool = false, kind: @escaping @Sendable (Kind) -> any ConfigurableKind
    ) -> ConfigurationKey {
        ConfigurationKey(
            name: name, condition: nil,
            read: { block, result in
                let found = block.kind(
                    name, of: category, default: kind(result[keyPath: path]), isRequired: isRequired)
                if let found = block.typed(found, as: Kind.self, of: category, name) {
                    result[keyPath: path] = found
                }
            },
            entries: { block in
                let kind = kind(block[keyPath: path])
                return [(name, .text(kind.kindName))] + kind.entries
            },
            descriptions: { defaults, registry in
                let kinds = registry.kinds(of: category)
                let defaultName = kind(defaults[keyPath: path]).kindName
                let own = KeyDescription(
                    path: name, type: kinds.map { $0.name }.joined(separator: ", "),
                    defaultValue: isRequired ? nil : defaultName, help: help)
                return [own] + kinds.flatMap { $0.descriptions(key: name, registry: registry) }
            })
    }

    private init(
        name: String, condition: Condition?,
        read: @escaping @Sendable (ConfigurationBlock, inout Block) -> Void,
        entries: @escaping @Sendable (Block) -> [YAMLValue.Entry],
        descriptions: @escaping @Sendable (Block, Registry) -> [KeyDescription]
    ) {
        self.name = name
        self.condition = condition
        self.read = read
        self.entries = entries
        self.descriptions = descriptions
    }
}

/// A key as `couplet config --keys` prints it.
public struct KeyDescription: Equatable, Sendable {
    /// The key with its blocks: `optimizer.learning_rate`.
    public private(set) var path: String
    /// The values that the key accepts.
    public let type: String
    /// The default as YAML; empty for a block, whose keys have defaults; nil if every config must have the key.
    public let defaultValue: String?
    /// One sentence.
    public let help: String
    /// The kind to which the key belongs, such as `loss: sigmoid`; nil if it belongs to the block.
    public private(set) var kind: String?

    /// Whether the path stands as it is, for keys that several lists share.
    private var isFinal = false

    init(path: String, type: String, defaultValue: String?, help: String) {
        self.path = path
        self.type = type
        self.defaultValue = defaultValue
        self.help = help
    }

    func within(_ block: String) -> KeyDescription {
        if isFinal { return self }
        var copy = self
        copy.path = "\(block).\(path)"
        return copy
    }

    /// The key with its path as it is now, in whatever block it is listed.
    var withFinalPath: KeyDescription {
        var copy = self
        copy.isFinal = true
        copy.kind = nil
        return copy
    }

    func of(kind: String) -> KeyDescription {
        if isFinal { return self }
        var copy = self
        copy.kind = copy.kind ?? kind
        return copy
    }
}
