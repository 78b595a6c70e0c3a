import CoupletTensors

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
                target.fitting.rows == fitting.rows && target.scoring.rows == scoring.rows
                    && target.fitting.columns == target.scoring.columns,
                "targets of \(target.fitting.rows) and \(target.scoring.rows) samples for inputs of \(fitting.rows) and \(scoring.rows)"
            )
        }
        let scaling = StandardScaler(fitting)
        self.fitting = scaling.scaled(fitting)
        self.scoring = scaling.scaled(scoring)
        self.targets = targets
    }
}
