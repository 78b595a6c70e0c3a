/// How a config is laid over the config that it extends.
///
/// Blocks are merged key by key, to any depth. Every other value replaces the former one: a list as a whole. Where the
/// upper file chooses another kind than the lower one (`optimizer.kind`, `data.source`, `objective.loss`), the keys of
/// the lower file's kind are left out; the keys that a block has for every kind, such as `optimizer.learning_rate`,
/// stay.
package struct ConfigurationMerge: Sendable {
    /// A block that chooses a kind.
    private struct Choice {
        /// The key that names the kind.
        let selector: String
        /// The kind of a block without that key; nil if the key is mandatory.
        let usual: String?
        /// The keys of all kinds.
        var kindKeys: Set<String> = []
    }

    private let choices: [String: Choice]
    /// Keys of the top level that no file inherits.
    private let ownKeys: Set<String>
    /// Blocks of the top level whose values are replaced as a whole.
    private let flatBlocks: Set<String>

    /// - Parameters:
    ///   - keys: all keys of a config, from which the blocks with kinds follow.
    ///   - ownKeys: keys of the top level that no file inherits.
    ///   - flatBlocks: blocks of the top level whose values are not merged but replaced.
    package init(keys: [KeyDescription], ownKeys: Set<String>, flatBlocks: Set<String> = []) {
        self.ownKeys = ownKeys
        self.flatBlocks = flatBlocks
        let defaults = Dictionary(keys.map { ($0.path, $0.defaultValue) }) { first, _ in first }
        var choices: [String: Choice] = [:]
        for key in keys {
            // "kind: mlp" of the key encoders.first.widths.
            guard let selector = key.kind?.prefix(while: { $0 != ":" }) else { continue }
            let steps = key.path.split(separator: ".")
            let depth = (1..<max(1, steps.count)).last {
                defaults["\(steps.prefix($0).joined(separator: ".")).\(selector)"] != nil
            }
            guard let depth else { continue }
            let block = steps.prefix(depth).joined(separator: ".")
            choices[
                block, default: Choice(selector: String(selector), usual: defaults["\(block).\(selector)"] ?? nil)
            ].kindKeys.insert(String(steps[depth]))
        }
        self.choices = choices
    }

    /// A file's tree over the tree that it extends, whose entries are then inherited.
    func merged(_ upper: ConfigurationNode, over lower: ConfigurationNode) -> ConfigurationNode {
        var lower = lower
        lower.markInherited()
        return merged(upper, over: lower, path: [])
    }

    private func merged(
        _ upper: ConfigurationNode, over lower: ConfigurationNode, path: [String]
    ) -> ConfigurationNode {
        guard case .block(let own) = upper.content, case .block(let inherited) = lower.content else { return upper }
        let obsolete = obsoleteKeys(own, inherited, path)
        var entries = inherited.filter { !obsolete.contains($0.key) }
        for entry in own {
            guard let index = entries.firstIndex(where: { $0.key == entry.key }) else {
                entries.append(entry)
                continue
            }
            let isReplaced = path.count == 1 && flatBlocks.contains(path[0])
            let value =
                isReplaced
                ? entry.value : merged(entry.value, over: entries[index].value, path: path + [entry.key])
            entries[index] = .init(key: entry.key, keyLocation: entry.keyLocation, value: value)
        }
        return ConfigurationNode(content: .block(entries), at: upper.location)
    }

    /// The inherited keys of a block that are left out.
    private func obsoleteKeys(
        _ own: [ConfigurationNode.Entry], _ inherited: [ConfigurationNode.Entry], _ path: [String]
    ) -> Set<String> {
        if path.isEmpty { return ownKeys }
        guard let choice = choices[path.joined(separator: ".")] else { return [] }
        func kind(_ entries: [ConfigurationNode.Entry]) -> String? {
            guard case .scalar(let text, _)? = entries.first(where: { $0.key == choice.selector })?.value.content else {
                return nil
            }
            return text
        }
        guard let now = kind(own), let before = kind(inherited) ?? choice.usual, now != before else { return [] }
        return choice.kindKeys
    }
}
