/// How two encodings are compared (Baptista, Stuart, Tran 2025, arXiv 2505.24134): κ(g, h), before the division by the temperature.
public enum Similarity: String, CaseIterable, Sendable {
    /// ⟨g, h⟩
    case innerProduct = "inner_product"
    /// ⟨g, h⟩ / (|g| |h|)
    case cosine
    /// -½ |g - h|²
    case quadratic
}
