/// Which numbers a key takes.
struct NumberLimit: Sendable {
    let description: String
    let contains: @Sendable (Double) -> Bool

    static let positive = NumberLimit(description: "a number above 0") { $0 > 0 }
    static let nonNegative = NumberLimit(description: "a number from 0") { $0 >= 0 }
    /// [0, 1)
    static let belowOne = NumberLimit(description: "a number from 0 to below 1") { $0 >= 0 && $0 < 1 }
    static let any = NumberLimit(description: "a number") { _ in true }
}

/// The largest numbers that a config may give: far above anything useful, and small enough that their products do not overflow.
enum ConfigurationLimits {
    /// Of one extent of a network or of a sample.
    static let extent = 1_000_000
    /// Of pairs in a batch or gallery.
    static let pairs = 1 << 30
    static let steps = 1 << 40
}
