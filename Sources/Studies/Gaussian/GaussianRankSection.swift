import CoupletReports
import CoupletText

/// Encoders of growing rank.
struct GaussianRankSection {
    private let ranks: [(key: Int, trials: [GaussianTrial])]

    init(_ sweep: StudySweep<GaussianTrial>) { ranks = sweep.grouped { $0.configuration.encoders.embedding } }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Inner product, conditional (½, ½). Encoders of rank e learn the best approximation of that rank: the first e canonical pairs. The left figure shows how far Ã is from that "
                + "closed form, which finite batches alone cause. The right one shows the error of the conditional mean of u given v, against the exact posterior, beside the lowest that "
                + "any encoders of this rank can have, √(Σ_{i>e} σᵢ² / Σ σᵢ²).")
        FigureGroup(
            Plot(
                "Error of the coupling, against rank e's closed form", x: axis,
                y: Axis("relative error", scale: .linear, includesZero: true),
                series: [Series("", points(\.couplingError))]),
            Plot(
                "Error of the conditional mean", x: axis, y: Axis("relative error", scale: .linear, includesZero: true),
                series: [
                    Series("learned", points(\.firstMeanError)),
                    Series("lowest possible", points(\.truncationError), look: .numbered(1)),
                ]))
        DataTable(
            columns: ["rank e", "error of Ã", "error of the conditional mean", "lowest possible", "seeds"],
            rows: ranks.map { rank, trials in
                [
                    DataTable.Cell("\(rank)"), Self.cell(trials.compactMap(\.couplingError)),
                    Self.cell(trials.compactMap(\.firstMeanError)),
                    Self.cell(trials.map(\.truncationError)), DataTable.Cell("\(trials.count)"),
                ]
            }, textColumns: [])
    }

    private var axis: Axis { Axis("rank e", scale: .linear, ticks: ranks.map { Double($0.key) }) }

    private func points(_ value: (GaussianTrial) -> Double?) -> [PlotPoint] {
        ranks.compactMap { rank, trials in
            let values = trials.compactMap(value)
            let mean = SampleStatistics(values)
            return values.isEmpty ? nil : PlotPoint(Double(rank), mean.mean, deviation: mean.deviation)
        }
    }

    private static func cell(_ values: [Double]) -> DataTable.Cell {
        DataTable.Cell(values.isEmpty ? "–" : TypographicNumber.significant(SampleStatistics(values).mean, 3))
    }
}
