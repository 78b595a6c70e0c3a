/// Which numbers a key takes.
package struct NumberLimit: Sendable {
    package let description: String
    package let contains: @Sendable (Double) -> Bool

    package static let positive = NumberLimit(description: "a number above 0") { $0 > 0 }
    package static let nonNegative = NumberLimit(description: "a number from 0") { $0 >= 0 }
    /// [0, 1)
    package static let belowOne = NumberLimit(description: "a number from 0 to below 1") { $0 >= 0 && $0 < 1 }
    /// [0, 1]
    package static let probability = NumberLimit(description: "a number from 0 to 1") { $0 >= 0 && $0 <= 1 }
    package static let any = NumberLimit(description: "a number") { _ in true }
}

/// The largest numbers that a config may give: far above anything useful, and small enough that their products do not overflow.
package enum ConfigurationLimits {
    /// Of one extent of a network or of a sample.
    package static let extent = 1_000_000
    /// Of pairs in a batch or gallery.
    package static let pairs = 1 << 30
    package static let steps = 1 << 40
}
