/// A YAML value to write. Mappings keep the order of their keys.
package indirect enum YAMLValue {
    package typealias Entry = (key: String, value: YAMLValue)

    /// A scalar or a list of scalars, as YAML text.
    case scalar(String)
    /// A mapping in braces, on one line. A mapping with a list that does not fit has one line a key.
    case flow([Entry])
    /// A list on one line, or with one line an element where it does not fit.
    case list([YAMLValue])
    /// A mapping with one line a key.
    case block([Entry])

    // MARK: - Scalars

    package static let null = YAMLValue.scalar("null")

    /// Text, in quotes if YAML needs them.
    package static func text(_ text: String) -> YAMLValue { .scalar(ConfigurationText.text(text)) }
    package static func integer(_ integer: Int) -> YAMLValue { .scalar(String(integer)) }
    package static func number(_ number: Double) -> YAMLValue { .scalar(ConfigurationText.number(number)) }
    package static func number(_ number: Float) -> YAMLValue { .scalar(ConfigurationText.number(number)) }
    package static func flag(_ flag: Bool) -> YAMLValue { .scalar("\(flag)") }
    /// The name of an enum case.
    package static func name<Name: RawRepresentable<String>>(_ name: Name) -> YAMLValue { .scalar(name.rawValue) }

    /// A value, or `null` if there is none.
    package static func optional<Value>(_ value: Value?, _ write: (Value) -> YAMLValue) -> YAMLValue {
        value.map(write) ?? .null
    }

    package static func integers(_ integers: [Int]) -> YAMLValue {
        .scalar(ConfigurationText.list(integers.map(String.init)))
    }
    package static func numbers(_ numbers: [Double]) -> YAMLValue {
        .scalar(ConfigurationText.list(numbers.map { ConfigurationText.number($0) }))
    }
    package static func names<Name: RawRepresentable<String>>(_ names: [Name]) -> YAMLValue {
        .scalar(ConfigurationText.list(names.map(\.rawValue)))
    }

    /// An element of a list of kinds: the name, or a block of it with the keys. A kind whose only key is `shortKey` is
    /// written with the value of that key.
    static func element(_ name: String, _ entries: [Entry], shortKey: String?) -> YAMLValue {
        if entries.isEmpty { return .text(name) }
        for (key, value) in entries where entries.count == 1 && key == shortKey && value.isPlain {
            return .flow([(name, value)])
        }
        return .flow([(name, .flow(entries))])
    }

    /// A list of any values.
    package static func elements(_ elements: [YAMLValue]) -> YAMLValue { .list(elements) }

    // MARK: - Text

    /// Columns of a line with a list.
    private static let lineLength = 100

    /// The lines of a mapping, each indented.
    package static func text(of entries: [Entry], indentation: String = "") -> String {
        entries.map { key, value in
            let inner = indentation + "  "
            if value.fits(in: lineLength - indentation.count - key.count - 2) {
                return "\(indentation)\(key): \(value.inlineText)\n"
            }
            switch value {
            case .scalar(let text): return "\(indentation)\(key): \(text)\n"
            case .flow(let entries), .block(let entries):
                return "\(indentation)\(key):\n" + text(of: entries, indentation: inner)
            case .list(let items):
                return "\(indentation)\(key):\n" + items.map { $0.elementText(indentation: inner) }.joined()
            }
        }.joined()
    }

    /// The lines of an element of a list.
    private func elementText(indentation: String) -> String {
        switch self {
        case .flow(let entries) where !fits(in: Self.lineLength - indentation.count - 2),
            .block(let entries):
            let text = Self.text(of: entries, indentation: indentation + "  ")
            return indentation + "- " + text.dropFirst(indentation.count + 2)
        case .scalar, .flow, .list: return "\(indentation)- \(inlineText)\n"
        }
    }

    /// Whether the value is written on one line, with so many columns.
    private func fits(in columns: Int) -> Bool {
        switch self {
        case .scalar: true
        case .block: false
        case .flow, .list: !containsList || inlineText.count <= columns
        }
    }

    private var containsList: Bool {
        switch self {
        case .scalar: false
        case .list: true
        case .flow(let entries), .block(let entries): entries.contains { $0.value.containsList }
        }
    }

    /// Whether the value is no mapping.
    var isPlain: Bool {
        switch self {
        case .scalar, .list: true
        case .flow, .block: false
        }
    }

    var isNull: Bool { if case .scalar("null") = self { true } else { false } }

    var inlineText: String {
        switch self {
        case .scalar(let text): text
        case .list(let items): ConfigurationText.list(items.map(\.inlineText))
        case .flow(let entries), .block(let entries):
            "{" + entries.map { "\($0.key): \($0.value.inlineText)" }.joined(separator: ", ") + "}"
        }
    }

    /// All scalars with their dotted paths, such as `optimizer.learning_rate`, in order.
    package static func scalars(of entries: [Entry]) -> [(path: String, text: String)] {
        entries.flatMap { $0.value.scalars(path: $0.key) }
    }

    private func scalars(path: String) -> [(path: String, text: String)] {
        switch self {
        case .scalar, .list: [(path, inlineText)]
        case .flow(let entries), .block(let entries): entries.flatMap { $0.value.scalars(path: "\(path).\($0.key)") }
        }
    }
}
