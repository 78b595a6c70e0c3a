import CoupletTensors

/// A method that predicts numbers from encodings.
public enum Regressor: String, CaseIterable, Sendable {
    /// Least squares with an intercept: `LinearRegressor`.
    case linear
    /// Kernel ridge regression with penalty and width from cross-validation: `KernelRidgeSearch`.
    case kernelRidge = "kernel_ridge"
    /// A network with one hidden layer: `MultilayerPerceptronRegressor`.
    case multilayerPerceptron = "mlp"

    /// The name of the classifier that corresponds to the regressor, for discrete factors; nil if there is none.
    package var classifier: String? {
        switch self {
        case .linear: "logistic"
        case .kernelRidge: nil
        case .multilayerPerceptron: "mlp"
        }
    }

    /// Name in tables.
    package var title: String {
        switch self {
        case .linear: "linear"
        case .kernelRidge: "kernel ridge"
        case .multilayerPerceptron: "MLP"
        }
    }
}

/// The prediction of several targets from one input. Regressors are fitted on one set of samples and scored on another.
package struct RegressionTask: Sendable {
    /// The values to predict, samples × components.
    package struct Target: Sendable {
        let fitting: Matrix
        let scoring: Matrix

        package init(fitting: Matrix, scoring: Matrix) {
            self.fitting = fitting
            self.scoring = scoring
        }
    }

    /// Samples × inputs; each input is scaled to mean 0 and standard deviation 1 over the fitting samples.
    package let fitting: Matrix, scoring: Matrix
    /// The targets, each with at least one component.
    let targets: [Target]

    package init(fitting: Matrix, scoring: Matrix, targets: [Target]) {
        for target in targets {
            precondition(
                target.fitting.rows == fitting.rows && target.scoring.rows == scoring.rows
                    && target.fitting.columns == target.scoring.columns,
                "targets of \(target.fitting.rows) and \(target.scoring.rows) samples "
                    + "for inputs of \(fitting.rows) and \(scoring.rows)")
        }
        let scaler = StandardScaler(fitting)
        self.fitting = scaler.scaled(fitting)
        self.scoring = scaler.scaled(scoring)
        self.targets = targets
    }
}

/// R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)², with ȳ the mean of the scored samples, averaged over components.
///
/// A component that is constant there counts 0, never NaN. (scikit-learn's `r2_score` gives 1 if every prediction of it
/// is exact; a collapsed encoder would then look perfect.)
package enum CoefficientOfDetermination {
    /// - Parameters:
    ///   - truth: samples × components; its rows `rows` are scored.
    ///   - predicted: returns the prediction for a component of a row; rows are counted from the start of `rows`.
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

    /// Returns the mean R² of all rows, samples × components.
    package static func mean(_ truth: Matrix, _ predicted: Matrix) -> Double {
        mean(truth, rows: 0..<truth.rows) { predicted[$0, $1] }
    }
}
