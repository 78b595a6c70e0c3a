/// What a meeting scores a pair of encodings by, before the division by the temperature.
enum ScoreFunction: Sendable {
    /// ⟨g, h⟩; of directions it is the cosine.
    case product
    /// -½ |g - h|², by a product and squares.
    case quadratic
    /// -|g - h|, from the differences themselves.
    case euclidean
    /// -Σ_k |g_k - h_k|, from the differences themselves.
    case manhattan

    /// Whether scores are made of the differences of encodings, and not by a product.
    var usesDifferences: Bool { self == .euclidean || self == .manhattan }
}
