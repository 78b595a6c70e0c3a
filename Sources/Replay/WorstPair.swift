import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// One of the pairs of a batch with the largest losses.
public struct WorstPair: Equatable, Sendable {
    /// Rank of the positive among the scores of its row or column.
    public struct Ranking: Equatable, Sendable {
        /// 1 + the number of negatives with a greater score.
        public let rank: Int
        /// Number of negatives with the same score, as for labels that occur several times in the batch.
        public let ties: Int
        /// Position in the batch of the negative with the greatest score, and that score.
        public let hardestNegative: Int
        public let hardestNegativeScore: Double
    }

    /// Position in the batch.
    public let position: Int
    /// Draw number n = (step - 1) · B + position. The source's noise is a function of it.
    public let draw: UInt64
    /// Index of the sample among a finite source's training samples.
    public let index: UInt64?
    /// Class of the sample, if the source has classes.
    public let label: Int?
    /// B times the pair's contribution to the loss.
    public let loss: Double
    /// S_ii.
    public let score: Double
    /// Rank of the second encoding for the pair's first encoding.
    public let row: Ranking
    /// Rank of the first encoding for the pair's second encoding.
    public let column: Ranking
}

/// The scores S_ij = κ(g(u_i), h(v_j)) / τ of a batch, computed one at a time in Double.
///
/// Equal encodings get equal scores at any position, so that ties can be counted.
struct PairScores {
    let first: Tensor
    let second: Tensor
    let similarity: Similarity
    let temperature: Double
    /// |x|² of each row.
    private let firstSquares: [Double]
    private let secondSquares: [Double]

    init(first: Tensor, second: Tensor, similarity: Similarity, temperature: Double) {
        self.first = first
        self.second = second
        self.similarity = similarity
        self.temperature = temperature
        func squares(_ rows: Tensor) -> [Double] {
            (0..<rows.rows).map { couplet_squared_norm(rows.columns, rows.pointer + $0 * rows.columns) }
        }
        firstSquares = squares(first)
        secondSquares = squares(second)
    }

    subscript(_ i: Int, _ j: Int) -> Double {
        let d = first.columns
        let product = couplet_dot(d, first.pointer + i * d, second.pointer + j * d)
        switch similarity {
        case .innerProduct: return product / temperature
        case .cosine: return product / max((firstSquares[i] * secondSquares[j]).squareRoot(), 1e-24) / temperature
        case .quadratic: return (product - 0.5 * (firstSquares[i] + secondSquares[j])) / temperature
        }
    }

    /// The rank of a pair's positive among the scores of its row (or column).
    func ranking(of pair: Int, inRow: Bool) -> WorstPair.Ranking {
        let positive = self[pair, pair]
        var greater = 0
        var equal = 0
        var hardest = pair
        var largest = -Double.infinity
        for negative in 0..<first.rows where negative != pair {
            let score = inRow ? self[pair, negative] : self[negative, pair]
            // A score that is NaN counts as greater than every number.
            if score == positive { equal += 1 } else if !(score < positive) { greater += 1 }
            if !(score <= largest) { (hardest, largest) = (negative, score) }
        }
        return WorstPair.Ranking(
            rank: greater + 1, ties: equal, hardestNegative: hardest, hardestNegativeScore: largest)
    }
}
