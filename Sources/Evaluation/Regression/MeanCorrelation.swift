import CoupletTensors

/// The mean correlation coefficient of two sets of variables (Hyvärinen and Morioka, *Unsupervised Feature Extraction by Time-Contrastive Learning*,
/// NeurIPS 2016): the absolute Pearson correlations of the best one-to-one matching of their components, averaged over the matched.
///
/// Where they have different counts, the smaller decides how many are matched. A constant component correlates with nothing: 0.
package enum MeanCorrelation {
    /// - Parameters: samples × components, each with at least one component.
    package static func coefficient(_ a: Matrix, _ b: Matrix) -> Double {
        let (small, large) = a.columns <= b.columns ? (a, b) : (b, a)
        precondition(
            small.columns > 0 && small.rows == large.rows,
            "correlations of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns)")
        let correlations = correlations(small, large)
        let matched = Assignment.largest(correlations)
        return matched.indices.reduce(0) { $0 + correlations[$1][matched[$1]] } / Double(matched.count)
    }

    /// The absolute correlations.
    static func correlations(_ a: Matrix, _ b: Matrix) -> [[Double]] {
        let x = StandardScaler(a).scaled(a), y = StandardScaler(b).scaled(b), count = Double(a.rows)
        var products = Matrix(rows: x.columns, columns: y.columns)
        products.setProduct(x, y, firstTransposed: true)
        return (0..<x.columns).map { i in (0..<y.columns).map { min(1, abs(products[i, $0]) / count) } }
    }
}
