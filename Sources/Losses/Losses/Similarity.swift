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

/// The temperature τ that divides every similarity: fixed, or learned as log(1/τ) and clamped from below.
public struct TemperatureSpecification: Equatable, Sendable {
    /// τ before the first step, positive.
    public var initial: Double
    /// Whether training updates τ.
    public var learned: Bool
    /// The smallest τ that learning can reach.
    public var minimum: Double

    public init(initial: Double = 1, learned: Bool = false, minimum: Double = 0.01) {
        self.initial = initial
        self.learned = learned
        self.minimum = minimum
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
