import CoupletText

/// Reads a block of a config strictly.
///
/// Each reading method makes its key a known key of the block. `finish` reports every key that is not known. A wrong
/// value is reported, and reading continues, so that the user sees all problems at once.
package final class ConfigurationBlock {
    package typealias Location = ConfigurationError.Problem.Location
    package typealias Problem = ConfigurationError.Problem

    /// Collects the problems of a whole config.
    package final class Problems {
        package private(set) var all: [Problem] = []
        package init() {}
        package func note(_ problem: Problem) { all.append(problem) }
    }

    /// The key of this block after the keys of its outer blocks, such as `encoders.first`; empty for the whole config.
    package let path: String
    package let problems: Problems
    private let location: Location
    package let entries: [ConfigurationNode.Entry]
    private var knownKeys: [String] = []
    private var inapplicableKeys: [(key: String, reason: String)] = []

    /// A node that is not a block is read as an empty block.
    package init(_ node: ConfigurationNode, path: String, location: Location, problems: Problems) {
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

    /// Reports a problem of a key at the location of its value, or of the block if the key is absent.
    package func note(_ key: String, _ reason: String) {
        note(key, at: entries.first { $0.key == key }?.value.location ?? location, reason)
    }

    /// Declares keys that do not apply to the choices made in this block. `finish` reports them with the reason.
    package func markInapplicable(_ keys: [String], because reason: String) {
        inapplicableKeys += keys.map { ($0, reason) }
    }

    /// Reports every key that was not read.
    package func finish() {
        for entry in entries where !knownKeys.contains(entry.key) {
            let reason =
                if let reason = inapplicableKeys.first(where: { $0.key == entry.key })?.reason {
                    "is of no use here: \(reason)"
                } else if let nearest = NearestNames.guess(entry.key, among: knownKeys + inapplicableKeys.map(\.key)) {
                    "no such key; did you mean \(nearest)?"
                } else {
                    "no such key; there are \(knownKeys.joined(separator: ", "))"
                }
            note(entry.key, at: entry.keyLocation, reason)
        }
    }

    // MARK: - Reading nodes and blocks

    package func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

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
        guard case .block = node.content else {
            note(key, at: node.location, "wanted a block of keys, such as \(example); found \(node.found)")
            return nil
        }
        let keyLocation = entries.first { $0.key == key }?.keyLocation ?? node.location
        let path = path.isEmpty ? key : "\(path).\(key)"
        return ConfigurationBlock(node, path: path, location: keyLocation, problems: problems)
    }

    // MARK: - Reading into variables
    // An absent key leaves the variable unchanged, so that it keeps its default. A value of the wrong type is a
    // problem.

    package func read(_ key: String, into result: inout String, example: String) {
        guard let node = value(key) else { return }
        if let text = text(key, node, example: example) { result = text }
    }

    package func read(_ key: String, into result: inout Bool) {
        guard let node = value(key) else { return }
        guard case .scalar(let text, quoted: false) = node.content, ["true", "false"].contains(text.lowercased()) else {
            return note(key, at: node.location, "wanted true or false; found \(node.found)")
        }
        result = text.lowercased() == "true"
    }

    package func read(_ key: String, into result: inout Int, in range: ClosedRange<Int>, example: Int) {
        guard let node = value(key) else { return }
        if let number = integer(key, node, in: range, example: example) { result = number }
    }

    /// Reads a whole number. `null` becomes nil; so does 0 if `zeroMeansNil`.
    package func read(
        _ key: String, into result: inout Int?, in range: ClosedRange<Int>, zeroMeansNil: Bool = false, example: Int
    ) {
        guard let node = value(key) else { return }
        if node.isNull {
            result = nil
        } else if let number = integer(
            key, node, in: zeroMeansNil ? 0...range.upperBound : range, example: example)
        {
            result = zeroMeansNil && number == 0 ? nil : number
        }
    }

    package func read(_ key: String, into result: inout Double, _ constraint: NumberConstraint, example: Double) {
        guard let node = value(key) else { return }
        if let number = number(key, node, constraint, example: example) { result = number }
    }

    /// Reads a number. `null` becomes nil.
    package func read(_ key: String, into result: inout Double?, _ constraint: NumberConstraint, example: Double) {
        guard let node = value(key) else { return }
        if node.isNull {
            result = nil
        } else if let number = number(key, node, constraint, example: example) {
            result = number
        }
    }

    package func read(_ key: String, into result: inout Float, _ constraint: NumberConstraint, example: Double) {
        guard let node = value(key), number(key, node, constraint, example: example) != nil,
            case .scalar(let text, _) = node.content, let number = Float(text.filter { $0 != "_" })
        else { return }
        guard number.isFinite, constraint.contains(Double(number)) else {
            let wanted = "wanted \(constraint.description) that a Float32 can hold, such as \(example)"
            return note(key, at: node.location, "\(wanted); found \(node.found)")
        }
        result = number
    }

    /// Reads a size of memory: `256 MiB`, or a number of bytes.
    package func read(_ key: String, intoBytes result: inout Int) {
        guard let node = value(key) else { return }
        if case .scalar(let text, _) = node.content, let bytes = MemorySize.bytes(text) {
            result = bytes
        } else {
            let wanted = "wanted a size of memory, such as 256 MiB, or a number of bytes"
            note(key, at: node.location, "\(wanted); found \(node.found)")
        }
    }

    /// Reads a duration: `3h55m`. `null` becomes nil.
    package func read(_ key: String, into result: inout Duration?) {
        guard let node = value(key) else { return }
        if node.isNull {
            result = nil
        } else if case .scalar(let text, _) = node.content, let seconds = DurationText.seconds(text), seconds > 0 {
            result = .seconds(seconds)
        } else {
            let wanted = "wanted a duration above 0, such as 90s, 45m, 3h55m or 1d2h"
            note(key, at: node.location, "\(wanted); found \(node.found)")
        }
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

    package func integer(
        _ key: String, _ node: ConfigurationNode, in range: ClosedRange<Int>, example: Int
    ) -> Int? {
        if case .scalar(let text, quoted: false) = node.content, let number = Int(text.filter { $0 != "_" }),
            range.contains(number)
        {
            return number
        }
        let end = range.upperBound == .max ? "" : " to \(range.upperBound)"
        let wanted = "wanted a whole number from \(range.lowerBound)\(end), such as \(example)"
        note(key, at: node.location, "\(wanted); found \(node.found)")
        return nil
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
        note(key, at: node.location, "no \(kind) is called \"\(text)\"; \(guess) \(names.joined(separator: ", "))")
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

/// The set of numbers that a key accepts.
package struct NumberConstraint: Sendable {
    /// The set as error messages describe it after "wanted".
    package let description: String
    package let contains: @Sendable (Double) -> Bool

    package static let positive = NumberConstraint(description: "a number above 0") { $0 > 0 }
    package static let nonNegative = NumberConstraint(description: "a number from 0") { $0 >= 0 }
    /// [0, 1)
    package static let belowOne = NumberConstraint(description: "a number from 0 to below 1") { $0 >= 0 && $0 < 1 }
    /// [0, 1]
    package static let probability = NumberConstraint(description: "a number from 0 to 1") { $0 >= 0 && $0 <= 1 }
    package static let any = NumberConstraint(description: "a number") { _ in true }
}

/// The largest numbers that a config accepts. They are far above anything useful, and small enough that their products
/// do not overflow.
package enum ConfigurationLimits {
    /// Largest extent of a network or of a sample.
    package static let extent = 1_000_000
    /// Largest number of pairs in a batch or gallery.
    package static let pairs = 1 << 30
    package static let steps = 1 << 40
}
