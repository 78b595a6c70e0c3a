import CoupletText

/// Reads a block of a config strictly. `ConfigurationTable` reads most blocks.
///
/// Each reading method makes its key a known key of the block. `finish` reports every key that is not known. A wrong
/// value is reported, and reading continues, so that the user sees all problems at once.
public final class ConfigurationBlock {
    package typealias Location = ConfigurationError.Problem.Location
    package typealias Problem = ConfigurationError.Problem

    /// Collects the problems of a whole config.
    package final class Problems {
        package private(set) var all: [Problem] = []
        /// Inherited keys that do not apply any more, because the config changes the key on which they depend.
        package fileprivate(set) var obsoleteKeys: [String] = []
        package init() {}
        package func note(_ problem: Problem) { all.append(problem) }
    }

    /// The key of this block after the keys of its outer blocks, such as `encoders.first`; empty for the whole config.
    package let path: String
    package let problems: Problems
    /// The kinds that the block may name.
    package let registry: Registry
    private let location: Location
    package private(set) var entries: [ConfigurationNode.Entry]
    /// The keys of the tables that read this block: the block's own, then those of its kind.
    var tableKeys: [String] = []
    private var knownKeys: [String] = []
    /// Whether keys that are not known are no problem, because the kind to which they may belong is not known.
    private var acceptsUnknownKeys = false
    private var inapplicableKeys: [(key: String, reason: String)] = []

    /// A node that is not a block is read as an empty block.
    package init(
        _ node: ConfigurationNode, path: String, location: Location, problems: Problems,
        registry: Registry = .none
    ) {
        self.registry = registry
        self.path = path
        self.location = location
        self.problems = problems
        if case .block(let entries) = node.content {
            self.entries = entries
        } else {
            entries = []
        }
    }

    // MARK: - Reporting problems

    /// Reports a problem of a key at a location.
    package func note(_ key: String, at location: Location, _ reason: String) {
        problems.note(Problem(at: location, key: path.isEmpty ? key : "\(path).\(key)", reason: reason))
    }

    /// Reports a problem of a key at the location of its value, or of the innermost block around it that is given.
    /// - Parameter key: a key of this block, or of a block within it, such as `evaluation.parameters`.
    public func note(_ key: String, _ reason: String) {
        var place = location, entries = entries
        for name in key.split(separator: ".") {
            guard let value = entries.first(where: { $0.key == name })?.value else { break }
            place = value.location
            entries = if case .block(let inner) = value.content { inner } else { [] }
        }
        note(key, at: place, reason)
    }

    /// Whether a problem of a key of this block, or of a block within it, was reported.
    package func hasProblem(_ key: String) -> Bool {
        let path = path.isEmpty ? key : "\(path).\(key)"
        return problems.all.contains {
            $0.key == path || $0.key.hasPrefix(path + ".") || $0.key.hasPrefix(path + "[")
        }
    }

    /// Declares keys that do not apply to the choices made in this block. `finish` reports them with the reason.
    package func markInapplicable(_ keys: [String], because reason: String) {
        inapplicableKeys += keys.map { ($0, reason) }
    }

    /// Whether a key is inherited from an extended file, and the config itself sets the key on which it depends. Such a
    /// key is ignored where it does not apply: the config cannot take it back.
    func ignores(_ key: String, dependingOn condition: String) -> Bool {
        guard let entry = entries.first(where: { $0.key == key }), entry.isInherited,
            let cause = entries.first(where: { $0.key == condition }), !cause.isInherited
        else { return false }
        _ = value(key)
        problems.obsoleteKeys.append(path.isEmpty ? key : "\(path).\(key)")
        return true
    }

    /// Settles which of two keys counts that exclude each other: an argument of `--set` wins over a file, and a file
    /// over one that it extends. The other key is then as if it were absent. It is a problem if both stand in one
    /// place.
    package func settle(_ key: String, against rival: String) {
        guard let own = entries.first(where: { $0.key == key }), let other = entries.first(where: { $0.key == rival })
        else { return }
        let (rank, otherRank) = (Self.rank(own), Self.rank(other))
        if rank == otherRank {
            note(key, at: own.keyLocation, "\(rival) is given as well; give one of the two")
            return
        }
        let absent = rank < otherRank ? own : other
        entries.removeAll { $0.key == absent.key }
        if absent.isInherited { problems.obsoleteKeys.append(path.isEmpty ? absent.key : "\(path).\(absent.key)") }
    }

    /// Which of several places of a key counts: the largest.
    private static func rank(_ entry: ConfigurationNode.Entry) -> Int {
        if case .override = entry.keyLocation { return 2 }
        return entry.isInherited ? 0 : 1
    }

    /// Reports every key that was not read.
    package func finish() {
        for entry in entries where !knownKeys.contains(entry.key) && !acceptsUnknownKeys {
            let reason =
                if let reason = inapplicableKeys.first(where: { $0.key == entry.key })?.reason {
                    "is of no use here: \(reason)"
                } else if let nearest = NearestNames.guess(entry.key, among: knownKeys + inapplicableKeys.map(\.key)) {
                    "no such key; did you mean \(nearest)?"
                } else {
                    "no such key; there are \(knownKeys.isEmpty ? "none" : knownKeys.joined(separator: ", "))"
                }
            note(entry.key, at: entry.keyLocation, reason)
        }
    }

    // MARK: - Reading nodes and blocks

    public func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// Whether a block within this block has a key.
    package func has(_ key: String, within block: String) -> Bool {
        guard case .block(let entries)? = entries.first(where: { $0.key == block })?.value.content else { return false }
        return entries.contains { $0.key == key }
    }

    /// The value of a key; nil if it is absent.
    package func value(_ key: String) -> ConfigurationNode? {
        if !knownKeys.contains(key) { knownKeys.append(key) }
        return entries.first { $0.key == key }?.value
    }

    /// The value of a mandatory key; nil, and a problem, if it is absent.
    package func required(_ key: String, example: String) -> ConfigurationNode? {
        let found = value(key)
        if found == nil { note(key, at: location, "is missing; for example \(key): \(example)") }
        return found
    }

    /// A block within this block; nil if it is absent. A mandatory block that is absent, and a value that is not a
    /// block, are problems.
    package func block(_ key: String, required isRequired: Bool, example: String) -> ConfigurationBlock? {
        guard let node = isRequired ? required(key, example: example) : value(key) else { return nil }
        return block(key, node, example: example)
    }

    /// The value of a key as a block. Nil, and a problem, if it is not a block.
    package func block(_ key: String, _ node: ConfigurationNode, example: String) -> ConfigurationBlock? {
        guard case .block = node.content else {
            note(key, at: node.location, "wanted a block of keys, such as \(example); found \(node.found)")
            return nil
        }
        let keyLocation = entries.first { $0.key == key }?.keyLocation ?? node.location
        let path = path.isEmpty ? key : "\(path).\(key)"
        return ConfigurationBlock(
            node, path: path, location: keyLocation, problems: problems, registry: registry)
    }

    /// Reads the value of a key into a variable. An absent key leaves it unchanged; so does a wrong value, which is a
    /// problem.
    package func read<Value>(_ key: String, _ type: ConfigurationType<Value>, into result: inout Value) {
        guard let node = value(key), let value = type.read(key, node, self) else { return }
        result = value
    }

    /// The kind that a key selects, with its keys, which stand in this block.
    /// - Parameters:
    ///   - default: the kind if the key is absent.
    ///   - isRequired: whether an absent key is a problem.
    /// - Returns: nil after a problem.
    func kind(
        _ key: String, of category: KindCategory, default: any ConfigurableKind, isRequired: Bool
    ) -> (any ConfigurableKind)? {
        let kinds = registry.kinds(of: category)
        var type: (any ConfigurableKind.Type)?
        if let node = isRequired ? required(key, example: kinds.first?.name ?? "") : value(key) {
            let name = choice(key, category.noun, among: kinds.map { $0.name }, node: node)
            type = kinds.first { $0.name == name }
        } else if !isRequired {
            type = Swift.type(of: `default`)
        }
        guard let type else {
            acceptsUnknownKeys = true
            return nil
        }
        let keys = type.keyNames
        if let double = keys.first(where: tableKeys.contains) {
            note(
                key,
                "the \(category.noun) \(type.name) has the key \(double), which its block has for every "
                    + "\(category.noun); rename it in the program")
            acceptsUnknownKeys = true
            return nil
        }
        for other in kinds {
            for name in other.keyNames where !keys.contains(name) && !tableKeys.contains(name) {
                _ = ignores(name, dependingOn: key)
            }
            for key in other.keyNames where !keys.contains(key) {
                let owners = kinds.filter { $0.keyNames.contains(key) }.map { $0.name }
                let list = owners.count == 1 ? "only \(owners[0]) has" : "\(owners.joined(separator: ", ")) have"
                markInapplicable([key], because: "the \(category.noun) \(type.name) does not have it; \(list) it")
            }
        }
        return type.readKeys(self)
    }

    // MARK: - Converting nodes
    // A value of the wrong type is a problem, and the result is nil.

    package func text(_ key: String, _ node: ConfigurationNode, example: String) -> String? {
        guard case .scalar(let text, let quoted) = node.content, !node.isNull, !text.isEmpty else {
            note(key, at: node.location, "wanted a text, such as \(example); found \(node.found)")
            return nil
        }
        if !quoted, text == "true" || text == "false" {
            let wanted = "wanted a text, such as \(example); found \(text)"
            note(key, at: node.location, "\(wanted); put it in quotes if it is meant as a text")
            return nil
        }
        return text
    }

    /// A number that a Float32 can hold.
    func float(_ key: String, _ node: ConfigurationNode, _ constraint: NumberConstraint, example: Double) -> Float? {
        guard number(key, node, constraint, example: example) != nil, case .scalar(let text, _) = node.content,
            let number = Float(text.filter { $0 != "_" })
        else { return nil }
        guard number.isFinite, constraint.contains(Double(number)) else {
            let wanted = "wanted \(constraint.description) that a Float32 can hold, such as \(example)"
            note(key, at: node.location, "\(wanted); found \(node.found)")
            return nil
        }
        return number
    }

    package func integer(
        _ key: String, _ node: ConfigurationNode, in range: ClosedRange<Int>, example: Int
    ) -> Int? {
        if case .scalar(let text, quoted: false) = node.content, let number = Self.wholeNumber(text),
            range.contains(number)
        {
            return number
        }
        let end = range.upperBound == .max ? "" : " to \(range.upperBound)"
        let wanted = "wanted a whole number from \(range.lowerBound)\(end), such as \(example)"
        note(key, at: node.location, "\(wanted); found \(node.found)")
        return nil
    }

    /// A whole number as YAML has it: 1500, 1_500 or, with an exponent, 1.5e3.
    private static func wholeNumber(_ text: String) -> Int? {
        let digits = text.filter { $0 != "_" }
        if let number = Int(digits) { return number }
        guard digits.utf8.contains(where: { "eE".utf8.contains($0) }),
            digits.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }),
            let number = Double(digits), abs(number) < 0x1p53
        else { return nil }
        return Int(exactly: number)
    }

    package func number(
        _ key: String, _ node: ConfigurationNode, _ constraint: NumberConstraint, example: Double
    ) -> Double? {
        if case .scalar(let text, quoted: false) = node.content, !text.isEmpty,
            text.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE_".utf8.contains($0) }),
            let number = Double(text.filter { $0 != "_" }), number.isFinite, constraint.contains(number)
        {
            return number
        }
        let wanted = "wanted \(constraint.description), such as \(ConfigurationText.number(example))"
        note(key, at: node.location, "\(wanted); found \(node.found)")
        return nil
    }

    /// One of several names. `kind` is the word that the error message uses for them, such as "loss".
    package func choice(_ key: String, _ kind: String, among names: [String], node: ConfigurationNode) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            note(key, at: node.location, "wanted one of \(names.joined(separator: ", ")); found \(node.found)")
            return nil
        }
        if names.contains(text) { return text }
        let guess = NearestNames.guess(text, among: names).map { "did you mean \($0)? There are" } ?? "there are"
        note(
            key, at: node.location,
            "no \(kind) is called \"\(TerminalText.shortened(text))\"; \(guess) \(names.joined(separator: ", "))")
        return nil
    }

    /// A list of values. `element` converts each of them, and reports those that it cannot convert.
    package func list<Element>(
        _ key: String, _ node: ConfigurationNode, example: String, _ element: (ConfigurationNode) -> Element?
    ) -> [Element]? {
        guard case .list(let items) = node.content else {
            note(key, at: node.location, "wanted a list, such as \(example); found \(node.found)")
            return nil
        }
        let elements = items.compactMap(element)
        return elements.count == items.count ? elements : nil
    }
}
