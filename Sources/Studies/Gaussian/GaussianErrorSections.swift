import CoupletLosses
import CoupletReports
import CoupletTensors
import CoupletText

/// The error of the learned coupling over the batch size.
struct GaussianBatchSection {
    /// The errors of each batch size over the seeds.
    private let sizes: [(size: Int, statistics: SampleStatistics, errors: [Double])]
    /// The power law of the mean error over the batch size.
    private let fit: PowerLawFit?

    init(_ sweep: StudySweep<GaussianTrial>) {
        sizes = sweep.sortedGroups { $0.configuration.batch.size }.compactMap { size, trials in
            let errors = trials.compactMap(\.couplingError)
            return errors.isEmpty ? nil : (size, SampleStatistics(errors), errors)
        }
        fit = PowerLawFit(sizes.map { (Double($0.size), $0.statistics.mean) })
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Inner product, conditional (½, ½). The softmax over a batch of N pairs has N − 1 negatives in place of "
                + "infinitely many. The resulting error, its mean and its noise, falls like 1/√N. The error is "
                + "|Ã − Ã*| / |Ã*| in the Frobenius norm; Ã* is the truncated singular value decomposition of the "
                + "whitened cross-covariance.")
        if let text = verdict { Paragraph(text) }
        FigureGroup(plot)
        DataTable(
            columns: ["batch size N", "error, mean", "± over seeds", "error · √N", "seeds"],
            rows: sizes.map { size, statistics, _ in
                [
                    DataTable.Cell(TypographicNumber.grouped(size)),
                    DataTable.Cell(TypographicNumber.significant(statistics.mean, 3)),
                    DataTable.Cell(TypographicNumber.significant(statistics.deviation, 2)),
                    DataTable.Cell(TypographicNumber.significant(statistics.mean * Double(size).squareRoot(), 3)),
                    DataTable.Cell("\(statistics.count)"),
                ]
            }, textColumns: [])
    }

    private var verdict: String? {
        guard let fit else { return nil }
        let isAsPredicted = (-0.6...(-0.4)).contains(fit.slope)
        return "Measured: \(fit.text) of the logarithm of the mean error over the logarithm of N, "
            + "\(isAsPredicted ? "within" : "outside") the predicted −0.5 ± 0.1."
    }

    private var plot: Plot {
        let means = sizes.map { PlotPoint(Double($0.size), $0.statistics.mean, deviation: $0.statistics.deviation) }
        let dots = sizes.flatMap { size, _, errors in errors.map { PlotPoint(Double(size), $0) } }
        // The line 1/√N passes through the mean of the measured points.
        let logs = sizes.map { log($0.statistics.mean) + 0.5 * log(Double($0.size)) }
        let factor = logs.isEmpty ? 1 : exp(logs.reduce(0, +) / Double(logs.count))
        return Plot(
            "Error of the learned coupling",
            caption:
                "Bars: standard deviation over the seeds; dots: the seeds. Both axes are logarithmic, so a power law "
                + "is a straight line.",
            x: Axis("batch size N", scale: .logarithmic, ticks: sizes.map { Double($0.size) }),
            y: Axis("relative error", scale: .logarithmic),
            series: [
                Series("mean over seeds", means, style: .markers).fitted(),
                Series("", dots, style: .dots, appearance: .neutral),
            ],
            references: [ReferenceLine(.power(slope: -0.5, factor: factor), name: "1/√N")])
    }
}

/// The error over the rank of the encoders.
struct GaussianRankSection {
    private let ranks: [(key: Int, trials: [GaussianTrial])]

    init(_ sweep: StudySweep<GaussianTrial>) { ranks = sweep.sortedGroups { $0.configuration.encoders.embedding } }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Inner product, conditional (½, ½). Encoders of rank e learn the best approximation of that rank: the "
                + "first e canonical pairs. The left figure shows the distance of Ã from this closed form; finite "
                + "batches are its only cause. The right figure shows the error of the conditional mean of u given v "
                + "against the exact posterior, and the lowest error of any encoders of this rank, √(Σ_{i>e} σᵢ² / Σ "
                + "σᵢ²).")
        FigureGroup(
            plot("Error of the coupling, against rank e's closed form", [Series("", points(\.couplingError))]),
            plot(
                "Error of the conditional mean",
                [
                    Series("learned", points(\.firstMeanError)),
                    Series("lowest possible", points(\.truncationError), appearance: .numbered(1)),
                ]))
        DataTable(
            columns: ["rank e", "error of Ã", "error of the conditional mean", "lowest possible", "seeds"],
            rows: ranks.map { rank, trials in
                [
                    DataTable.Cell("\(rank)"), meanCell(trials, \.couplingError), meanCell(trials, \.firstMeanError),
                    meanCell(trials, \.truncationError), DataTable.Cell("\(trials.count)"),
                ]
            }, textColumns: [])
    }

    private func plot(_ title: String, _ series: [Series]) -> Plot {
        Plot(
            title, x: Axis("rank e", scale: .linear, ticks: ranks.map { Double($0.key) }),
            y: Axis("relative error", scale: .linear, includesZero: true), series: series)
    }

    private func points(_ value: (GaussianTrial) -> Double?) -> [PlotPoint] {
        ranks.compactMap { rank, trials in meanPoint(Double(rank), trials, value) }
    }
}

/// The errors over the weights of a loss, from one that fits only u given v to one that fits only v given u.
struct GaussianWeightsSection {
    private let sweep: StudySweep<GaussianTrial>

    init(_ sweep: StudySweep<GaussianTrial>) { self.sweep = sweep }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Conditional (a, b), from (1, 0) to (0, 1): a is the weight of u given v, b the weight of v given u. For "
                + "the inner product the minimiser does not depend on the weights. For the quadratic similarity it "
                + "does: the conditional with the whole weight becomes exact in mean and covariance along the learned "
                + "pairs, at the cost of the other.")
        for (similarity, trials) in sweep.groups(by: \.configuration.objective.similarity) {
            Section(
                similarity == .quadratic ? "Quadratic" : similarity == .innerProduct ? "Inner product" : "Cosine"
            ) {
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

    /// The weight of v given u, normalised: b / (a + b).
    private static func secondWeight(_ trial: GaussianTrial) -> Double {
        guard let weights = trial.configuration.objective.loss.weights else { return 0 }
        return weights.second / (weights.first + weights.second)
    }

    private static func groups(_ trials: [GaussianTrial]) -> [(weight: Double, trials: [GaussianTrial])] {
        Dictionary(grouping: trials, by: secondWeight).map { (weight: $0.key, trials: $0.value) }
            .sorted { $0.weight < $1.weight }
    }

    private func plot(
        _ title: String, _ trials: [GaussianTrial], _ lines: [(name: String, value: (GaussianTrial) -> Double?)]
    ) -> Plot {
        let groups = Self.groups(trials)
        let series = lines.enumerated().map { index, line in
            Series(
                line.name, groups.compactMap { weight, trials in meanPoint(weight, trials, line.value) },
                style: index < 2 ? .markers : .line, appearance: .numbered(index % 2))
        }
        return Plot(
            title, x: Axis("weight b of v given u", scale: .linear, ticks: groups.map(\.weight)),
            y: Axis("relative error", scale: .linear, includesZero: true), series: series)
    }

    private func table(_ trials: [GaussianTrial]) -> DataTable {
        DataTable(
            columns: [
                "weights (a, b)", "error of Ã", "mean of u | v", "mean of v | u", "covariance of u | v",
                "covariance of v | u",
            ],
            rows: Self.groups(trials).map { weight, trials in
                let weights = [1 - weight, weight].map { TypographicNumber.short($0, 3) }.joined(separator: ", ")
                return [
                    DataTable.Cell("(\(weights))"), meanCell(trials, \.couplingError),
                    meanCell(trials, \.firstMeanError), meanCell(trials, \.secondMeanError),
                    meanCell(trials, \.firstCovarianceError), meanCell(trials, \.secondCovarianceError),
                ]
            })
    }
}

/// The mean of a figure over trials, with its standard deviation; nil if no trial has the figure.
private func meanPoint(_ x: Double, _ trials: [GaussianTrial], _ value: (GaussianTrial) -> Double?) -> PlotPoint? {
    let values = trials.compactMap(value), statistics = SampleStatistics(values)
    return values.isEmpty ? nil : PlotPoint(x, statistics.mean, deviation: statistics.deviation)
}

/// The mean of a figure over trials; "–" if no trial has the figure.
private func meanCell(_ trials: [GaussianTrial], _ value: (GaussianTrial) -> Double?) -> DataTable.Cell {
    let values = trials.compactMap(value)
    return DataTable.Cell(values.isEmpty ? "–" : TypographicNumber.significant(SampleStatistics(values).mean, 3))
}
