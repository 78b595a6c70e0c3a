import Evaluation
import Objectives
import Tensors

#if canImport(Glibc)
import Glibc
#endif

/// What a search finds, by the definition and in Double.
struct SearchTwin {
    let rows: [[Int]]
    let scores: [[Double]], probabilities: [[Double]]
    let logNormalizers: [Double], effectiveCandidates: [Double]

    init(
        _ queries: [[Float]], _ gallery: [[Float]], _ similarity: Similarity, temperature: Double, top: Int, weights: [Double]? = nil
    ) {
        var found: (rows: [[Int]], scores: [[Double]], probabilities: [[Double]], logs: [Double], effective: [Double]) = ([], [], [], [], [])
        for query in queries {
            let scores = gallery.map { GalleryFixture.score(query, $0, similarity) / temperature }
            let terms = scores.enumerated().map { $0.element + (weights.map { w in log(w[$0.offset]) } ?? 0) }
            let largest = terms.max()!, sum = terms.reduce(0) { $0 + exp($1 - largest) }
            let probabilities = terms.map { exp($0 - largest) / sum }
            let order = terms.indices.sorted { terms[$0] > terms[$1] || (terms[$0] == terms[$1] && $0 < $1) }.prefix(top)
            found.rows.append(Array(order))
            found.scores.append(order.map { scores[$0] })
            found.probabilities.append(order.map { probabilities[$0] })
            found.logs.append(largest + log(sum))
            found.effective.append(1 / probabilities.reduce(0) { $0 + $1 * $1 })
        }
        (rows, scores, probabilities) = (found.rows, found.scores, found.probabilities)
        (logNormalizers, effectiveCandidates) = (found.logs, found.effective)
    }

    /// The largest difference of a result's numbers, relative for probabilities and effective candidates, absolute for logarithms; infinite where
    /// other rows were found.
    func error(of result: SearchResult) -> Double {
        guard result.rows == rows.flatMap({ $0 }) else { return .infinity }
        func relative(_ found: [Double], _ exact: [Double]) -> Double { zip(found, exact).reduce(0) { max($0, abs($1.0 / $1.1 - 1)) } }
        let logs = zip(result.logNormalizers, logNormalizers).reduce(0) { max($0, abs($1.0 - $1.1)) }
        return max(
            relative(result.probabilities, probabilities.flatMap { $0 }), relative(result.effectiveCandidates, effectiveCandidates), logs)
    }
}

extension Tensor {
    /// Rows of equal length.
    init(rows: [[Float]]) { self.init([rows.count, rows.first?.count ?? 0], rows.flatMap { $0 }) }
}
