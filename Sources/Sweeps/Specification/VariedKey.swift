import CoupletSchema
import CoupletTensors

/// A key of the base config that differs between the trials of a sweep, and the values that it takes.
public struct VariedKey: Sendable {
    /// Where the values come from.
    public enum Values: Sendable {
        /// As given: a list, a range or a log-range; each is combined with each of the other keys'.
        case grid([SweepValue])
        /// A random number for each draw, from `low` to `high`.
        case drawn(Distribution, low: Double, high: Double)
    }

    /// Of what a draw is uniform.
    public enum Distribution: String, CaseIterable, Sendable {
        /// The number itself.
        case uniform
        /// Its logarithm: low · (high / low)^u, u uniform in [0, 1).
        case logarithmic = "log_uniform"
    }

    /// With its blocks: `optimizer.learning_rate`.
    public let key: String
    public let values: Values
    /// The values as the file gives them, on one line of YAML.
    package let source: String
    /// Where the file names the key.
    package let place: ConfigurationNode.Location

    /// Numbers that follow from a formula are rounded to so many significant digits: they are read in names and tables, and the run trains with
    /// the very number that is read.
    static let digits = 6

    /// The value of a draw: a function of the seed, the draw's number and the key's name alone, so neither other keys nor more draws change it.
    package func value(ofDraw draw: Int, seed: UInt64) -> SweepValue {
        guard case .drawn(let distribution, let low, let high) = values else {
            preconditionFailure("\(key) is not drawn")
        }
        let words = Philox(seed: seed).words(.sweep, number: UInt64(draw), block: Self.block(of: key))
        // The upper 53 of 64 bits: every Double in [0, 1) of that spacing is as likely.
        let uniform = Double((UInt64(words[0]) << 32 | UInt64(words[1])) >> 11) * 0x1p-53
        let number =
            switch distribution {
            case .uniform: low + uniform * (high - low)
            case .logarithmic: low * Self.power(high / low, uniform)
            }
        return SweepValue(min(max(Self.rounded(number), low), high), place: place)
    }

    /// FNV-1a of a name.
    private static func block(of name: String) -> UInt32 {
        name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}
