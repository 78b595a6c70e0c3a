import CoupletReports
import CoupletTensors
import CoupletText

/// The bound log N − L on the mutual information, from one-sided losses, against the truth.
struct GaussianInformationSection {
    /// The figures of a trial, in nats.
    private struct Bound {
        let size: Int
        let truth: Double
        let value: Double
        let standardError: Double
    }

    private let bounds: [Bound]

    init(_ sweep: StudySweep<GaussianTrial>) {
        bounds = sweep.trials.compactMap { trial in
            guard let loss = trial.finalLoss, let weights = trial.configuration.objective.loss.weights else {
                return nil
            }
            let total = weights.first + weights.second
            return Bound(
                size: trial.configuration.batch.size, truth: trial.pair.mutualInformation,
                value: log(Double(trial.configuration.batch.size)) - loss.mean / total,
                standardError: loss.standardError / total)
        }
    }

    private var sizes: [Int] { Set(bounds.map(\.size)).sorted() }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "A one-sided loss L on batches of N bounds the mutual information from below: I ≥ log N − L in "
                + "expectation, for any encoders. The quadratic similarity with full rank can represent the exact "
                + "conditional. Only the batch size then separates the bound from the truth, −½ Σ log(1 − σᵢ²): the "
                + "bound stays below log N even where the truth approaches or exceeds it. L is the mean over the last "
                + "fifth of the training; every batch has new pairs.")
        FigureGroup(plot)
        DataTable(
            columns: ["truth, nats"] + sizes.map { DataTable.Cell("N = \(TypographicNumber.grouped($0))") },
            rows: truths.map { truth in
                [DataTable.Cell(TypographicNumber.significant(truth, 4))]
                    + sizes.map { size in
                        let bound = bounds.first { $0.size == size && Self.areEqual($0.truth, truth) }
                        let texts = bound.map { bound in
                            [bound.value, bound.standardError].map { TypographicNumber.fixed($0, decimals: 3) }
                        }
                        return DataTable.Cell(texts?.joined(separator: " ± ") ?? "–")
                    }
            } + [
                [DataTable.Cell("log N, the upper limit")]
                    + sizes.map { DataTable.Cell(TypographicNumber.fixed(log(Double($0)), decimals: 3)) }
            ], textColumns: [0])
    }

    /// Whether two values agree up to rounding: pairs with the same correlations have the same information.
    private static func areEqual(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-6 * max(1, abs(b)) }

    private var truths: [Double] {
        bounds.map(\.truth).sorted().reduce(into: []) { truths, truth in
            if !truths.contains(where: { Self.areEqual($0, truth) }) { truths.append(truth) }
        }
    }

    private var plot: Plot {
        let series = sizes.enumerated().map { index, size in
            Series(
                "N = \(TypographicNumber.grouped(size))",
                bounds.filter { $0.size == size }.sorted { ($0.truth, $0.value) < ($1.truth, $1.value) }.map {
                    PlotPoint($0.truth, $0.value, deviation: $0.standardError)
                }, appearance: .numbered(index))
        }
        let exact = Series(
            "truth", [0, truths.last ?? 1].map { PlotPoint($0, $0) }, style: .line, appearance: .neutral)
        return Plot(
            "The bound log N − L", caption: "Dashed: log N for each batch size.",
            x: Axis("mutual information, nats", scale: .linear, includesZero: true),
            y: Axis("log N − L, nats", scale: .linear, includesZero: true), series: series + [exact],
            references: sizes.map { ReferenceLine(.horizontal(log(Double($0))), name: "") })
    }
}
