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

    /// Returns S of row `row` of `encodings` with every row of `others`, each N × e.
    /// - Parameters:
    ///   - squares: |·|² of the rows of `encodings`.
    ///   - otherSquares: |·|² of the rows of `others`.
    func scores(
        of row: Int, in encodings: Tensor, _ squares: [Double], with others: Tensor, _ otherSquares: [Double]
    ) -> [Double] {
        precondition(encodings.columns == others.columns, "encodings \(encodings.shape) and \(others.shape)")
        let dimension = others.columns, encoding = encodings.pointer + row * dimension
        return otherSquares.enumerated().map { k, square in
            score(product: couplet_dot(dimension, encoding, others.pointer + k * dimension), squares[row], square)
        }
    }

    /// Returns S of row i of one tensor with row i of the other, for all i; each is N × e.
    public func scores(_ encodings: Tensor, _ others: Tensor) -> [Double] {
        precondition(
            encodings.rows == others.rows && encodings.columns == others.columns,
            "pairs of \(encodings.shape) and \(others.shape)")
        let dimension = others.columns, squares = Self.squares(encodings), otherSquares = Self.squares(others)
        return squares.indices.map { i in
            let product = couplet_dot(dimension, encodings.pointer + i * dimension, others.pointer + i * dimension)
            return score(product: product, squares[i], otherSquares[i])
        }
    }

    /// Returns |·|² of each row.
    static func squares(_ encodings: Tensor) -> [Double] {
        (0..<encodings.rows).map {
            couplet_squared_norm(encodings.columns, encodings.pointer + $0 * encodings.columns)
        }
    }

    private func score(product: Double, _ square: Double, _ otherSquare: Double) -> Double {
        switch similarity {
        case .innerProduct: product / temperature
        case .cosine: product / max(square.squareRoot(), 1e-12) / max(otherSquare.squareRoot(), 1e-12) / temperature
        case .quadratic: (product - 0.5 * (square + otherSquare)) / temperature
        }
    }
}
