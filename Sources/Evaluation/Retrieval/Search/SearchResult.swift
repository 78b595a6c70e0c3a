/// What a search found for its queries, in their order.
public struct SearchResult: Equatable, Sendable {
    public internal(set) var queries: Int
    /// The candidates of each query.
    public let top: Int
    /// Queries × top: gallery rows, best first; of equal scores the lower row first.
    public internal(set) var rows: [Int] = []
    /// Queries × top: κ(g, h) / τ.
    public internal(set) var scores: [Double] = []
    /// Queries × top: the learned conditional probability among the whole gallery.
    public internal(set) var probabilities: [Double] = []
    /// For each query log Σ_k w_k e^{S_k} over the whole gallery: `probability = w e^{score - logNormalizer}`, w = 1 without a prior.
    public internal(set) var logNormalizers: [Double] = []
    /// For each query 1 / Σ_k p_k² over the whole gallery: 1 where one candidate has all probability, N where all have the same.
    public internal(set) var effectiveCandidates: [Double] = []

    init(queries: Int, top: Int) {
        self.queries = queries
        self.top = top
    }

    /// The places of a query's candidates in `rows`, `scores` and `probabilities`.
    public func places(ofQuery query: Int) -> Range<Int> { query * top..<(query + 1) * top }
}
