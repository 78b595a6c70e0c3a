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
        yaml = node.inlineYAML
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

    /// The value in the name of a trial: without brackets, which a file name does not have. A block's keys stand before
    /// their values: {kind: sgd, momentum: 0.9} is "sgd-momentum-0.9".
    var label: String {
        switch node.content {
        case .scalar: description
        case .list(let items): items.map { SweepValue($0).label }.joined(separator: "-")
        case .block(let entries):
            entries.map { entry in
                let value = SweepValue(entry.value).label
                return ["kind", "source", "loss"].contains(entry.key) ? value : "\(entry.key)-\(value)"
            }.joined(separator: "-")
        }
    }

    public static func == (a: SweepValue, b: SweepValue) -> Bool { a.yaml == b.yaml }
}

/// A key of the base config that differs between the trials of a sweep, and its values.
public struct VariedKey: Sendable {
    /// How the values are chosen.
    public enum Values: Sendable {
        /// A list, a range or a log-range. Each value is combined with each value of the other keys.
        case grid([SweepValue])
        /// One random number from `low` to `high` for each draw.
        case drawn(Distribution, low: Double, high: Double)
        /// One of these values for each draw, each equally likely.
        case choice([SweepValue])
    }

    /// A key that the trials vary applies only where another varied key has one of these values.
    public struct Condition: Sendable {
        /// The other key, which stands above.
        public let key: String
        public let values: [SweepValue]
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
    /// When the key applies: all of these must hold; empty for always.
    public let conditions: [Condition]
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
        let words = Philox(seed: seed).words(.sweep, number: UInt64(draw), block: Self.block(of: key))
        // The upper 53 of 64 bits: every multiple of 2^-53 in [0, 1) is equally likely.
        let uniform = Double((UInt64(words[0]) << 32 | UInt64(words[1])) >> 11) * 0x1p-53
        let distribution: Distribution, low: Double, high: Double
        switch values {
        case .grid: preconditionFailure("\(key) is not drawn")
        case .choice(let values): return values[min(Int(uniform * Double(values.count)), values.count - 1)]
        case .drawn(let law, let lowest, let highest): (distribution, low, high) = (law, lowest, highest)
        }
        let number =
            switch distribution {
            case .uniform: low + uniform * (high - low)
            case .logarithmic: low * CoupletTensors.pow(high / low, uniform)
            }
        return SweepValue(min(max(Self.rounded(number), low), high), location: location)
    }

    /// Whether the value differs from draw to draw.
    package var isDrawn: Bool { if case .grid = values { false } else { true } }

    /// The values in a list; nil for numbers of an interval.
    var listedValues: [SweepValue]? {
        switch values {
        case .grid(let values), .choice(let values): values
        case .drawn: nil
        }
    }

    /// The FNV-1a hash of a name.
    private static func block(of name: String) -> UInt32 {
        name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    /// `count` numbers from `low` to `high` in equal ratios; the ends are not rounded.
    static func logarithmicRange(_ low: Double, _ high: Double, count: Int) -> [Double] {
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
