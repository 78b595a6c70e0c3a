extension ConfigurationNode {
    /// Puts the value of one `--set key.path=value` in its place; keys and blocks that are not there are made.
    /// - Throws: `ConfigurationError` that names the argument.
    package mutating func apply(override text: String) throws {
        let place = Location.override(text)
        func problem(_ key: String, _ reason: String) -> ConfigurationError {
            ConfigurationError([.init(place: place, key: key, reason: reason)])
        }
        guard let equals = text.firstIndex(of: "=") else {
            throw problem("", "wanted key.path=value, such as --set optimizer.learning_rate=0.01")
        }
        let path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ !$0.isEmpty }) else {
            throw problem(
                "", "a key is missing before \"=\"; wanted key.path=value, such as --set optimizer.learning_rate=0.01")
        }
        let value = try ConfigurationNode(yaml: String(text[text.index(after: equals)...])) { _, _ in place }
        try set(value, at: path, place: place)
    }

    /// Puts a value in the place of a key within blocks; keys and blocks that are not there are made.
    /// - Parameter place: where errors about the key itself say it was written.
    /// - Throws: `ConfigurationError` where the path leads into something that is no block.
    package mutating func set(_ value: ConfigurationNode, at path: [String], place: Location) throws {
        try set(value, at: path[...], within: "", place: place)
    }

    private mutating func set(
        _ value: ConfigurationNode, at path: ArraySlice<String>, within parent: String, place: Location
    ) throws {
        guard let key = path.first else {
            self = value
            return
        }
        if isNull { content = .block([]) }
        guard case .block(var entries) = content else {
            throw ConfigurationError([
                .init(
                    place: place, key: parent,
                    reason:
                        "has no keys to set, for it is \(found) in the config; give it whole: \(place.isArgument ? "--set '\(parent)={\(key): …}'" : "\(parent): {\(key): …}")"
                )
            ])
        }
        let name = parent.isEmpty ? key : "\(parent).\(key)"
        if let index = entries.firstIndex(where: { $0.key == key }) {
            var entry = entries[index]
            try entry.value.set(value, at: path.dropFirst(), within: name, place: place)
            // From here on an error about the key itself is about this argument only if it brought the value.
            entries[index] = Entry(
                key: key, keyLocation: path.count == 1 ? place : entry.keyLocation, value: entry.value)
        } else {
            var made = ConfigurationNode(content: .block([]), place: place)
            try made.set(value, at: path.dropFirst(), within: name, place: place)
            entries.append(Entry(key: key, keyLocation: place, value: made))
        }
        content = .block(entries)
    }
}
