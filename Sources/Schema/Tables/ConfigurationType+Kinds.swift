extension ConfigurationType {
    /// A list of kinds of a category. An element is the name of a kind, or a block of one key: the name, with a block
    /// of the kind's keys or with the value of its `shortKey`.
    ///
    ///     layers: [{linear: 64}, relu, {dropout: {probability: 0.1}}]
    ///
    /// The written block leaves an empty list out.
    /// - Parameters:
    ///   - example: a list as YAML, for error messages.
    ///   - minimum: the smallest number of elements.
    ///   - isUnique: whether the list names each kind at most once.
    ///   - describesKinds: whether `couplet config --keys` has the keys of the kinds below this key: not in a list
    ///     inside one of these kinds.
    ///   - kind: `{ $0 }`, which converts the protocol of the category to `ConfigurableKind`.
    package static func kinds<Kind>(
        of category: KindCategory, example: String, minimum: Int = 0, isUnique: Bool = false,
        describesKinds: Bool = true, kind: @escaping @Sendable (Kind) -> any ConfigurableKind
    ) -> ConfigurationType<[Kind]> where Value == [Kind] {
        ConfigurationType(
            "list of names, or of blocks {name: {key: value}}", example: example,
            read: { key, node, block in
                var names: [String] = [], index = -1
                let kinds = block.list(key, node, example: example) { item -> Kind? in
                    index += 1
                    let element = isUnique ? key : "\(key)[\(index)]"
                    guard let kind = block.listedKind(element, item, of: category, example: example) else { return nil }
                    if isUnique, names.contains(kind.kindName) {
                        block.note(key, at: item.location, "names the \(category.noun) \(kind.kindName) twice")
                        return nil
                    }
                    names.append(kind.kindName)
                    return block.typed(kind, as: Kind.self, of: category, key, at: item.location)
                }
                guard let kinds else { return nil }
                if kinds.count < minimum {
                    block.note(
                        key, at: node.location, "wanted at least one \(category.noun), such as \(example); found none")
                    return nil
                }
                return kinds
            },
            write: { kinds in
                if kinds.isEmpty { return nil }
                let elements = kinds.map(kind).map { kind in
                    let entries = kind.entries
                    return entries.isEmpty
                        ? YAMLValue.text(kind.kindName) : .flow([(kind.kindName, .flow(entries))])
                }
                return .scalar(ConfigurationText.list(elements.map(\.inlineText)))
            },
            innerKeys: { registry in
                guard describesKinds else { return [] }
                return registry.kinds(of: category).flatMap { kind in
                    [KeyDescription(path: kind.name, type: category.noun, defaultValue: "", help: kind.help)]
                        + kind.descriptions(key: category.noun, registry: registry).map { $0.within(kind.name) }
                }
            })
    }
}

extension ConfigurationBlock {
    /// A kind as the type of a property. A problem, and nil, if the program has put a type of another protocol into the
    /// category. Nil stays nil.
    /// - Parameter location: the location of the problem; nil for that of the key's value.
    func typed<Kind>(
        _ kind: (any ConfigurableKind)?, as type: Kind.Type, of category: KindCategory, _ key: String,
        at location: Location? = nil
    ) -> Kind? {
        guard let kind else { return nil }
        if let typed = kind as? Kind { return typed }
        let reason = "the \(category.noun) \(kind.kindName) of this program is not of the type \(type)"
        if let location { note(key, at: location, reason) } else { note(key, reason) }
        return nil
    }

    /// Reads one element of a list of kinds. Nil after a problem.
    fileprivate func listedKind(
        _ key: String, _ item: ConfigurationNode, of category: KindCategory, example: String
    ) -> (any ConfigurableKind)? {
        let kinds = registry.kinds(of: category)
        var name = item, keys: ConfigurationNode?
        if case .block(let entries) = item.content {
            guard entries.count == 1, let entry = entries.first else {
                note(
                    key, at: item.location,
                    "wanted a block with the name of one \(category.noun) as its key, as in \(example); found "
                        + "\(entries.count) keys")
                return nil
            }
            name = ConfigurationNode(content: .scalar(entry.key, quoted: true), at: entry.keyLocation)
            keys = entry.value
        }
        guard let found = choice(key, category.noun, among: kinds.map { $0.name }, node: name),
            let type = kinds.first(where: { $0.name == found })
        else { return nil }
        if let node = keys, !node.isNull {
            if case .block = node.content {
            } else if let short = type.shortKey {
                keys = ConfigurationNode(
                    content: .block([.init(key: short, keyLocation: node.location, value: node)]), at: node.location)
            } else {
                note(
                    "\(key).\(found)", at: node.location,
                    "wanted a block with the keys of \(found); found \(node.found)")
                return nil
            }
        }
        let inner = ConfigurationBlock(
            keys ?? ConfigurationNode(content: .block([]), at: name.location),
            path: (path.isEmpty ? key : "\(path).\(key)") + ".\(found)", location: name.location, problems: problems,
            registry: registry)
        let problemCount = problems.all.count, kind = type.readKeys(inner)
        inner.finish()
        return problems.all.count == problemCount ? kind : nil
    }
}
