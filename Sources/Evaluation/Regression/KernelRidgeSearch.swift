import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Kernel ridge regression with a Gaussian kernel, its penalty α and width γ chosen by cross-validation for each target (Murphy, *Machine Learning*,
/// 2012, section 14.4.3).
///
/// With K_ij = exp(-γ |x_i - x_j|²) over the fitting samples the coefficients are `(K + α I)⁻¹ Y` and predictions `Σ_i k(x, x_i) coefficients_i`;
/// nothing is centred. The grid, the folds (unshuffled) and the choice (the first of the largest mean R² over the folds, α before γ) are those of
/// scikit-learn's `GridSearchCV(KernelRidge(kernel="rbf"), cv=3)` in *Identifiability Results for Multimodal Contrastive Learning* (ICLR 2023). But
/// one factorisation serves the targets of all blocks, and the factorisations are spread over the workers.
package struct KernelRidgeSearch: Sendable {
    /// α.
    package static let penalties = [1, 0.1, 0.01, 0.001]
    /// γ: four from 10⁻² to 10², evenly on a logarithmic scale.
    package static let widths = (0..<4).map { pow(10, -2 + 4 * Double($0) / 3) }

    /// A choice from the grid.
    package struct Choice: Hashable, Sendable {
        package let penalty: Double
        package let width: Double
    }

    /// What a target got.
    package struct Outcome: Equatable, Sendable {
        package let choice: Choice
        /// On the scoring samples.
        package let score: Double
    }

    let tasks: [RegressionTask]

    package init(tasks: [RegressionTask]) { self.tasks = tasks }

    /// Every worker calls it and gets the same.
    /// - Returns: for every task, an outcome for each target.
    /// - Throws: `LinearAlgebraError` where inputs hold a NaN; `CollectiveError` where a worker has failed.
    package func run(_ work: DistributedMap) throws -> [[Outcome]] {
        let choices = try choose(work), solver = KernelRidgeSolver()
        // The refits, one for each choice that some target of a task has made.
        var refits: [(task: Int, choice: Choice, targets: [Int])] = []
        for (task, chosen) in choices.enumerated() {
            for (target, choice) in chosen.enumerated() {
                if let place = refits.firstIndex(where: { $0.task == task && $0.choice == choice }) {
                    refits[place].targets.append(target)
                } else {
                    refits.append((task, choice, [target]))
                }
            }
        }
        let scores = try work.run(refits.count) { number in
            let refit = refits[number], task = tasks[refit.task], targets = refit.targets.map { task.targets[$0] }
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

    /// The best of the grid for every target of every task.
    func choose(_ work: DistributedMap) throws -> [[Choice]] {
        let means = try validate(work)
        return means.map { scores in
            (0..<(scores.first?.means.count ?? 0)).map { target in
                var best = scores[0]
                for other in scores where other.means[target] > best.means[target] { best = other }
                return best.choice
            }
        }
    }

    /// The mean R² over the folds of every target, by choice: α by α, and for each γ by γ.
    package func validate(_ work: DistributedMap) throws -> [[(choice: Choice, means: [Double])]] {
        let solver = KernelRidgeSolver(), folds = tasks.map { CrossValidationFolds(samples: $0.fitting.rows) }
        let places = Self.widths.flatMap { width in tasks.indices.map { (width: width, task: $0) } }
        let methods = try work.run(places.count) { number in
            [
                Double(
                    try solver.method(KernelPoints(tasks[places[number].task].fitting), width: places[number].width)
                        .rawValue)
            ]
        }.map { KernelRidgeSolver.Method(rawValue: Int($0[0])) ?? .direct }
        // Pieces of one width stand together, for they take equally long; where nothing is shared between penalties each is a piece of its own.
        var pieces: [(task: Int, fold: Int, width: Double, penalties: [Double], method: KernelRidgeSolver.Method)] = []
        for (place, method) in zip(places, methods) {
            for penalties in method == .direct ? Self.penalties.map({ [$0] }) : [Self.penalties] {
                for fold in 0..<folds[place.task].count {
                    pieces.append((place.task, fold, place.width, penalties, method))
                }
            }
        }
        let scores = try work.run(pieces.count) { number in
            let piece = pieces[number], task = tasks[piece.task], leftOut = folds[piece.task].leftOut(piece.fold)
            let all = KernelPoints(task.fitting), points = all.leavingOut(leftOut),
                targets = task.targets.map(\.fitting)
            let coefficients = try solver.solve(
                points, width: piece.width, penalties: piece.penalties,
                StackedTargets.rows(targets, leavingOut: leftOut), by: piece.method)
            // One kernel serves all penalties' predictions.
            let rows = coefficients.reduce(0) { $0 + $1.rows }
            let predicted = points.predict(
                all[leftOut], width: piece.width,
                Matrix(rows: rows, columns: points.count, elements: coefficients.flatMap(\.elements)))
            return StackedTargets.scores(coefficients.flatMap { _ in targets }, rows: leftOut, predicted)
        }
        return tasks.indices.map { task in
            Self.penalties.flatMap { penalty in
                Self.widths.map { width in
                    let choice = Choice(penalty: penalty, width: width)
                    let own = zip(pieces, scores).compactMap { piece, scores -> [Double]? in
                        guard piece.task == task, piece.width == width,
                            let place = piece.penalties.firstIndex(of: penalty)
                        else { return nil }
                        let count = tasks[task].targets.count
                        return Array(scores[(place * count)..<((place + 1) * count)])
                    }
                    let sums = own.dropFirst().reduce(own[0]) { zip($0, $1).map(+) }
                    return (choice, sums.map { $0 / Double(own.count) })
                }
            }
        }
    }
}
