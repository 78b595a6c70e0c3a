import CoupletReports
import CoupletText
import Glibc

/// Mutual information by the bound log N − L of one-sided losses, against the truth.
struct GaussianInformationSection {
    /// One trial's figures, in nats.
    private struct Measured {
        let size: Int
        let truth: Double
        let bound: Double
        let error: Double
        let largest: Double
    }

    private let measured: [Measured]

    init(_ sweep: StudySweep<GaussianTrial>) {
        measured = sweep.trials.compactMap { trial in
            guard let loss = trial.lastLoss, let weights = trial.configuration.objective.loss.weights else {
                return nil
            }
            let total = weights.first + weights.second
            return Measured(
                size: trial.configuration.batch.size, truth: trial.pair.mutualInformation,
                bound: log(Double(trial.configuration.batch.size)) - loss.mean / total,
                error: loss.error / total, largest: trial.pair.correlations.first ?? 0)
        }
    }

    private var sizes: [Int] { Set(measured.map(\.size)).sorted() }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "A one-sided loss L on batches of N bounds the mutual information from below: I ≥ log N − L in expectation, whatever the encoders. The quadratic similarity with full rank can hold the exact conditional, "
                + "so only the batch keeps the bound from the truth, −½ Σ log(1 − σᵢ²): where the truth comes near log N, or passes it, the bound stays below log N. L is the mean over the last fifth of the training, "
                + "every batch of it fresh.")
        FigureGroup(plot)
        DataTable(
            columns: ["truth, nats"] + sizes.map { DataTable.Cell("N = \(TypographicNumber.grouped($0))") },
            rows: truths.map { truth in
                [DataTable.Cell(TypographicNumber.significant(truth, 4))]
                    + sizes.map { size in
                        let one = measured.first { $0.size == size && Self.isSame($0.truth, truth) }
                        return DataTable.Cell(
                            one.map {
                                "\(TypographicNumber.fixed($0.bound, decimals: 3)) ± \(TypographicNumber.fixed($0.error, decimals: 3))"
                            } ?? "–")
                    }
            } + [
                [DataTable.Cell("log N, the most it can be")]
                    + sizes.map { DataTable.Cell(TypographicNumber.fixed(log(Double($0)), decimals: 3)) }
            ], textColumns: [0])
    }

    /// The same correlations behind other maps have the same information but for rounding.
    private static func isSame(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-6 * max(1, abs(b)) }

    private var truths: [Double] {
        measured.map(\.truth).sorted().reduce(into: []) { found, truth in
            if !found.contains(where: { Self.isSame($0, truth) }) { found.append(truth) }
        }
    }

    private var plot: Plot {
        let series = sizes.enumerated().map { index, size in
            Series(
                "N = \(TypographicNumber.grouped(size))",
                measured.filter { $0.size == size }.sorted { $0.truth < $1.truth }.map {
                    PlotPoint($0.truth, $0.bound, deviation: $0.error)
                }, look: .numbered(index))
        }
        let exact = Series("truth", [0, truths.last ?? 1].map { PlotPoint($0, $0) }, style: .line, look: .neutral)
        return Plot(
            "The bound log N − L", caption: "Dashed: log N for each batch size.",
            x: Axis("mutual information, nats", scale: .linear, includesZero: true),
            y: Axis("log N − L, nats", scale: .linear, includesZero: true), series: series + [exact],
            references: sizes.map { ReferenceLine(.horizontal(log(Double($0))), name: "") })
    }
}
