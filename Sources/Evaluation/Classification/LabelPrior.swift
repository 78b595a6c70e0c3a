#if canImport(Glibc)
    import Glibc
#endif

/// How frequent each class is, and the temperature at which a similarity is weighed against that.
public struct LabelPrior: Equatable, Sendable {
    /// How many of the counted samples are of each class.
    public let counts: [Int: Int]
    /// τ.
    public let temperature: Double
    private let total: Int

    public init(counts: [Int: Int], temperature: Double) {
        precondition(temperature > 0, "a temperature of \(temperature)")
        self.counts = counts
        self.temperature = temperature
        total = counts.values.reduce(0, +)
    }

    /// log p(label); minus infinity for a class that never occurred.
    public func logarithm(of label: Int) -> Double {
        log(Double(counts[label] ?? 0) / Double(total))
    }
}
