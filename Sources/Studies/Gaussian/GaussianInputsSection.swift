import CoupletReports
import CoupletText

/// Pairs that are hard to learn from.
struct GaussianInputsSection {
    private let sweep: StudySweep<GaussianTrial>

    init(_ sweep: StudySweep<GaussianTrial>) { self.sweep = sweep }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "The same law for pairs of unequal dimensions, with correlations near 1, with many dimensions that tell nothing, and with covariances that are nearly singular: what is learned "
                + "is measured in whitened coordinates, where only the canonical correlations count.")
        DataTable(
            columns: [
                "pair", "correlations", "condition of Cuu", "singular values of Ã", "error of Ã",
                "error of the conditional mean", "lowest possible",
            ],
            rows: sweep.inOrder(by: { Self.title($0) }).map { title, trials in
                [
                    DataTable.Cell(title),
                    DataTable.Cell(
                        trials[0].pair.correlations.filter { $0 > 1e-9 }.prefix(4).map {
                            TypographicNumber.short($0, 3)
                        }.joined(separator: " · ")),
                    DataTable.Cell(
                        trials.compactMap { Self.condition($0) }.max().map { TypographicNumber.short($0, 2) } ?? "∞"),
                    DataTable.Cell(
                        trials[0].singularValues.map { TypographicNumber.fixed($0, decimals: 3) }.joined(
                            separator: " · ")),
                    Self.range(trials.compactMap(\.couplingError)), Self.range(trials.compactMap(\.firstMeanError)),
                    Self.range(trials.map(\.truncationError)),
                ]
            }, textColumns: [0, 1, 3])
        Paragraph(
            "Each over \(sweep.inOrder { Self.title($0) }.map(\.trials.count).max() ?? 0) seeds; the singular values are those of the first.",
            .remark)
    }

    private static func title(_ trial: GaussianTrial) -> String {
        let dimensions = "\(trial.pair.covariance.uu.rows) and \(trial.pair.covariance.vv.rows) dimensions"
        switch trial.configuration.source {
        case .gaussianFromFile(let path): return "\(dimensions), \(path.split(separator: "/").last ?? "")"
        case .gaussian(_, let correlations):
            return
                "\(dimensions), \(correlations.count) correlations from \(TypographicNumber.short(correlations.first, 3))"
        default: return dimensions
        }
    }

    /// The ratio of Cuu's largest eigenvalue to its smallest; nil where that is none.
    private static func condition(_ trial: GaussianTrial) -> Double? {
        guard let values = try? trial.pair.covariance.uu.singularValueDecomposition().singularValues,
            let first = values.first, let last = values.last, last > 0
        else {
            return nil
        }
        return first / last
    }

    private static func range(_ values: [Double]) -> DataTable.Cell {
        guard let low = values.min(), let high = values.max() else { return "–" }
        let ends = [low, high].map { TypographicNumber.fixed(100 * $0, decimals: 2) }
        return DataTable.Cell((ends[0] == ends[1] ? ends[0] : ends.joined(separator: " to ")) + " %")
    }
}
