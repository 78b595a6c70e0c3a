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
