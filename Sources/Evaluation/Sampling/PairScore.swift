import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// S(u, v) = κ(g, h)/τ of single pairs of encodings, in Double: the logarithm of how much likelier the learned coupling makes a pair than
/// independent draws of u and v would (Baptista, Stuart, Tran 2025, arXiv 2505.24134), up to a constant.
///
/// Inner product: ⟨g, h⟩/τ. Cosine: ⟨g, h⟩/(|g| |h| τ), a length counting as at least 1e-12. Quadratic: -½|g - h|²/τ. All are symmetric.
public struct PairScore: Equatable, Sendable {
    public let similarity: Similarity
    /// τ.
    public let temperature: Double

    public init(similarity: Similarity, temperature: Double) {
        precondition(temperature > 0, "temperature \(temperature)")
        self.similarity = similarity
        self.temperature = temperature
    }

    /// S of row i of `encodings` with every row of `others`, each N × e; `squares` and `otherSquares` are their rows' |·|².
    func scores(of row: Int, in encodings: Tensor, _ squares: [Double], with others: Tensor, _ otherSquares: [Double])
        -> [Double]
    {
        precondition(encodings.columns == others.columns, "encodings \(encodings.shape) and \(others.shape)")
        let dimension = others.columns, one = encodings.pointer + row * dimension
        return otherSquares.enumerated().map { k, square in
            score(product: couplet_dot(dimension, one, others.pointer + k * dimension), squares[row], square)
        }
    }

    /// S of row i of the one with row i of the other, each N × e.
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

    /// |·|² of each row.
    static func squares(_ encodings: Tensor) -> [Double] {
        (0..<encodings.rows).map { couplet_squared_norm(encodings.columns, encodings.pointer + $0 * encodings.columns) }
    }

    private func score(product: Double, _ square: Double, _ otherSquare: Double) -> Double {
        switch similarity {
        case .innerProduct: product / temperature
        case .cosine: product / max(square.squareRoot(), 1e-12) / max(otherSquare.squareRoot(), 1e-12) / temperature
        case .quadratic: (product - 0.5 * (square + otherSquare)) / temperature
        }
    }
}
