import CoupletSchema
import CoupletTensors
import Glibc

/// A value of a config key: a number, a text, a list or a block.
public struct SweepValue: Equatable, Sendable, CustomStringConvertible {
    /// The value as YAML on one line. A config reads it back as the same value.
    public let yaml: String
    /// The parsed value, from which a config is made. Its locations refer to the sweep file.
    package let node: ConfigurationNode

    package init(_ node: ConfigurationNode) {
        self.node = node
        yaml = Self.yaml(of: node)
    }

    /// A number that a range or a draw gives, so that the file does not contain it.
    package init(_ number: Double, location: ConfigurationNode.Location) {
        self.init(scalar: ConfigurationText.number(number), location)
    }

    package init(_ number: Int, location: ConfigurationNode.Location) { self.init(scalar: String(number), location) }

    private init(scalar text: String, _ location: ConfigurationNode.Location) {
        self.init(ConfigurationNode(content: .scalar(text, quoted: false), at: location))
    }

    /// The value for people: a text without quotes, anything else as YAML.
    public var description: String {
        if case .scalar(let text, _) = node.content { text } else { yaml }
    }

    public static func == (a: SweepValue, b: SweepValue) -> Bool { a.yaml == b.yaml }

    private static func yaml(of node: ConfigurationNode) -> String {
        switch node.content {
        case .scalar(let text, let quoted):
            // A plain word may be a number, true or null, and stays plain. A word with other characters gets quotes.
            let isPlain =
                !quoted
                && text.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0 & ~32) || "_-+./~".utf8.contains($0)
                }
            return isPlain ? (text.isEmpty ? "null" : text) : ConfigurationText.text(text)
        case .list(let items): return ConfigurationText.list(items.map(yaml(of:)))
        case .block(let entries):
            return "{"
                + entries.map { "\(ConfigurationText.text($0.key)): \(yaml(of: $0.value))" }.joined(separator: ", ")
                + "}"
        }
    }
}

/// A key of the base config that differs between the trials of a sweep, and its values.
public struct VariedKey: Sendable {
    /// How the values are chosen.
    public enum Values: Sendable {
        /// A list, a range or a log-range. Each value is combined with each value of the other keys.
        case grid([SweepValue])
        /// One random number from `low` to `high` for each draw.
        case drawn(Distribution, low: Double, high: Double)
    }

    /// The distribution of a drawn number; u is uniform in [0, 1).
    public enum Distribution: String, CaseIterable, Sendable {
        /// low + u · (high - low).
        case uniform
        /// low · (high / low)^u: the logarithm is uniform.
        case logarithmic = "log_uniform"
    }

    /// The key with its blocks: `optimizer.learning_rate`.
    public let key: String
    public let values: Values
    /// The values as the file gives them, as YAML on one line.
    package let source: String
    /// Where the file names the key.
    package let location: ConfigurationNode.Location

    /// Number of significant digits to which numbers from a formula are rounded. People read these numbers in names
    /// and tables, and the run trains with exactly the number that they read.
    private static let digits = 6

    /// The value of a draw.
    ///
    /// It is a function of the seed, the number of the draw and the name of the key alone. Other keys and further draws
    /// do not change it.
    package func value(ofDraw draw: Int, seed: UInt64) -> SweepValue {
        guard case .drawn(let distribution, let low, let high) = values else {
            preconditionFailure("\(key) is not drawn")
        }
        let words = Philox(seed: seed).words(.sweep, number: UInt64(draw), block: Self.block(of: key))
        // The upper 53 of 64 bits: every multiple of 2^-53 in [0, 1) is equally likely.
        let uniform = Double((UInt64(words[0]) << 32 | UInt64(words[1])) >> 11) * 0x1p-53
        let number =
            switch distribution {
            case .uniform: low + uniform * (high - low)
            case .logarithmic: low * CoupletTensors.pow(high / low, uniform)
            }
        return SweepValue(min(max(Self.rounded(number), low), high), location: location)
    }

    /// The FNV-1a hash of a name.
    private static func block(of name: String) -> UInt32 {
        name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    /// `count` numbers from `low` to `high` in equal ratios; the ends are not rounded.
    fileprivate static func logarithmicRange(_ low: Double, _ high: Double, count: Int) -> [Double] {
        (0..<count).map { index in
            switch index {
            case 0: low
            case count - 1: high
            default: rounded(low * CoupletTensors.pow(high / low, Double(index) / Double(count - 1)))
            }
        }
    }

    /// Rounds to `digits` significant digits.
    private static func rounded(_ number: Double) -> Double {
        guard number != 0, number.isFinite else { return number }
        var text = [CChar](repeating: 0, count: 64)
        _ = withVaList([Int32(digits - 1), number]) { vsnprintf(&text, text.count, "%.*e", $0) }
        return strtod(text, nil)
    }
}

// MARK: - Reading

extension ConfigurationBlock {
    /// Reads the values of one key of `vary`. Nil if they are invalid; the problem is noted.
    func variedKey(_ entry: ConfigurationNode.Entry) -> VariedKey? {
        let makeKey = { (values: VariedKey.Values) in
            VariedKey(key: entry.key, values: values, source: SweepValue(entry.value).yaml, location: entry.keyLocation)
        }
        switch entry.value.content {
        case .list(let items):
            return grid(entry, items.map { SweepValue($0) }).map(makeKey)
        case .block(let inner):
            let block = ConfigurationBlock(
                entry.value, path: path.isEmpty ? entry.key : "\(path).\(entry.key)", location: entry.keyLocation,
                problems: problems)
            switch inner.first(where: { ["range", "log_range", "draw"].contains($0.key) })?.key {
            case "range": return block.range().flatMap { grid(entry, $0) }.map(makeKey)
            case "log_range": return block.logarithmicRange().flatMap { grid(entry, $0) }.map(makeKey)
            case "draw": return block.draw().map(makeKey)
            default:
                let inside =
                    inner.first.map { "; a key within it is named with its blocks: \(entry.key).\($0.key)" } ?? ""
                note(
                    entry.key, at: entry.value.location,
                    "wanted a list, or a block with range, log_range or draw\(inside)"
                )
                return nil
            }
        case .scalar:
            note(
                entry.key, at: entry.value.location,
                "wanted a list of values, such as [0.003, 0.01], {range: [1, 4]}, {log_range: [0.05, 0.5], count: 5} "
                    + "or {draw: uniform, between: [0, 1]}; found \(entry.value.found); "
                    + "a value that all trials share belongs in set"
            )
            return nil
        }
    }

    /// Checks that there is at least one value and that no value is repeated.
    private func grid(_ entry: ConfigurationNode.Entry, _ values: [SweepValue]) -> VariedKey.Values? {
        guard !values.isEmpty else {
            note(entry.key, at: entry.value.location, "no values; wanted a list such as [0.003, 0.01]")
            return nil
        }
        var seen: Set<String> = []
        if let repeated = values.first(where: { !seen.insert($0.yaml).inserted }) {
            note(entry.key, at: repeated.node.location, "\(repeated) is given twice")
            return nil
        }
        return .grid(values)
    }

    /// Reads `{range: [1, 4], step: 1}`: whole numbers from the lower end; the upper end is included if a step reaches
    /// it.
    private func range() -> [SweepValue]? {
        defer { finish() }
        guard let node = value("range"),
            let ends = pair(
                "range", node, example: "[1, 4]", { integer("range", $0, in: Int.min / 4...Int.max / 4, example: 1) })
        else { return nil }
        var step = 1
        read("step", .integer(1...Int.max / 4, example: 1), into: &step)
        guard (ends.high - ends.low) / step < SweepSpecification.maximumTrialCount else {
            note("range", "more than \(SweepSpecification.maximumTrialCount) values")
            return nil
        }
        return stride(from: ends.low, through: ends.high, by: step).map { SweepValue($0, location: node.location) }
    }

    /// Reads `{log_range: [0.05, 0.5], count: 5}`.
    private func logarithmicRange() -> [SweepValue]? {
        defer { finish() }
        var count = 0
        if required("count", example: "5") != nil {
            read("count", .integer(2...SweepSpecification.maximumTrialCount, example: 5), into: &count)
        }
        guard let node = value("log_range"),
            let ends = pair(
                "log_range", node, example: "[0.05, 0.5]", { number("log_range", $0, .positive, example: 0.05) }),
            count > 0
        else { return nil }
        return VariedKey.logarithmicRange(ends.low, ends.high, count: count).map {
            SweepValue($0, location: node.location)
        }
    }

    /// Reads `{draw: log_uniform, between: [1.0e-5, 1.0e-2]}`.
    private func draw() -> VariedKey.Values? {
        defer { finish() }
        guard let node = value("draw") else { return nil }
        let distributionName = choice(
            "draw", "distribution", among: VariedKey.Distribution.allCases.map(\.rawValue), node: node)
        guard let between = required("between", example: "[1.0e-5, 1.0e-2]"),
            let distribution = distributionName.flatMap(VariedKey.Distribution.init)
        else { return nil }
        let limit: NumberConstraint = distribution == .logarithmic ? .positive : .any
        return pair("between", between, example: "[1.0e-5, 1.0e-2]") { number("between", $0, limit, example: 1e-5) }
            .map { .drawn(distribution, low: $0.low, high: $0.high) }
    }

    /// Reads the two ends of an interval, the lower first.
    private func pair<Number: Comparable>(
        _ key: String, _ node: ConfigurationNode, example: String, _ element: (ConfigurationNode) -> Number?
    ) -> (low: Number, high: Number)? {
        guard let ends = list(key, node, example: example, element) else { return nil }
        guard ends.count == 2, ends[0] < ends[1] else {
            note(key, at: node.location, "wanted two ends, the lower first, such as \(example)")
            return nil
        }
        return (ends[0], ends[1])
    }
}
