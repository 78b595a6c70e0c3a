import Tensors

/// Several targets predicted from one input: the regressors are fitted on one set of samples and scored on another.
package struct RegressionTask: Sendable {
    /// What is predicted.
    package struct Target: Sendable {
        let fitting: Matrix
        let scoring: Matrix

        package init(fitting: Matrix, scoring: Matrix) {
            self.fitting = fitting
            self.scoring = scoring
        }
    }

    /// Samples × inputs, each input shifted and scaled to mean 0 and deviation 1 over the fitting samples.
    package let fitting: Matrix, scoring: Matrix
    /// Each samples × its components, at least one.
    let targets: [Target]

    package init(fitting: Matrix, scoring: Matrix, targets: [Target]) {
        for target in targets {
            precondition(
                target.fitting.rows == fitting.rows && target.scoring.rows == scoring.rows && target.fitting.columns == target.scoring.columns,
                "targets of \(target.fitting.rows) and \(target.scoring.rows) samples for inputs of \(fitting.rows) and \(scoring.rows)")
        }
        let scaling = ColumnScaling(fitting)
        self.fitting = scaling.scaled(fitting)
        self.scoring = scaling.scaled(scoring)
        self.targets = targets
    }
}

/// Shifts and scales columns to mean 0 and standard deviation 1 (the population's) over the samples it was made of; a column that is constant there
/// is only shifted. scikit-learn's `StandardScaler`.
package struct ColumnScaling {
    private let means: [Double], scales: [Double]

    package init(_ samples: Matrix) {
        let count = Double(samples.rows)
        means = (0..<samples.columns).map { column in (0..<samples.rows).reduce(0) { $0 + samples[$1, column] } / count }
        scales = means.enumerated().map { column, mean in
            let variance = (0..<samples.rows).reduce(0) { $0 + (samples[$1, column] - mean) * (samples[$1, column] - mean) } / count
            // What rounding leaves of a constant is no variance.
            let rounding = count * .ulpOfOne * mean
            return variance > rounding * rounding ? 1 / variance.squareRoot() : 1
        }
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
