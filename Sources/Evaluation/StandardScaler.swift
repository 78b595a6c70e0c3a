import CoupletTensors

/// Scales columns to mean 0 and population standard deviation 1 over the fitting samples, as scikit-learn's
/// `StandardScaler`. A column that is constant in the fitting samples is only shifted.
package struct StandardScaler {
    private let means: [Double], scales: [Double]

    /// - Parameter samples: the fitting samples, N × columns.
    package init(_ samples: Matrix) {
        let count = Double(samples.rows)
        means = (0..<samples.columns).map { column in
            (0..<samples.rows).reduce(0) { $0 + samples[$1, column] } / count
        }
        scales = means.enumerated().map { column, mean in
            let squares = (0..<samples.rows).reduce(0) {
                $0 + (samples[$1, column] - mean) * (samples[$1, column] - mean)
            }
            return Self.scale(variance: squares / count, mean: mean, count: count)
        }
    }

    /// Returns 1 / standard deviation of a column of `count` samples; 1 for a constant column.
    static func scale(variance: Double, mean: Double, count: Double) -> Double {
        // The rounding errors of a constant column leave a small variance.
        let rounding = count * .ulpOfOne * mean
        return variance > rounding * rounding ? 1 / variance.squareRoot() : 1
    }

    /// Returns (x - mean) / standard deviation of each entry, with the means and deviations of the fitting samples.
    package func scaled(_ samples: Matrix) -> Matrix {
        var result = samples
        result.elements.withUnsafeMutableBufferPointer { elements in
            for row in 0..<samples.rows {
                for column in 0..<samples.columns {
                    let index = row * samples.columns + column
                    elements[index] = (elements[index] - means[column]) * scales[column]
                }
            }
        }
        return result
    }
}

/// A `StandardScaler` of encodings that are distributed over workers.
struct ShardedStandardScaler: Sendable {
    private let means: [Double]
    /// 1 / standard deviation of each column.
    private let scales: [Double]

    /// - Parameter encodings: this worker's shards, (size · its shards) × e.
    /// - Throws: `CollectiveError` if a worker has failed.
    init(_ encodings: Tensor, _ sum: ShardedSum) throws {
        let e = encodings.columns, size = sum.shards.size, count = Double(sum.shards.samples)
        func mean(_ term: (_ value: Double, _ column: Int) -> Double) throws -> [Double] {
            try sum.run(count: e) { localShard, samples in
                var sums = [Double](repeating: 0, count: e)
                for row in 0..<samples.count {
                    let encoding = encodings.pointer + (localShard * size + row) * e
                    for column in 0..<e { sums[column] += term(Double(encoding[column]), column) }
                }
                return sums
            }.map { $0 / count }
        }
        let means = try mean { value, _ in value }
        let variances = try mean { ($0 - means[$1]) * ($0 - means[$1]) }
        self.means = means
        scales = zip(variances, means).map { StandardScaler.scale(variance: $0, mean: $1, count: count) }
    }

    /// Returns the scaled encodings, samples × e, and their transpose.
    func features(_ encodings: Tensor) -> (rows: Matrix, columns: Matrix) {
        let e = encodings.columns, count = encodings.rows
        var rows = Matrix(rows: count, columns: e), columns = Matrix(rows: e, columns: count)
        rows.elements.withUnsafeMutableBufferPointer { byRow in
            columns.elements.withUnsafeMutableBufferPointer { byColumn in
                for row in 0..<count {
                    for column in 0..<e {
                        let value = (Double(encodings.pointer[row * e + column]) - means[column]) * scales[column]
                        byRow[row * e + column] = value
                        byColumn[column * count + row] = value
                    }
                }
            }
        }
        return (rows, columns)
    }
}
