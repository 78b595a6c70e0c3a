import CoupletText

/// A block of a config, read strictly: every key that is asked for is a known one; what is left at `finish` is an error. A key
/// that is wrong is noted and the reading goes on, so that all that is wrong comes out at once.
package final class ConfigurationBlock {
    package typealias Location = ConfigurationError.Problem.Location
    package typealias Problem = ConfigurationError.Problem

    /// What is wrong in the whole config.
    package final class Problems {
        package private(set) var all: [Problem] = []
        package init() {}
        package func note(_ problem: Problem) { all.append(problem) }
    }

    /// The blocks around and this one, such as `encoders.first`; empty for the whole config.
    package let path: String
    package let problems: Problems
    private let place: Location
    package let entries: [ConfigurationNode.Entry]
    private var known: [String] = []
    private var useless: [(key: String, reason: String)] = []

    package init(_ node: ConfigurationNode, path: String, place: Location, problems: Problems) {
        self.path = path
        self.place = place
        self.problems = problems
        if case .block(let entries) = node.content {
            self.entries = entries
        } else {
            entries = []
        }
    }

    // MARK: What is wrong

    package func note(_ key: String, at place: Location, _ reason: String) {
        problems.note(Problem(place: place, key: path.isEmpty ? key : "\(path).\(key)", reason: reason))
    }

    /// Notes what is wrong with the value of a key, where it stands; with the block where the key is absent.
    package func note(_ key: String, _ reason: String) {
        note(key, at: entries.first { $0.key == key }?.value.place ?? place, reason)
    }

    /// Declares keys that another choice in this block would have, and why they are of no use here.
    package func markInapplicable(_ keys: [String], because reason: String) {
        useless += keys.map { ($0, reason) }
    }

    /// Notes every key that nobody asked for.
    package func finish() {
        for entry in entries where !known.contains(entry.key) {
            if let reason = useless.first(where: { $0.key == entry.key })?.reason {
                note(entry.key, at: entry.keyLocation, "is of no use here: \(reason)")
            } else if let nearest = NearestNames.guess(entry.key, among: known + useless.map(\.key)) {
                note(entry.key, at: entry.keyLocation, "no such key; did you mean \(nearest)?")
            } else {
                note(entry.key, at: entry.keyLocation, "no such key; there are \(known.joined(separator: ", "))")
            }
        }
    }

    // MARK: Asking for keys

    package func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// The value of a key; nil where it is absent.
    package func value(_ key: String) -> ConfigurationNode? {
        if !known.contains(key) { known.append(key) }
        return entries.first { $0.key == key }?.value
    }

    /// The value of a key that must be there; an absent one is noted.
    package func required(_ key: String, example: String) -> ConfigurationNode? {
        let found = value(key)
        if found == nil { note(key, at: place, "is missing; for example \(key): \(example)") }
        return found
    }

    /// A block within this one; where it is absent or no block, that is noted, and an empty one is nil.
    package func block(_ key: String, required isRequired: Bool, example: String) -> ConfigurationBlock? {
        let node = isRequired ? required(key, example: example) : value(key)
        guard let node else { return nil }
        guard case .block = node.content else {
            note(key, at: node.place, "wanted a block of keys, such as \(example); found \(node.found)")
            return nil
        }
        let keyLocation = entries.first { $0.key == key }?.keyLocation ?? node.place
        return ConfigurationBlock(
            node, path: path.isEmpty ? key : "\(path).\(key)", place: keyLocation, problems: problems)
    }

    // MARK: Values by type: each leaves the default as it is where the key is absent, and notes what does not fit

    package func read(_ key: String, into result: inout String, example: String) {
        guard let node = value(key) else { return }
        if let text = text(key, node, example: example) { result = text }
    }

    package func read(_ key: String, into result: inout Bool) {
        guard let node = value(key) else { return }
        guard case .scalar(let text, quoted: false) = node.content, ["true", "false"].contains(text.lowercased()) else {
            return note(key, at: node.place, "wanted true or false; found \(node.found)")
        }
        result = text.lowercased() == "true"
    }

    package func read(_ key: String, into result: inout Int, in range: ClosedRange<Int>, example: Int) {
        guard let node = value(key) else { return }
        if let number = integer(key, node, in: range, example: example) { result = number }
    }

    /// A size of memory: `256 MiB`, or a number of bytes.
    package func read(_ key: String, intoBytes result: inout Int) {
        guard let node = value(key) else { return }
        if case .scalar(let text, _) = node.content, let bytes = MemorySize.bytes(text) {
            result = bytes
        } else {
            note(
                key, at: node.place,
                "wanted a size of memory, such as 256 MiB, or a number of bytes; found \(node.found)")
        }
    }

    /// A duration: `3h55m`. `null` is nil.
    package func read(_ key: String, into result: inout Duration?) {
        guard let node = value(key) else { return }
        if node.isNull {
            result = nil
        } else if case .scalar(let text, _) = node.content, let seconds = DurationText.seconds(text), seconds > 0 {
            result = .seconds(seconds)
        } else {
            note(key, at: node.place, "wanted a duration above 0, such as 90s, 45m, 3h55m or 1d2h; found \(node.found)")
        }
    }

    /// `null` is nil; so is 0 where `zeroMeansNil`.
    package func read(
        _ key: String, into result: inout Int?, in range: ClosedRange<Int>, zeroMeansNil: Bool = false, example: Int
    ) {
        guard let node = value(key) else { return }
        if node.isNull {
            result = nil
        } else if let number = integer(key, node, in: zeroMeansNil ? 0...range.upperBound : range, example: example) {
            result = zeroMeansNil && number == 0 ? nil : number
        }
    }

    package func read(_ key: String, into result: inout Double, _ limit: NumberConstraint, example: Double) {
        guard let node = value(key) else { return }
        if let number = number(key, node, limit, example: example) { result = number }
    }

    /// `null` is nil.
    package func read(_ key: String, into result: inout Double?, _ limit: NumberConstraint, example: Double) {
        guard let node = value(key) else { return }
        if node.isNull {
            result = nil
        } else if let number = number(key, node, limit, example: example) {
            result = number
        }
    }

    package func read(_ key: String, into result: inout Float, _ limit: NumberConstraint, example: Double) {
        guard let node = value(key), number(key, node, limit, example: example) != nil,
            case .scalar(let text, _) = node.content,
            let number = Float(text.filter { $0 != "_" })
        else { return }
        guard number.isFinite, limit.contains(Double(number)) else {
            return note(
                key, at: node.place,
                "wanted \(limit.description) that a Float32 can hold, such as \(example); found \(node.found)")
        }
        result = number
    }

    /// One of several names; nil, noted, where it is none of them. `kind` is what the error calls it: "loss".
    package func choice(_ key: String, _ kind: String, among names: [String], node: ConfigurationNode) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            note(key, at: node.place, "wanted one of \(names.joined(separator: ", ")); found \(node.found)")
            return nil
        }
        if names.contains(text) { return text }
        let guess = NearestNames.guess(text, among: names).map { "did you mean \($0)? There are" } ?? "there are"
        note(key, at: node.place, "no \(kind) is called \"\(text)\"; \(guess) \(names.joined(separator: ", "))")
        return nil
    }

    // MARK: Single values

    package func text(_ key: String, _ node: ConfigurationNode, example: String) -> String? {
        guard case .scalar(let text, let quoted) = node.content, !node.isNull, !text.isEmpty else {
            note(key, at: node.place, "wanted a text, such as \(example); found \(node.found)")
            return nil
        }
        if !quoted, text == "true" || text == "false" {
            note(
                key, at: node.place,
                "wanted a text, such as \(example); found \(text); put it in quotes if it is meant as a text")
            return nil
        }
        return text
    }

    package func integer(_ key: String, _ node: ConfigurationNode, in range: ClosedRange<Int>, example: Int) -> Int? {
        let wanted =
            range.upperBound == .max
            ? "a whole number from \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        if case .scalar(let text, quoted: false) = node.content, let number = Int(text.filter { $0 != "_" }),
            range.contains(number)
        {
            return number
        }
        note(key, at: node.place, "wanted \(wanted), such as \(example); found \(node.found)")
        return nil
    }

    package func number(_ key: String, _ node: ConfigurationNode, _ limit: NumberConstraint, example: Double) -> Double?
    {
        if case .scalar(let text, quoted: false) = node.content, !text.isEmpty,
            text.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE_".utf8.contains($0) }),
            let number = Double(text.filter { $0 != "_" }), number.isFinite, limit.contains(number)
        {
            return number
        }
        note(
            key, at: node.place,
            "wanted \(limit.description), such as \(ConfigurationText.number(example)); found \(node.found)")
        return nil
    }

    /// A list of values, each read by `element`; nil, noted, where it is no list or an element does not fit.
    package func list<Element>(
        _ key: String, _ node: ConfigurationNode, example: String, _ element: (ConfigurationNode) -> Element?
    ) -> [Element]? {
        guard case .list(let items) = node.content else {
            note(key, at: node.place, "wanted a list, such as \(example); found \(node.found)")
            return nil
        }
        let elements = items.compactMap(element)
        return elements.count == items.count ? elements : nil
    }
}
