import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// S(u, v) = κ(g, h)/τ of single pairs of encodings, in Double.
///
/// Up to a constant it is the logarithm of the density ratio of the learned coupling to independent draws of u and v
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// - Inner product: ⟨g, h⟩/τ.
/// - Cosine: ⟨g, h⟩/(|g| |h| τ); a length counts as at least 1e-12.
/// - Quadratic: -½|g - h|²/τ.
public struct PairScore: Equatable, Sendable {
    public let similarity: Similarity
    /// τ.
    public let temperature: Double

    public init(similarity: Similarity, temperature: Double) {
        precondition(temperature > 0, "temperature \(temperature)")
        self.similarity = similarity
        self.temperature = temperature
    }

    /// Returns S of row `row` of `queries`, Q × e, with every row of `gallery`, N × e.
    /// - Parameters:
    ///   - querySquares: |·|² of the rows of `queries`.
    ///   - gallerySquares: |·|² of the rows of `gallery`.
    package func scores(
        of row: Int, in queries: Tensor, _ querySquares: [Double], with gallery: Tensor, _ gallerySquares: [Double]
    ) -> [Double] {
        precondition(queries.columns == gallery.columns, "encodings \(queries.shape) and \(gallery.shape)")
        let dimension = gallery.columns, query = queries.pointer + row * dimension
        return gallerySquares.enumerated().map { k, square in
            score(product: couplet_dot(dimension, query, gallery.pointer + k * dimension), querySquares[row], square)
        }
    }

    /// Returns S of row i of `first` with row i of `second`, for all i; each is N × e.
    public func scores(_ first: Tensor, _ second: Tensor) -> [Double] {
        precondition(
            first.rows == second.rows && first.columns == second.columns,
            "pairs of \(first.shape) and \(second.shape)")
        let dimension = second.columns, firstSquares = Self.squares(first), secondSquares = Self.squares(second)
        return firstSquares.indices.map { i in
            let product = couplet_dot(dimension, first.pointer + i * dimension, second.pointer + i * dimension)
            return score(product: product, firstSquares[i], secondSquares[i])
        }
    }

    /// Returns |·|² of each row.
    package static func squares(_ encodings: Tensor) -> [Double] {
        (0..<encodings.rows).map {
            couplet_squared_norm(encodings.columns, encodings.pointer + $0 * encodings.columns)
        }
    }

    /// Returns S from ⟨g, h⟩, |g|² and |h|².
    private func score(product: Double, _ firstSquare: Double, _ secondSquare: Double) -> Double {
        switch similarity {
        case .innerProduct: product / temperature
        case .cosine:
            product / max(firstSquare.squareRoot(), 1e-12) / max(secondSquare.squareRoot(), 1e-12) / temperature
        case .quadratic: (product - 0.5 * (firstSquare + secondSquare)) / temperature
        }
    }
}
