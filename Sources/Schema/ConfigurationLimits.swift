/// Which numbers a key takes.
package struct NumberConstraint: Sendable {
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

/// The largest numbers that a config may give: far above anything useful, and small enough that their products do not overflow.
package enum ConfigurationLimits {
    /// Of one extent of a network or of a sample.
    package static let extent = 1_000_000
    /// Of pairs in a batch or gallery.
    package static let pairs = 1 << 30
    package static let steps = 1 << 40
}
