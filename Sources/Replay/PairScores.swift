import CCoupletKernels
import CoupletLosses
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Scores S_ij = κ(g(u_i), h(v_j)) / τ of a batch, one at a time, in Double: equal encodings get equal scores, whatever their places.
struct PairScores {
    let first: Tensor, second: Tensor
    let similarity: Similarity
    let temperature: Double
    /// |x|² of each row.
    private let firstSquares: [Double], secondSquares: [Double]

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

    var batch: Int { first.rows }

    subscript(_ i: Int, _ j: Int) -> Double {
        let d = first.columns, product = couplet_dot(d, first.pointer + i * d, second.pointer + j * d)
        switch similarity {
        case .innerProduct: return product / temperature
        case .cosine: return product / max((firstSquares[i] * secondSquares[j]).squareRoot(), 1e-24) / temperature
        case .quadratic: return (product - 0.5 * (firstSquares[i] + secondSquares[j])) / temperature
        }
    }

    /// Where a pair's positive stands among the scores of its row (or column).
    func standing(of pair: Int, inRow: Bool) -> WorstPair.Standing {
        let own = self[pair, pair]
        var greater = 0, equal = 0, rival = pair, largest = -Double.infinity
        for other in 0..<batch where other != pair {
            let score = inRow ? self[pair, other] : self[other, pair]
            // What is no number beats everything.
            if score == own { equal += 1 } else if !(score < own) { greater += 1 }
            if !(score <= largest) { (rival, largest) = (other, score) }
        }
        return WorstPair.Standing(rank: greater + 1, ties: equal, rival: rival, rivalScore: largest)
    }
}
