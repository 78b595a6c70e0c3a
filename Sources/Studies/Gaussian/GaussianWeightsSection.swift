import CoupletReports
import CoupletText

/// From a loss that fits u given v alone to one that fits v given u alone.
struct GaussianWeightsSection {
    private let sweep: StudySweep<GaussianTrial>

    init(_ sweep: StudySweep<GaussianTrial>) { self.sweep = sweep }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Conditional (a, b), from (1, 0) to (0, 1): a weighs u given v, b weighs v given u. For the inner product the minimiser does not depend on the weights. For the quadratic similarity it "
                + "does: whichever conditional has the whole weight becomes exact in mean and covariance along the learned pairs, at the cost of the other."
        )
        for (similarity, trials) in sweep.inOrder(by: \.configuration.objective.similarity) {
            Section(similarity == .quadratic ? "Quadratic" : similarity == .innerProduct ? "Inner product" : "Cosine") {
                FigureGroup(
                    plot("Error of the coupling, against the closed form", trials, [("", \.couplingError)]),
                    plot(
                        "Covariance of the conditionals", trials,
                        [
                            ("u given v", \.firstCovarianceError), ("v given u", \.secondCovarianceError),
                            ("u given v, minimiser", \.answer.firstCovarianceError),
                            ("v given u, minimiser", \.answer.secondCovarianceError),
                        ]),
                    plot(
                        "Mean of the conditionals", trials,
                        [
                            ("u given v", \.firstMeanError), ("v given u", \.secondMeanError),
                            ("u given v, minimiser", \.answer.firstMeanError),
                            ("v given u, minimiser", \.answer.secondMeanError),
                        ]))
                table(trials)
            }
        }
    }

    /// b / (a + b).
    private static func share(_ trial: GaussianTrial) -> Double {
        guard let weights = trial.configuration.objective.loss.weights else { return 0 }
        return weights.second / (weights.first + weights.second)
    }

    private static func groups(_ trials: [GaussianTrial]) -> [(share: Double, trials: [GaussianTrial])] {
        Dictionary(grouping: trials, by: share).map { (share: $0.key, trials: $0.value) }.sorted { $0.share < $1.share }
    }

    private func plot(
        _ title: String, _ trials: [GaussianTrial], _ lines: [(name: String, value: (GaussianTrial) -> Double?)]
    ) -> Plot {
        let groups = Self.groups(trials)
        let series = lines.enumerated().map { index, line in
            let points = groups.compactMap { share, trials -> PlotPoint? in
                let values = trials.compactMap(line.value), mean = SampleStatistics(values)
                return values.isEmpty ? nil : PlotPoint(share, mean.mean, deviation: mean.deviation)
            }
            return Series(line.name, points, style: index < 2 ? .markers : .line, look: .numbered(index % 2))
        }
        return Plot(
            title, x: Axis("weight b of v given u", scale: .linear, ticks: groups.map(\.share)),
            y: Axis("relative error", scale: .linear, includesZero: true),
            series: series)
    }

    private func table(_ trials: [GaussianTrial]) -> DataTable {
        func mean(_ trials: [GaussianTrial], _ value: (GaussianTrial) -> Double?) -> DataTable.Cell {
            let values = trials.compactMap(value)
            return DataTable.Cell(
                values.isEmpty ? "–" : TypographicNumber.significant(SampleStatistics(values).mean, 3))
        }
        return DataTable(
            columns: [
                "weights (a, b)", "error of Ã", "mean of u | v", "mean of v | u", "covariance of u | v",
                "covariance of v | u",
            ],
            rows: Self.groups(trials).map { share, trials in
                [
                    DataTable.Cell("(\(TypographicNumber.short(1 - share, 3)), \(TypographicNumber.short(share, 3)))"),
                    mean(trials, \.couplingError), mean(trials, \.firstMeanError),
                    mean(trials, \.secondMeanError), mean(trials, \.firstCovarianceError),
                    mean(trials, \.secondCovarianceError),
                ]
            })
    }
}
