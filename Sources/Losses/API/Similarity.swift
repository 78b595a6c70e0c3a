/// The similarity κ(g, h) of two encodings, before the division by the temperature (Baptista, Stuart, Tran 2025, arXiv
/// 2505.24134).
public enum Similarity: String, CaseIterable, Sendable {
    /// ⟨g, h⟩
    case innerProduct = "inner_product"
    /// ⟨g, h⟩ / (|g| |h|)
    case cosine
    /// -½ |g - h|²
    case quadratic
}

extension Similarity {
    /// Name in tables.
    package var title: String {
        switch self {
        case .innerProduct: "inner product"
        case .cosine: "cosine"
        case .quadratic: "quadratic"
        }
    }
}

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

/// The function by which the engine scores a pair of encodings, before the division by the temperature.
enum ScoreFunction: Sendable {
    /// ⟨g, h⟩; for normalised encodings this is the cosine.
    case product
    /// -½ |g - h|², computed as ⟨g, h⟩ - ½ |g|² - ½ |h|².
    case quadratic
    /// -|g - h|, computed from the differences.
    case euclidean
    /// -Σ_k |g_k - h_k|, computed from the differences.
    case manhattan

    /// Whether scores are computed from the differences of encodings and not by a matrix product.
    var usesDifferences: Bool { self == .euclidean || self == .manhattan }
}
