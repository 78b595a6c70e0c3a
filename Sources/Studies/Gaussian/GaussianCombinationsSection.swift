import CoupletLosses
import CoupletReports
import CoupletText

/// Every loss with every similarity: what was learned beside what the loss would learn from infinitely many pairs.
struct GaussianCombinationsSection {
    private let sweep: StudySweep<GaussianTrial>
    /// Minimisers found numerically, by the names of the trials.
    private let numerical: [String: NumericalMinimizer]

    /// - Parameter numerical: what `Tests/Peers/population.py --json` wrote; nil where there is no such file.
    init(_ sweep: StudySweep<GaussianTrial>, numerical: JSONValue? = nil) {
        self.sweep = sweep
        self.numerical = NumericalMinimizer.all(in: numerical)
    }

    @PageBuilder var content: [any PageContent] {
        if let trial = sweep.trials.first {
            let sigmas = trial.pair.correlations.filter { $0 > 1e-9 }.map { TypographicNumber.short($0, 3) }.joined(
                separator: ", ")
            Paragraph(
                "One covariance of \(trial.pair.covariance.uu.rows) and \(trial.pair.covariance.vv.rows) dimensions with the canonical correlations \(sigmas); encoders of rank "
                    + "\(trial.configuration.encoders.embedding); batches of \(TypographicNumber.grouped(trial.configuration.batch.size)). The minimiser is the exact answer for "
                    + "infinitely many pairs, “≈” one found numerically on the exact expectations by Tests/Peers/population.py, where no closed form is known (sigmoid, maximum "
                    + "mean discrepancy, cosine), and “–” stands where there is neither. Decoupled has the minimiser of conditional and joint "
                    + "off-diagonal that of joint: with infinitely many pairs a positive more or less in a sum is nothing. "
                    + "The maximum mean discrepancy pays most for a finite batch: its means over N weighted samples have a variance that a stronger coupling makes larger, so what it "
                    + "learns lies below its minimiser, and comes up slowly with N.")
        }
        for (similarity, trials) in sweep.inOrder(by: \.configuration.objective.similarity) {
            Section(Self.heading(similarity)) {
                Paragraph(Self.remark(similarity))
                couplings(trials)
                if similarity == .quadratic { grams(trials) }
                if similarity != .cosine {
                    laws(trials)
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
            "u given v is N(Cuu Gᵀ H v, Cuu): the conditional losses get the means exactly, as far as the rank goes, for any weights; the covariance of a conditional stays that of the "
                + "marginal. The joint loss trades means for a coupling whose marginals fit, a = (√(1 + 4σ²) − 1) / 2σ."
        case .quadratic:
            "u given v has the precision Cuu⁻¹ + GᵀG: the one-sided loss (1, 0) gets mean and covariance of u given v both exact along the learned pairs, (0, 1) those of v given u; the "
                + "two-sided and the joint loss fit neither exactly."
        case .cosine:
            "The encodings lie on a sphere, the conditionals are not Gaussian, and the lengths of G and H mean nothing: only the proportions of the singular values do, shown beside "
                + "the first."
        }
    }

    // MARK: Tables

    private static func list(_ values: [Double]?) -> DataTable.Cell {
        guard let values else { return "–" }
        return DataTable.Cell(values.map { TypographicNumber.fixed($0, decimals: 3) }.joined(separator: " · "))
    }

    private static func percent(_ value: Double?) -> DataTable.Cell {
        DataTable.Cell(value.map { TypographicNumber.fixed(100 * $0, decimals: 1) + " %" } ?? "–")
    }

    private func couplings(_ trials: [GaussianTrial]) -> DataTable {
        let isCosine = trials.first?.configuration.objective.similarity == .cosine
        func shown(_ values: [Double]) -> [Double] {
            guard isCosine, let first = values.first, first > 0 else { return values }
            return values.map { $0 / first }
        }
        return DataTable(
            columns: [
                "loss", DataTable.Cell(isCosine ? "singular values of Ã / the first" : "singular values of Ã"),
                "minimiser", "error of Ã",
            ],
            rows: trials.map { trial in
                var minimizer = Self.list(trial.answer.minimizer?.singularValues),
                    error = Self.percent(trial.couplingError)
                if trial.answer.minimizer == nil, let found = numerical[trial.name] {
                    minimizer = Self.list(shown(found.singularValues))
                    minimizer.text = "≈ " + minimizer.text
                    error = Self.percent(found.error)
                }
                return [DataTable.Cell(trial.lossTitle), Self.list(shown(trial.singularValues)), minimizer, error]
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

    /// Errors of the conditionals against the exact posterior; in brackets, what the minimiser itself has.
    private func laws(_ trials: [GaussianTrial]) -> DataTable {
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

    // MARK: Figures

    private func plots(_ trials: [GaussianTrial]) -> [Plot] {
        func plot(_ title: String, _ learned: (GaussianTrial) -> Double?, _ minimizer: (GaussianTrial) -> Double?)
            -> Plot
        {
            // Side by side, for where all went well the two are the same.
            func points(_ value: (GaussianTrial) -> Double?, aside: Double) -> [PlotPoint] {
                trials.enumerated().compactMap { index, trial in
                    value(trial).map { PlotPoint(Double(index) + aside, $0, label: trial.lossTitle) }
                }
            }
            return Plot(
                title, x: Axis("loss, in the order of the tables", categories: trials.indices.map { "\($0 + 1)" }),
                y: Axis("relative error", scale: .linear, includesZero: true),
                series: [
                    Series("learned", points(learned, aside: -0.12), style: .markers),
                    Series("minimiser", points(minimizer, aside: 0.12), style: .markers, look: .numbered(1)),
                ])
        }
        return [
            plot("Conditional mean of u given v", \.firstMeanError, \.answer.firstMeanError),
            plot("Conditional covariance of u given v", \.firstCovarianceError, \.answer.firstCovarianceError),
        ]
    }
}
