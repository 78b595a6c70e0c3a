import CoupletLosses
import CoupletReports
import CoupletText

/// Every loss with every similarity: the learned coupling next to the minimiser of the loss on infinitely many pairs.
struct GaussianCombinationsSection {
    private let sweep: StudySweep<GaussianTrial>
    /// Numerical minimisers by the name of the trial.
    private let numerical: [String: NumericalMinimizer]

    /// - Parameter numerical: The output of `Tests/Peers/population.py --json`; nil if there is no such file.
    init(_ sweep: StudySweep<GaussianTrial>, numerical: JSONValue? = nil) {
        self.sweep = sweep
        self.numerical = NumericalMinimizer.all(in: numerical)
    }

    @PageBuilder var content: [any PageContent] {
        if let trial = sweep.trials.first {
            let sigmas = trial.pair.correlations.filter { $0 > 1e-9 }.map { TypographicNumber.short($0, 3) }
                .joined(separator: ", ")
            let covariance = trial.pair.covariance, configuration = trial.configuration
            Paragraph(
                "One covariance of \(covariance.uu.rows) and \(covariance.vv.rows) dimensions with the canonical "
                    + "correlations \(sigmas); encoders of rank \(configuration.encoders.embedding); batches of "
                    + "\(TypographicNumber.grouped(configuration.batch.size)). The minimiser is the exact answer for "
                    + "infinitely many pairs. Where no closed form is known (sigmoid, maximum mean discrepancy, "
                    + "cosine), “≈” marks a minimiser that Tests/Peers/population.py found numerically on the exact "
                    + "expectations; “–” marks a missing one. Decoupled has the same minimiser as conditional, and "
                    + "joint off-diagonal the same as joint, because with infinitely many pairs a single positive in a "
                    + "sum has no effect. The maximum mean discrepancy suffers most from a finite batch: its means "
                    + "over N weighted samples have a variance that grows with the coupling, so the learned coupling "
                    + "lies below its minimiser and approaches it slowly with N.")
        }
        for (similarity, trials) in sweep.groups(by: \.configuration.objective.similarity) {
            Section(Self.heading(similarity)) {
                Paragraph(Self.remark(similarity))
                couplings(trials)
                if similarity == .quadratic { grams(trials) }
                if similarity != .cosine {
                    conditionals(trials)
                    FigureGroup(plots(trials))
                }
            }
        }
    }

    private static func heading(_ similarity: Similarity) -> String {
        switch similarity {
        case .innerProduct: "Inner product"
        case .quadratic: "Quadratic, −½ |g − h|²"
        case .cosine: "Cosine"
        }
    }

    private static func remark(_ similarity: Similarity) -> String {
        switch similarity {
        case .innerProduct:
            "u given v is N(Cuu Gᵀ H v, Cuu). For any weights, the conditional losses learn the means exactly, as far "
                + "as the rank allows; the covariance of a conditional remains that of the marginal. The joint loss "
                + "fits the marginals of the coupling at the cost of the means, a = (√(1 + 4σ²) − 1) / 2σ."
        case .quadratic:
            "u given v has the precision Cuu⁻¹ + GᵀG. Along the learned pairs, the one-sided loss (1, 0) makes mean "
                + "and covariance of u given v exact, and (0, 1) those of v given u; the two-sided and the joint loss "
                + "make neither exact."
        case .cosine:
            "The encodings lie on a sphere, the conditionals are not Gaussian, and the lengths of G and H have no "
                + "meaning. Only the ratios of the singular values have one; the table shows their ratios to the first."
        }
    }

    // MARK: - Tables

    private static func list(_ values: [Double]?) -> DataTable.Cell {
        guard let values else { return "–" }
        return DataTable.Cell(values.map { TypographicNumber.fixed($0, decimals: 3) }.joined(separator: " · "))
    }

    private static func percent(_ value: Double?) -> DataTable.Cell {
        DataTable.Cell(value.map { TypographicNumber.fixed(100 * $0, decimals: 1) + " %" } ?? "–")
    }

    private func couplings(_ trials: [GaussianTrial]) -> DataTable {
        let isCosine = trials.first?.configuration.objective.similarity == .cosine
        func normalized(_ values: [Double]) -> [Double] {
            guard isCosine, let first = values.first, first > 0 else { return values }
            return values.map { $0 / first }
        }
        return DataTable(
            columns: [
                "loss", DataTable.Cell(isCosine ? "singular values of Ã / the first" : "singular values of Ã"),
                "minimiser", "error of Ã",
            ],
            rows: trials.map { trial in
                var minimizer = Self.list(trial.answer.minimizer?.singularValues)
                var error = Self.percent(trial.couplingError)
                if trial.answer.minimizer == nil, let found = numerical[trial.name] {
                    minimizer = Self.list(normalized(found.singularValues))
                    minimizer.text = "≈ " + minimizer.text
                    error = Self.percent(found.error)
                }
                return [DataTable.Cell(trial.lossTitle), Self.list(normalized(trial.singularValues)), minimizer, error]
            })
    }

    private func grams(_ trials: [GaussianTrial]) -> DataTable {
        DataTable(
            columns: ["loss", "g² along the pairs", "minimiser", "h² along the pairs", "minimiser"],
            rows: trials.map { trial in
                [
                    DataTable.Cell(trial.lossTitle), Self.list(trial.firstGram),
                    Self.list(trial.answer.minimizer?.firstGram), Self.list(trial.secondGram),
                    Self.list(trial.answer.minimizer?.secondGram),
                ]
            })
    }

    /// The errors of the conditionals against the exact posterior; in brackets, the errors of the minimiser.
    private func conditionals(_ trials: [GaussianTrial]) -> DataTable {
        func cell(_ learned: Double?, _ minimizer: Double?) -> DataTable.Cell {
            var cell = Self.percent(learned)
            if let minimizer { cell.text += " (" + Self.percent(minimizer).text + ")" }
            return cell
        }
        return DataTable(
            columns: [
                "against the exact conditionals (minimiser)", "mean of u | v", "mean of v | u", "covariance of u | v",
                "covariance of v | u",
            ],
            rows: trials.map { trial in
                [
                    DataTable.Cell(trial.lossTitle), cell(trial.firstMeanError, trial.answer.firstMeanError),
                    cell(trial.secondMeanError, trial.answer.secondMeanError),
                    cell(trial.firstCovarianceError, trial.answer.firstCovarianceError),
                    cell(trial.secondCovarianceError, trial.answer.secondCovarianceError),
                ]
            })
    }

    // MARK: - Figures

    private func plots(_ trials: [GaussianTrial]) -> [Plot] {
        func plot(_ title: String, _ learned: (GaussianTrial) -> Double?, _ minimizer: (GaussianTrial) -> Double?)
            -> Plot
        {
            // The two marks are shifted apart, because their values are equal for a successful trial.
            func points(_ value: (GaussianTrial) -> Double?, shift: Double) -> [PlotPoint] {
                trials.enumerated().compactMap { index, trial in
                    value(trial).map { PlotPoint(Double(index) + shift, $0, label: trial.lossTitle) }
                }
            }
            return Plot(
                title, x: Axis("loss, in the order of the tables", categories: trials.indices.map { "\($0 + 1)" }),
                y: Axis("relative error", scale: .linear, includesZero: true),
                series: [
                    Series("learned", points(learned, shift: -0.12), style: .markers),
                    Series("minimiser", points(minimizer, shift: 0.12), style: .markers, appearance: .numbered(1)),
                ])
        }
        return [
            plot("Conditional mean of u given v", \.firstMeanError, \.answer.firstMeanError),
            plot("Conditional covariance of u given v", \.firstCovarianceError, \.answer.firstCovarianceError),
        ]
    }
}

/// The minimiser of a loss on infinitely many pairs, found numerically by `Tests/Peers/population.py`.
private struct NumericalMinimizer {
    /// The singular values of Ã; for the cosine, of Ã divided by the lengths of both encoders.
    let singularValues: [Double]
    /// The relative error of the trial against the minimiser.
    let error: Double

    /// Reads a list of objects with `trial`, `population` and `error`; other entries are skipped.
    /// - Returns: The minimisers by the name of the trial.
    static func all(in list: JSONValue?) -> [String: NumericalMinimizer] {
        guard case .array(let entries) = list else { return [:] }
        var found: [String: NumericalMinimizer] = [:]
        for entry in entries {
            guard let trial = entry["trial"]?.string, let values = entry["population"]?.numbers,
                let error = entry["error"]?.number
            else { continue }
            found[trial] = NumericalMinimizer(singularValues: values, error: error)
        }
        return found
    }
}
