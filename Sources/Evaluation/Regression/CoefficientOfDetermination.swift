import CoupletTensors

/// R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)², ȳ the mean of the samples that are scored; of several components the mean.
///
/// A component without variance there has nothing to explain and counts 0, never NaN. (scikit-learn's `r2_score` gives 1 where every prediction of it
/// is exact; an encoder that has collapsed would then look perfect.)
package enum CoefficientOfDetermination {
    /// - Parameters:
    ///   - truth: samples × components; of these, the rows of `rows` are scored.
    ///   - predicted: the entry of a row of `rows`, counted from 0, and a component.
    static func mean(_ truth: Matrix, rows: Range<Int>, _ predicted: (_ row: Int, _ component: Int) -> Double) -> Double
    {
        var sum = 0.0
        for component in 0..<truth.columns {
            let average = rows.reduce(0) { $0 + truth[$1, component] } / Double(rows.count)
            var residual = 0.0, total = 0.0
            for row in rows {
                let value = truth[row, component], error = value - predicted(row - rows.lowerBound, component)
                residual += error * error
                total += (value - average) * (value - average)
            }
            sum += total > 0 ? 1 - residual / total : 0
        }
        return sum / Double(truth.columns)
    }

    package static func mean(_ truth: Matrix, _ predicted: Matrix) -> Double {
        mean(truth, rows: 0..<truth.rows) { predicted[$0, $1] }
    }
}
