import CoupletEvaluation
import CoupletLosses
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// What a search finds, by the definition and in Double.
struct SearchTwin {
    let rows: [[Int]]
    let scores: [[Double]], probabilities: [[Double]]
    let logNormalizers: [Double], effectiveCandidates: [Double]

    init(
        _ queries: [[Float]], _ gallery: [[Float]], _ similarity: Similarity, temperature: Double, top: Int,
        weights: [Double]? = nil
    ) {
        var rows: [[Int]] = [], scores: [[Double]] = [], probabilities: [[Double]] = []
        var logNormalizers: [Double] = [], effectiveCandidates: [Double] = []
        for query in queries {
            let all: [Double] = gallery.map { GalleryFixture.score(query, $0, similarity) / temperature }
            var terms = all
            if let weights { for row in terms.indices { terms[row] += log(weights[row]) } }
            let largest = terms.max()!
            let exponentials: [Double] = terms.map { exp($0 - largest) }
            let sum = exponentials.reduce(0, +)
            let order = terms.indices.sorted { terms[$0] > terms[$1] || (terms[$0] == terms[$1] && $0 < $1) }.prefix(
                top)
            rows.append(Array(order))
            scores.append(order.map { all[$0] })
            probabilities.append(order.map { exponentials[$0] / sum })
            logNormalizers.append(largest + log(sum))
            effectiveCandidates.append(sum * sum / exponentials.reduce(0) { $0 + $1 * $1 })
        }
        self.rows = rows
        self.scores = scores
        self.probabilities = probabilities
        self.logNormalizers = logNormalizers
        self.effectiveCandidates = effectiveCandidates
    }

    /// The largest difference of a result's numbers, relative for probabilities and effective candidates, absolute for logarithms; infinite where
    /// other rows were found.
    func error(of result: SearchResult) -> Double {
        guard result.rows == rows.flatMap({ $0 }) else { return .infinity }
        func largest(_ found: [Double], _ exact: [Double], _ difference: (Double, Double) -> Double) -> Double {
            zip(found, exact).map { abs(difference($0.0, $0.1)) }.max() ?? .infinity
        }
        let ofProbabilities = largest(result.probabilities, probabilities.flatMap { $0 }) { $0 / $1 - 1 }
        let ofCandidates = largest(result.effectiveCandidates, effectiveCandidates) { $0 / $1 - 1 }
        return max(ofProbabilities, ofCandidates, largest(result.logNormalizers, logNormalizers) { $0 - $1 })
    }
}

extension Tensor {
    /// Rows of equal length.
    init(rows: [[Float]]) { self.init([rows.count, rows.first?.count ?? 0], rows.flatMap { $0 }) }
}
