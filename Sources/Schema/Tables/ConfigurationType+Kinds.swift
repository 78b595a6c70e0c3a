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
    ///   - descriptions: where `couplet config --keys` lists the kinds and their keys.
    ///   - kind: `{ $0 }`, which converts the protocol of the category to `ConfigurableKind`.
    package static func kinds<Kind>(
        of category: KindCategory, example: String, minimum: Int = 0, isUnique: Bool = false,
        descriptions: KindDescriptions = .belowKey, kind: @escaping @Sendable (Kind) -> any ConfigurableKind
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
                return YAMLValue.elements(kinds.map { kind($0).listed })
            },
            innerKeys: { registry in
                if case .elsewhere = descriptions { return [] }
                let keys = registry.kinds(of: category).flatMap { kind in
                    [KeyDescription(path: kind.name, type: category.noun, defaultValue: "", help: kind.help)]
                        + kind.descriptions(key: category.noun, registry: registry).map { $0.within(kind.name) }
                }
                guard case .once(let path) = descriptions else { return keys }
                return keys.map { $0.within(path).withFinalPath }
            })
    }
}

/// Where `couplet config --keys` lists the kinds of a list.
package enum KindDescriptions: Sendable {
    /// Below the key of the list.
    case belowKey
    /// Once for all lists, below this path.
    case once(String)
    /// Below another key.
    case elsewhere
}

extension ConfigurableKind {
    /// An element of a list of kinds: the name, or a block of it with the keys. A kind whose only key is the one of a
    /// plain value is written with that value.
    fileprivate var listed: YAMLValue {
        YAMLValue.element(Self.name, entries, shortKey: Self.shortKey)
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
                // The keys of a kind that stand beside its name are indented too little.
                let first = entries.first, name = first?.key ?? ""
                let isKind = kinds.contains { $0.name == name }
                let hint =
                    isKind && entries.count > 1 && first?.value.isNull == true
                    ? "; indent \(entries.dropFirst().map(\.key).joined(separator: ", ")) below \(name)" : ""
                note(
                    key, at: item.location,
                    "wanted a block with the name of one \(category.noun) as its key, as in \(example); found "
                        + "\(entries.count) keys\(hint)")
                return nil
            }
            name = ConfigurationNode(content: .scalar(entry.key, quoted: true), at: entry.keyLocation)
            keys = entry.value
        }
        guard let found = choice(key, category.noun, among: kinds.map { $0.name }, node: name),
            let type = kinds.first(where: { $0.name == found })
        else { return nil }
        if let node = keys, !node.isNull, !node.isBlock {
            if let short = type.shortKey {
                keys = ConfigurationNode(
                    content: .block([.init(key: short, keyLocation: node.location, value: node)]), at: node.location)
            } else {
                note(
                    "\(key).\(found)", at: node.location,
                    type.keyNames.isEmpty
                        ? "\(found) has no keys: write \(found) alone; found \(node.found)"
                        : "wanted a block with the keys of \(found), which are "
                            + "\(type.keyNames.joined(separator: ", ")); found \(node.found)")
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
