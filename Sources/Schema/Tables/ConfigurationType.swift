import CoupletText

/// The type of a key's value: how it is described, read and written.
public struct ConfigurationType<Value>: Sendable {
    /// The values as `couplet config --keys` describes them: "whole number from 1".
    let description: String
    /// A value as YAML, for error messages.
    let example: String
    /// Converts a node. A wrong value is recorded as a problem of the key, and the result is nil.
    let read: @Sendable (_ key: String, ConfigurationNode, ConfigurationBlock) -> Value?
    /// The value as YAML; nil leaves the key out.
    let write: @Sendable (Value) -> YAMLValue?
    /// The keys of a value that is a block.
    let innerKeys: @Sendable (Registry) -> [KeyDescription]

    package init(
        _ description: String, example: String,
        read: @escaping @Sendable (_ key: String, ConfigurationNode, ConfigurationBlock) -> Value?,
        write: @escaping @Sendable (Value) -> YAMLValue?,
        innerKeys: @escaping @Sendable (Registry) -> [KeyDescription] = { _ in [] }
    ) {
        self.description = description
        self.example = example
        self.read = read
        self.write = write
        self.innerKeys = innerKeys
    }

    /// A value that may also be `null`.
    /// - Parameters:
    ///   - zeroIsNull: whether 0 means `null` as well.
    ///   - isOmitted: whether the key is left out where the value is nil.
    public static func optional<Wrapped>(
        _ type: ConfigurationType<Wrapped>, zeroIsNull: Bool = false, isOmitted: Bool = false
    ) -> ConfigurationType<Wrapped?> where Value == Wrapped? {
        ConfigurationType(
            "\(type.description), or null", example: type.example,
            read: { key, node, block in
                if node.isNull { return .some(nil) }
                if zeroIsNull, case .scalar("0", quoted: false) = node.content { return .some(nil) }
                return type.read(key, node, block).map { .some($0) }
            },
            write: { value in value.map(type.write) ?? (isOmitted ? nil : .null) }, innerKeys: type.innerKeys)
    }

    /// A value that the written block leaves out where there is none. Unlike `optional`, it reads no `null`.
    package static func omitted<Wrapped>(
        _ type: ConfigurationType<Wrapped>
    ) -> ConfigurationType<Wrapped?> where Value == Wrapped? {
        ConfigurationType(
            type.description, example: type.example,
            read: { key, node, block in type.read(key, node, block).map { .some($0) } },
            write: { $0.flatMap(type.write) }, innerKeys: type.innerKeys)
    }

    /// The same type with a further condition on its values.
    /// - Parameter problem: what is wrong with a value, as error messages say it; nil if the value is valid.
    public func checked(_ problem: @escaping @Sendable (Value) -> String?) -> ConfigurationType {
        ConfigurationType(
            description, example: example,
            read: { [read] key, node, block in
                guard let value = read(key, node, block) else { return nil }
                guard let problem = problem(value) else { return value }
                block.note(key, at: node.location, problem)
                return nil
            }, write: write, innerKeys: innerKeys)
    }

    /// A list.
    /// - Parameter minimum: the smallest number of elements.
    public static func list<Element>(
        _ element: ConfigurationType<Element>, example: String, minimum: Int = 0
    ) -> ConfigurationType<[Element]> where Value == [Element] {
        ConfigurationType(
            "list of \(element.description.replacing("number", with: "numbers", maxReplacements: 1))", example: example,
            read: { key, node, block in
                let elements = block.list(key, node, example: example) { element.read(key, $0, block) }
                guard let elements else { return nil }
                if elements.count < minimum {
                    let wanted = minimum == 1 ? "at least one element" : "at least \(minimum) elements"
                    let found = elements.isEmpty ? "none" : "\(elements.count)"
                    block.note(key, at: node.location, "wanted \(wanted), such as \(example); found \(found)")
                    return nil
                }
                return elements
            },
            write: { .scalar(ConfigurationText.list($0.compactMap { element.write($0)?.inlineText })) })
    }

    /// A block with keys of its own.
    /// - Parameters:
    ///   - isInline: whether the block is written on one line, in braces.
    package static func block(
        _ table: ConfigurationTable<Value>, example: String, isInline: Bool = false
    ) -> ConfigurationType<Value> where Value: Sendable {
        ConfigurationType(
            "block", example: example,
            read: { key, node, block in
                guard let inner = block.block(key, node, example: example) else { return nil }
                return table.read(inner)
            },
            write: { isInline ? .flow(table.entries(of: $0)) : .block(table.entries(of: $0)) },
            innerKeys: table.descriptions)
    }
}

// MARK: - Scalars

extension ConfigurationType where Value == Bool {
    /// `true` or `false`.
    public static var flag: Self {
        ConfigurationType(
            "true or false", example: "true",
            read: { key, node, block in
                guard case .scalar(let text, quoted: false) = node.content,
                    ["true", "false"].contains(text.lowercased())
                else {
                    block.note(key, at: node.location, "wanted true or false; found \(node.found)")
                    return nil
                }
                return text.lowercased() == "true"
            }, write: YAMLValue.flag)
    }
}

extension ConfigurationType where Value == String {
    public static func text(example: String) -> Self {
        ConfigurationType(
            "text", example: example, read: { $2.text($0, $1, example: example) }, write: YAMLValue.text)
    }
}

extension ConfigurationType where Value == Int {
    public static func integer(_ range: ClosedRange<Int>, example: Int) -> Self {
        let end = range.upperBound >= ConfigurationLimits.extent ? "" : " to \(range.upperBound)"
        return ConfigurationType(
            "whole number from \(range.lowerBound)\(end)", example: "\(example)",
            read: { $2.integer($0, $1, in: range, example: example) }, write: YAMLValue.integer)
    }

    /// A size of memory: `256 MiB`, or a number of bytes.
    public static var memorySize: Self {
        ConfigurationType(
            "size of memory up to \(MemorySize.text(MemorySize.largest))", example: "256 MiB",
            read: { key, node, block in
                if case .scalar(let text, _) = node.content, let bytes = MemorySize.bytes(text) { return bytes }
                let limit = MemorySize.text(MemorySize.largest)
                let wanted = "wanted a size of memory up to \(limit), such as 256 MiB, or a number of bytes"
                block.note(key, at: node.location, "\(wanted); found \(node.found)")
                return nil
            }, write: { .scalar(MemorySize.text($0)) })
    }
}

extension ConfigurationType where Value == UInt64 {
    public static func unsigned(example: UInt64) -> Self {
        ConfigurationType(
            "whole number from 0", example: "\(example)",
            read: { key, node, block in
                if case .scalar(let text, quoted: false) = node.content, let number = UInt64(text.filter { $0 != "_" })
                {
                    return number
                }
                block.note(
                    key, at: node.location,
                    "wanted a whole number from 0 to \(UInt64.max), such as \(example); found \(node.found)")
                return nil
            }, write: { .scalar(String($0)) })
    }
}

extension ConfigurationType where Value == Double {
    public static func number(_ constraint: NumberConstraint, example: Double) -> Self {
        ConfigurationType(
            constraint.shortDescription, example: ConfigurationText.number(example),
            read: { $2.number($0, $1, constraint, example: example) }, write: { .number($0) })
    }
}

extension ConfigurationType where Value == Float {
    /// A number that a Float32 can hold.
    public static func number(_ constraint: NumberConstraint, example: Double) -> Self {
        ConfigurationType(
            constraint.shortDescription, example: ConfigurationText.number(example),
            read: { $2.float($0, $1, constraint, example: example) }, write: { .number($0) })
    }
}

extension ConfigurationType where Value == Duration {
    /// A duration above 0: `3h55m`.
    public static var duration: Self {
        ConfigurationType(
            "duration", example: "3h55m",
            read: { key, node, block in
                if case .scalar(let text, _) = node.content, let seconds = DurationText.seconds(text), seconds > 0 {
                    return .seconds(seconds)
                }
                let wanted = "wanted a duration above 0, such as 90s, 45m, 3h55m or 1d2h"
                block.note(key, at: node.location, "\(wanted); found \(node.found)")
                return nil
            }, write: { .scalar(DurationText.text($0)) })
    }
}

// MARK: - Names

extension ConfigurationType where Value: RawRepresentable<String> & CaseIterable & Sendable {
    /// One of the names of an enum.
    /// - Parameter noun: the word for the values in error messages, such as "similarity".
    public static func choice(_ noun: String) -> Self {
        let names = Value.allCases.map(\.rawValue)
        return ConfigurationType(
            names.joined(separator: ", "), example: names[0],
            read: { key, node, block in
                block.choice(key, noun, among: names, node: node).flatMap { Value(rawValue: $0) }
            }, write: YAMLValue.name)
    }
}

extension ConfigurationType {
    /// Names of an enum, each once, in the order of `allCases`.
    public static func choices<Name: RawRepresentable<String> & CaseIterable & Equatable & Sendable>(
        _ noun: String, example: String
    ) -> ConfigurationType<[Name]> where Value == [Name] {
        let names = Name.allCases.map(\.rawValue)
        return ConfigurationType(
            "list of " + names.joined(separator: ", "), example: example,
            read: { key, node, block in
                let found = block.list(key, node, example: example) { item in
                    block.choice(key, noun, among: names, node: item).flatMap { Name(rawValue: $0) }
                }
                return found.map { found in Name.allCases.filter { found.contains($0) } }
            }, write: YAMLValue.names)
    }
}

// MARK: - Limits

/// The set of numbers that a key accepts.
public struct NumberConstraint: Sendable {
    /// The set as error messages describe it after "wanted".
    let description: String
    /// The set without an article: "number above 0".
    var shortDescription: String { String(description.dropFirst(2)) }
    let contains: @Sendable (Double) -> Bool

    /// - Parameter description: the set as error messages say it after "wanted", such as "a number above 0".
    public init(description: String, contains: @escaping @Sendable (Double) -> Bool) {
        self.description = description
        self.contains = contains
    }

    public static let positive = NumberConstraint(description: "a number above 0") { $0 > 0 }
    public static let nonNegative = NumberConstraint(description: "a number from 0") { $0 >= 0 }
    /// [0, 1)
    public static let belowOne = NumberConstraint(description: "a number from 0 to below 1") { $0 >= 0 && $0 < 1 }
    /// [0, 1]
    public static let probability = NumberConstraint(description: "a number from 0 to 1") { $0 >= 0 && $0 <= 1 }
    public static let any = NumberConstraint(description: "a number") { _ in true }
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
