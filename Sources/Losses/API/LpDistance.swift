/// A distance between encodings: (Σ_k |g_k - h_k|^p)^{1/p}, or its p-th power.
public struct LpDistance: Equatable, Sendable {
    /// The order p.
    public enum Order: Int, CaseIterable, Sendable {
        case one = 1, two = 2
    }

    /// p.
    public var order: Order
    /// Whether the distance is the p-th power Σ_k |g_k - h_k|^p. For p = 1 both are the same.
    public var power: Bool

    public init(order: Order = .two, power: Bool = true) {
        self.order = order
        self.power = power
    }

    var scoreFunction: ScoreFunction {
        switch (order, power) {
        case (.two, true): .quadratic
        case (.two, false): .euclidean
        case (.one, _): .manhattan
        }
    }

    /// The divisor that turns values of `scoreFunction` into the scores -distance / τ.
    func scoreTemperature(_ temperature: Double) -> Double {
        scoreFunction == .quadratic ? 0.5 * temperature : temperature
    }
}
