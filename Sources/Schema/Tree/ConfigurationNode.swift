import CoupletText
import Yams

/// A node of a config's YAML tree, with the location at which it was written.
package struct ConfigurationNode: Sendable {
    package typealias Location = ConfigurationError.Problem.Location

    package struct Entry: Sendable {
        package let key: String
        package let keyLocation: Location
        package var value: ConfigurationNode
        /// Whether the entry comes from a file that the config extends (`ConfigurationMerge`), and nothing in the
        /// config itself replaces it.
        package var isInherited = false
    }

    package enum Content: Sendable {
        /// Quoted text is a string. Plain text may also be a number, true, false or null; its reader decides.
        case scalar(String, quoted: Bool)
        case list([ConfigurationNode])
        case block([Entry])
    }

    package var content: Content
    package let location: Location

    package init(content: Content, at location: Location) {
        self.content = content
        self.location = location
    }

    /// Whether the node is YAML's null.
    package var isNull: Bool {
        guard case .scalar(let text, quoted: false) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    var isBlock: Bool { if case .block = content { true } else { false } }

    /// The value as error messages describe it after "found".
    package var found: String {
        switch content {
        case .list(let items): "a list of \(items.count)"
        case .block: "a block of keys"
        case .scalar(let text, let quoted):
            if isNull {
                "nothing"
            } else if !quoted, ["true", "false"].contains(text.lowercased()) || Double(text) != nil {
                text
            } else {
                "the text \"\(TerminalText.shortened(text))\""
            }
        }
    }
}

// MARK: - Parsing YAML

extension ConfigurationNode {
    /// Parses a YAML text of one document.
    /// - Parameter location: converts a line and a column, counted from 1, into a location for error messages.
    /// - Throws: `ConfigurationError` with the one problem at which the YAML parser stopped.
    package init(yaml text: String, location: @escaping (_ line: Int, _ column: Int) -> Location) throws {
        // Editors on Windows begin a text in UTF-8 with a byte order mark.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        do {
            try YAMLSize.check(text)
            // The basic resolver compiles no regular expressions. The reader of a scalar decides what its text means.
            guard let node = try Yams.compose(yaml: text, .basic, .default, .utf8) else {
                self.init(content: .scalar("", quoted: false), at: location(1, 1))
                return
            }
            self = try ConfigurationNode(node, location: location)
        } catch let refusal as YAMLSize.Refusal {
            throw ConfigurationError([
                .init(at: location(refusal.line, refusal.column), key: "", reason: refusal.reason)
            ])
        } catch let error as YamlError {
            let (position, reason) = ConfigurationNode.describe(error, in: text)
            throw ConfigurationError([.init(at: location(position.line, position.column), key: "", reason: reason)])
        }
    }

    private init(_ node: Node, location: (Int, Int) -> Location) throws {
        let start = node.mark.map { location($0.line, $0.column) } ?? location(1, 1)
        switch node {
        case .scalar(let scalar):
            let isQuoted = scalar.style != .plain && scalar.style != .any
            self.init(content: .scalar(scalar.string, quoted: isQuoted), at: start)
        case .sequence(let sequence):
            let items = try sequence.map { try ConfigurationNode($0, location: location) }
            self.init(content: .list(items), at: start)
        case .mapping(let mapping):
            var entries: [Entry] = [], merged: [Entry] = []
            for (key, value) in mapping {
                let keyLocation = key.mark.map { location($0.line, $0.column) } ?? start
                guard let word = key.scalar else {
                    throw ConfigurationError([.init(at: keyLocation, key: "", reason: "a key must be a word")])
                }
                let node = try ConfigurationNode(value, location: location)
                if word.string == "<<", word.style == .plain {
                    merged += try node.mergedEntries(at: keyLocation)
                } else {
                    entries.append(Entry(key: word.string, keyLocation: keyLocation, value: node))
                }
            }
            // A block's own keys replace merged ones; of merged blocks the first one counts.
            var names = Set(entries.map(\.key))
            for entry in merged where names.insert(entry.key).inserted { entries.append(entry) }
            self.init(content: .block(entries), at: start)
        case .alias:
            // Yams replaces an alias by the node of its anchor.
            throw ConfigurationError([.init(at: start, key: "", reason: "this alias has no anchor")])
        }
    }

    /// The entries that this node, the value of a merge key (`<<`), adds to the block around it: those of a block, or
    /// of each block in a list.
    private func mergedEntries(at keyLocation: Location) throws -> [Entry] {
        switch content {
        case .block(let entries): return entries
        case .list(let items):
            return try items.flatMap { item in
                guard case .block(let entries) = item.content else { throw Self.badMerge(item, at: keyLocation) }
                return entries
            }
        case .scalar: throw Self.badMerge(self, at: keyLocation)
        }
    }

    private static func badMerge(_ node: ConfigurationNode, at keyLocation: Location) -> ConfigurationError {
        let reason = "a merge key wants a block or a list of blocks, such as <<: *base; found \(node.found)"
        return ConfigurationError([.init(at: keyLocation, key: "<<", reason: reason)])
    }

    /// The position at which the YAML parser stopped, and the reason.
    private static func describe(
        _ error: YamlError, in text: String
    ) -> (position: (line: Int, column: Int), reason: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = lines.dropFirst(max(0, mark.line - 1)).first ?? ""
            if line.prefix(while: \.isWhitespace).contains("\t") {
                return ((mark.line, mark.column), "invalid YAML: the line is indented by a tab; use spaces")
            }
            let context = context.map { "\($0.text) that begins at line \($0.mark.line), " } ?? ""
            return ((mark.line, mark.column), "invalid YAML: \(context)\(problem)")
        case .reader(let problem, let offset, _, _):
            let lines = text.prefix(offset ?? 0).split(separator: "\n", omittingEmptySubsequences: false)
            return ((max(1, lines.count), (lines.last?.count ?? 0) + 1), "invalid YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            let first = (line: context.mark.line, column: context.mark.column)
            let second = secondPosition(of: key, after: first, in: text)
            let reason = "the key \"\(key)\" is given twice" + (second == nil ? "" : ", first in line \(first.line)")
            return (second ?? first, reason)
        default:
            return ((1, 1), "invalid YAML: \(error)")
        }
    }

    /// The position at which a key of a block is given for the second time: the next line that has it in the same
    /// column. Nil for a key within braces.
    private static func secondPosition(
        of key: String, after first: (line: Int, column: Int), in text: String
    ) -> (line: Int, column: Int)? {
        let start = String(repeating: " ", count: max(0, first.column - 1)) + key
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().dropFirst(first.line)
        let match = lines.first { $0.element.hasPrefix(start) && $0.element.dropFirst(start.count).first == ":" }
        return match.map { ($0.offset + 1, first.column) }
    }
}

// MARK: - Overriding values

extension ConfigurationNode {
    /// Applies the argument `key.path=value` of `--set`. Missing keys and blocks are added.
    /// - Throws: `ConfigurationError` with the argument as location.
    package mutating func apply(override text: String) throws {
        let location = Location.override(text)
        func problem(_ reason: String) -> ConfigurationError {
            ConfigurationError([.init(at: location, key: "", reason: reason)])
        }
        guard let equals = text.firstIndex(of: "=") else {
            throw problem("wanted key.path=value, such as --set optimizer.learning_rate=0.01")
        }
        let path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ !$0.isEmpty }) else {
            throw problem(
                "a key is missing before \"=\"; wanted key.path=value, such as --set optimizer.learning_rate=0.01")
        }
        let value = try ConfigurationNode(yaml: String(text[text.index(after: equals)...])) { _, _ in location }
        try set(value, at: path, location: location)
    }

    /// Sets the value of a key within blocks. Missing keys and blocks are added.
    /// - Parameter location: the location that errors about the key itself name.
    /// - Throws: `ConfigurationError` if a key of the path has a value that is not a block.
    package mutating func set(_ value: ConfigurationNode, at path: [String], location: Location) throws {
        try set(value, at: path[...], within: "", location: location)
    }

    private mutating func set(
        _ value: ConfigurationNode, at path: ArraySlice<String>, within parent: String, location: Location
    ) throws {
        guard let key = path.first else {
            self = value
            return
        }
        let step = ConfigurationPath.step(key)
        if let name = step.name, let element = step.element {
            return try set(value, at: path, name, element, within: parent, location: location)
        }
        if isNull { content = .block([]) }
        guard case .block(var entries) = content else {
            let example =
                if case .override = location { "--set '\(parent)={\(key): …}'" } else { "\(parent): {\(key): …}" }
            let reason = "has no keys to set, because it is \(found) in the config; give the whole block: \(example)"
            throw ConfigurationError([.init(at: location, key: parent, reason: reason)])
        }
        let name = parent.isEmpty ? key : "\(parent).\(key)"
        if let index = entries.firstIndex(where: { $0.key == key }) {
            var entry = entries[index]
            try entry.value.set(value, at: path.dropFirst(), within: name, location: location)
            // An error about the key itself names the argument only if the argument set the value of this key.
            let keyLocation = path.count == 1 ? location : entry.keyLocation
            entries[index] = Entry(key: key, keyLocation: keyLocation, value: entry.value)
        } else {
            var added = ConfigurationNode(content: .block([]), at: location)
            try added.set(value, at: path.dropFirst(), within: name, location: location)
            entries.append(Entry(key: key, keyLocation: location, value: added))
        }
        content = .block(entries)
    }

    /// Marks the entries of all blocks as inherited.
    package mutating func markInherited() {
        guard case .block(var entries) = content else { return }
        for index in entries.indices {
            entries[index].isInherited = true
            entries[index].value.markInherited()
        }
        content = .block(entries)
    }

    /// Removes a key within blocks, and nothing if there is no such key.
    package mutating func remove(_ path: some Collection<String>) {
        guard let key = path.first, case .block(var entries) = content,
            let index = entries.firstIndex(where: { $0.key == key })
        else { return }
        if path.count == 1 {
            entries.remove(at: index)
        } else {
            entries[index].value.remove(path.dropFirst())
        }
        content = .block(entries)
    }

    /// Sets an element of the list that a key has, or a key within the element.
    private mutating func set(
        _ value: ConfigurationNode, at path: ArraySlice<String>, _ key: String, _ element: Int, within parent: String,
        location: Location
    ) throws {
        let name = parent.isEmpty ? key : "\(parent).\(key)"
        guard case .block(var entries) = content, let index = entries.firstIndex(where: { $0.key == key }),
            case .list(var items) = entries[index].value.content
        else {
            let reason = "has no element [\(element)] to set, because it is no list in the config"
            throw ConfigurationError([.init(at: location, key: name, reason: reason)])
        }
        guard items.indices.contains(element) else {
            let range = items.isEmpty ? "is empty" : "has the elements [0] to [\(items.count - 1)]"
            let reason = "has no element [\(element)] to set; the list \(range)"
            throw ConfigurationError([.init(at: location, key: name, reason: reason)])
        }
        try items[element].set(
            value, at: path.dropFirst(), within: "\(name)[\(element)]", location: location)
        entries[index].value.content = .list(items)
        content = .block(entries)
    }
}
