import Couplet

/// The cosine ⟨g, h⟩ / (|g| |h|) of the two encodings of a held-out pair: its mean, and the share of pairs above a
/// threshold.
struct PairCosine: Metric {
    var threshold = 0.5

    static let name = "pair_cosine"
    static let table = ConfigurationTable(
        PairCosine(), help: "Cosine of the two encodings of a pair.",
        [.key("threshold", \.threshold, .number(.any, example: 0.5), "Cosine above which a pair counts as close.")])

    func evaluate(_ context: MetricContext) throws -> [MetricValue] {
        let means = try context.means(2) { row in
            let cosine = cosine(
                context.encodings.first.rows(row..<row + 1), context.encodings.second.rows(row..<row + 1))
            return [cosine, cosine > threshold ? 1 : 0]
        }
        return [
            MetricValue(means[0], name: "mean"), MetricValue(means[1], name: "share_above_threshold", format: .share),
        ]
    }

    private func cosine(_ first: Tensor, _ second: Tensor) -> Double {
        let g = first.span, h = second.span
        var product = 0.0, squares = (0.0, 0.0)
        for k in g.indices {
            product += Double(g[k]) * Double(h[k])
            squares.0 += Double(g[k]) * Double(g[k])
            squares.1 += Double(h[k]) * Double(h[k])
        }
        return product / max((squares.0 * squares.1).squareRoot(), 1e-12)
    }
}
