import CoupletTensors

/// Kernel ridge regression with a Gaussian kernel, whose penalty α and width γ cross-validation selects for each target
/// (Murphy, *Machine Learning*, 2012, section 14.4.3).
///
/// With K_ij = k(x_i, x_j) = exp(-γ |x_i - x_j|²) over the fitting samples, the coefficients are `(K + α I)⁻¹ Y`, and
/// predictions are `Σ_i k(x, x_i) coefficients_i`. Inputs and targets are not centred. As in *Identifiability Results
/// for Multimodal Contrastive Learning* (ICLR 2023), the grid, the unshuffled folds and the choice are as in
/// scikit-learn's `GridSearchCV(KernelRidge(kernel="rbf"), cv=3)`: the choice is the first grid point, by α and then by
/// γ, with the largest mean R² over the folds. Unlike there, one factorisation serves the targets of all blocks, and
/// the factorisations are distributed over the workers.
///
/// OpenBLAS factorises the systems (`PositiveDefiniteSystem`). So the scores have the same bits for any number of
/// workers on one kind of CPU, and differ in rounding between kinds.
package struct KernelRidgeSearch: Sendable {
    /// The grid of α.
    package static let penalties = [1, 0.1, 0.01, 0.001]
    /// The grid of γ: four values from 10⁻² to 10², evenly spaced on a logarithmic scale.
    package static let widths = (0..<4).map { pow(10, -2 + 4 * Double($0) / 3) }

    /// A point of the grid.
    package struct Choice: Hashable, Sendable {
        /// α.
        package let penalty: Double
        /// γ.
        package let width: Double
    }

    /// The result of one target.
    package struct Outcome: Equatable, Sendable {
        package let choice: Choice
        /// R² on the scoring samples.
        package let score: Double
    }

    private let tasks: [RegressionTask]

    package init(tasks: [RegressionTask]) { self.tasks = tasks }

    /// Selects the grid points and scores the targets. Every worker calls it and gets the same result.
    /// - Returns: for each task, an outcome for each target.
    /// - Throws: `LinearAlgebraError` if inputs hold a NaN; `CollectiveError` if a worker has failed.
    package func run(_ map: DistributedMap) throws -> [[Outcome]] {
        let choices = try choose(map), solver = try KernelRidgeSolver()
        // One refit for each grid point that some target of a task selected.
        var refits: [(task: Int, choice: Choice, targets: [Int])] = []
        for (task, chosen) in choices.enumerated() {
            for (target, choice) in chosen.enumerated() {
                if let refit = refits.firstIndex(where: { $0.task == task && $0.choice == choice }) {
                    refits[refit].targets.append(target)
                } else {
                    refits.append((task, choice, [target]))
                }
            }
        }
        let scores = try map.run(refits.count) { index in
            let refit = refits[index], task = tasks[refit.task], targets = refit.targets.map { task.targets[$0] }
            let points = KernelPoints(task.fitting), width = refit.choice.width
            let coefficients = try solver.solve(
                points, width: width, penalties: [refit.choice.penalty],
                StackedTargets.rows(targets.map(\.fitting), leavingOut: nil),
                by: try solver.method(points, width: width))[0]
            return StackedTargets.scores(
                targets.map(\.scoring), rows: 0..<task.scoring.rows,
                points.predict(KernelPoints(task.scoring), width: width, coefficients))
        }
        var outcomes = choices.map { $0.map { Outcome(choice: $0, score: .nan) } }
        for (refit, scores) in zip(refits, scores) {
            for (target, score) in zip(refit.targets, scores) {
                outcomes[refit.task][target] = Outcome(choice: refit.choice, score: score)
            }
        }
        return outcomes
    }

    /// Returns the best grid point for each target of each task.
    private func choose(_ map: DistributedMap) throws -> [[Choice]] {
        try validate(map).map { scores in
            (0..<(scores.first?.means.count ?? 0)).map { target in
                var best = scores[0]
                for candidate in scores where candidate.means[target] > best.means[target] { best = candidate }
                return best.choice
            }
        }
    }

    /// Returns, for each task and each grid point (by α, then by γ), the mean R² over the folds of each target.
    package func validate(_ map: DistributedMap) throws -> [[(choice: Choice, means: [Double])]] {
        let folds = tasks.map { CrossValidationFolds(samples: $0.fitting.rows) }
        let fits = try fits(folds, map), solver = try KernelRidgeSolver()
        let scores = try map.run(fits.count) { index in
            let fit = fits[index], task = tasks[fit.task], leftOut = folds[fit.task].leftOut(fit.fold)
            let allPoints = KernelPoints(task.fitting), points = allPoints.leavingOut(leftOut)
            let targets = task.targets.map(\.fitting)
            let coefficients = try solver.solve(
                points, width: fit.width, penalties: fit.penalties, StackedTargets.rows(targets, leavingOut: leftOut),
                by: fit.method)
            // One kernel serves the predictions of all penalties.
            let rows = coefficients.reduce(0) { $0 + $1.rows }
            let predicted = points.predict(
                allPoints[leftOut], width: fit.width,
                Matrix(rows: rows, columns: points.count, elements: coefficients.flatMap(\.elements)))
            return StackedTargets.scores(coefficients.flatMap { _ in targets }, rows: leftOut, predicted)
        }
        return tasks.indices.map { task in
            Self.penalties.flatMap { penalty in
                Self.widths.map { width in
                    let foldScores = zip(fits, scores).compactMap { fit, scores -> [Double]? in
                        guard fit.task == task, fit.width == width, let index = fit.penalties.firstIndex(of: penalty)
                        else { return nil }
                        let count = tasks[task].targets.count
                        return Array(scores[(index * count)..<((index + 1) * count)])
                    }
                    let sums = foldScores.dropFirst().reduce(foldScores[0]) { zip($0, $1).map(+) }
                    return (Choice(penalty: penalty, width: width), sums.map { $0 / Double(foldScores.count) })
                }
            }
        }
    }

    /// One fit of the cross-validation. It serves several penalties if the method shares work between them.
    private struct Fit {
        let task: Int, fold: Int, width: Double, penalties: [Double], method: KernelRidgeSolver.Method
    }

    /// Returns the fits of the cross-validation. Fits of one width are neighbours, because they take equally long.
    private func fits(_ folds: [CrossValidationFolds], _ map: DistributedMap) throws -> [Fit] {
        let solver = try KernelRidgeSolver()
        let combinations = Self.widths.flatMap { width in tasks.indices.map { (width: width, task: $0) } }
        let methods = try map.run(combinations.count) { index in
            let (width, task) = combinations[index]
            return [Double(try solver.method(KernelPoints(tasks[task].fitting), width: width).rawValue)]
        }.map { KernelRidgeSolver.Method(rawValue: Int($0[0])) ?? .direct }
        var fits: [Fit] = []
        for ((width, task), method) in zip(combinations, methods) {
            for penalties in method == .direct ? Self.penalties.map({ [$0] }) : [Self.penalties] {
                for fold in 0..<folds[task].count {
                    fits.append(Fit(task: task, fold: fold, width: width, penalties: penalties, method: method))
                }
            }
        }
        return fits
    }
}

/// Unshuffled k-fold cross-validation. The first N mod k folds have one sample more, as in scikit-learn's `KFold`.
package struct CrossValidationFolds: Equatable, Sendable {
    package let samples: Int
    /// k.
    package let count: Int

    package init(samples: Int, count: Int = 3) {
        precondition(count > 1 && samples >= count, "\(samples) samples in \(count) folds")
        self.samples = samples
        self.count = count
    }

    /// Returns the samples that a fold leaves out.
    package func leftOut(_ fold: Int) -> Range<Int> {
        let size = samples / count, longer = samples % count
        let start = fold * size + min(fold, longer)
        return start..<(start + size + (fold < longer ? 1 : 0))
    }
}

/// Several targets of the same samples as one matrix, with one row for each component of each target.
private enum StackedTargets {
    /// Returns components × samples.
    /// - Parameter range: samples to leave out.
    static func rows(_ targets: [Matrix], leavingOut range: Range<Int>?) -> Matrix {
        let samples = targets[0].rows, range = range ?? samples..<samples
        let components = targets.reduce(0) { $0 + $1.columns }
        var elements: [Double] = []
        elements.reserveCapacity((samples - range.count) * components)
        for target in targets {
            for column in 0..<target.columns {
                for row in 0..<range.lowerBound { elements.append(target[row, column]) }
                for row in range.upperBound..<samples { elements.append(target[row, column]) }
            }
        }
        return Matrix(rows: components, columns: samples - range.count, elements: elements)
    }

    /// Returns the R² of each target.
    /// - Parameters:
    ///   - rows: the samples to score.
    ///   - predicted: predictions for these samples, rows × components.
    static func scores(_ targets: [Matrix], rows: Range<Int>, _ predicted: Matrix) -> [Double] {
        var first = 0
        return targets.map { target in
            defer { first += target.columns }
            return CoefficientOfDetermination.mean(target, rows: rows) { predicted[$0, first + $1] }
        }
    }
}
