/// A YAML value to write. Mappings keep the order of their keys.
package indirect enum YAMLValue {
    package typealias Entry = (key: String, value: YAMLValue)

    /// A scalar or a list of scalars, as YAML text.
    case scalar(String)
    /// A mapping in braces, on one line.
    case flow([Entry])
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

    // MARK: - Text

    /// The lines of a mapping, each indented.
    package static func text(of entries: [Entry], indentation: String = "") -> String {
        entries.map { key, value in
            switch value {
            case .scalar, .flow: "\(indentation)\(key): \(value.inlineText)\n"
            case .block(let entries): "\(indentation)\(key):\n" + text(of: entries, indentation: indentation + "  ")
            }
        }.joined()
    }

    var isNull: Bool { if case .scalar("null") = self { true } else { false } }

    var inlineText: String {
        switch self {
        case .scalar(let text): text
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
        case .scalar(let text): [(path, text)]
        case .flow(let entries), .block(let entries): entries.flatMap { $0.value.scalars(path: "\(path).\($0.key)") }
        }
    }
}
