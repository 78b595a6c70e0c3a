/// A distance between encodings: (Σ_k |g_k - h_k|^p)^{1/p}, or its p-th power.
public struct LpDistance: Equatable, Sendable {
    /// The order p.
    public enum Order: Int, CaseIterable, Sendable {
        case one = 1, two = 2
    }

    public var order: Order
    /// Whether the root is left out: Σ_k |g_k - h_k|^p. Of order 1 both are the same.
    public var power: Bool

    public init(order: Order = .two, power: Bool = true) {
        self.order = order
        self.power = power
    }

    /// How a meeting compares by it.
    var measure: ScoreFunction {
        switch (order, power) {
        case (.two, true): .quadratic
        case (.two, false): .euclidean
        case (.one, _): .manhattan
        }
    }

    /// What a meeting divides its measure by, so that scores are -distance / τ.
    func scoreTemperature(_ temperature: Double) -> Double { measure == .quadratic ? 0.5 * temperature : temperature }
}
