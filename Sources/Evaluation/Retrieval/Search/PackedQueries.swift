import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// Queries in the panels that the kernel takes, and as they are.
final class PackedQueries {
    static let width = Int(COUPLET_SEARCH_WIDTH)

    let count: Int, dimension: Int
    /// What the inner product with a query is multiplied by to be a similarity: 1, or 1 / |q| for the cosine.
    private let factors: UnsafeMutablePointer<Double>
    /// |q|² / (2τ) where the similarity is quadratic, else 0: what the kernel's scores leave out, for it changes no probability.
    let leftOut: [Double]
    private let rows: Tensor
    private let packed: Tensor
    private let similarity: couplet_search_similarity

    /// The powers of two that a similarity of 1 is worth: log2(e) / τ.
    static func powers(_ temperature: Double) -> Double { 1.4426950408889634 / temperature }

    init(_ queries: Tensor, similarity: Similarity, temperature: Double) {
        count = queries.rows
        dimension = queries.columns
        rows = queries
        let dimension = dimension, width = Self.width
        let squares = (0..<queries.rows).map { couplet_squared_norm(dimension, queries.pointer + $0 * dimension) }
        factors = .allocate(capacity: queries.rows)
        for (query, square) in squares.enumerated() {
            factors[query] = similarity == .cosine ? 1 / max(square.squareRoot(), 1e-12) : 1
        }
        leftOut = squares.map { similarity == .quadratic ? 0.5 * $0 / temperature : 0 }
        self.similarity = similarity == .quadratic ? couplet_search_distance : couplet_search_product
        let panels = (queries.rows + width - 1) / width
        packed = Tensor([panels * width * dimension])
        let scaled = (0..<queries.rows).map { factors[$0] * Self.powers(temperature) }
        scaled.withUnsafeBufferPointer { scaled in
            for panel in 0..<panels {
                let first = panel * width
                couplet_search_pack(
                    min(width, count - first), dimension, rows.pointer + first * dimension, scaled.baseAddress! + first,
                    packed.pointer + first * dimension)
            }
        }
    }

    deinit { factors.deallocate() }

    var panels: Int { (count + Self.width - 1) / Self.width }

    func description(ofPanel panel: Int) -> couplet_search_queries {
        let first = panel * Self.width
        return couplet_search_queries(
            panel: packed.pointer + first * dimension, rows: rows.pointer + first * dimension, factors: factors + first,
            count: min(Self.width, count - first), dimension: dimension, similarity: similarity)
    }
}
