import CoupletTensors

/// Shifts and scales columns to mean 0 and standard deviation 1 (the population's) over the samples it was made of; a column that is constant there
/// is only shifted. scikit-learn's `StandardScaler`.
package struct StandardScaler {
    private let means: [Double], scales: [Double]

    package init(_ samples: Matrix) {
        let count = Double(samples.rows)
        means = (0..<samples.columns).map { column in (0..<samples.rows).reduce(0) { $0 + samples[$1, column] } / count
        }
        scales = means.enumerated().map { column, mean in
            let variance =
                (0..<samples.rows).reduce(0) { $0 + (samples[$1, column] - mean) * (samples[$1, column] - mean) }
                / count
            return Self.scale(variance: variance, mean: mean, count: count)
        }
    }

    /// What a column of so many samples is multiplied by: 1 / standard deviation, 1 for a constant.
    static func scale(variance: Double, mean: Double, count: Double) -> Double {
        // What rounding leaves of a constant is no variance.
        let rounding = count * .ulpOfOne * mean
        return variance > rounding * rounding ? 1 / variance.squareRoot() : 1
    }

    package func scaled(_ samples: Matrix) -> Matrix {
        var result = samples
        result.elements.withUnsafeMutableBufferPointer { all in
            for row in 0..<samples.rows {
                for column in 0..<samples.columns {
                    let place = row * samples.columns + column
                    all[place] = (all[place] - means[column]) * scales[column]
                }
            }
        }
        return result
    }
}
