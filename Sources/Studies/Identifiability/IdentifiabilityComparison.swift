import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// Measured R² next to the expected ones, one row per encoder of each setting.
struct IdentifiabilityComparison {
    /// A measured R² that contradicts the theorem.
    private struct Contradiction {
        let target: PredictionTarget
        let encoder: Modality
        let title: String
        let measured: SampleStatistics
        let expected: ExpectedScore
    }

    /// The heading of the first column.
    let heading: String
    let rows: [IdentifiabilityScores]
    let regressor: Regressor

    @PageBuilder var content: [any PageContent] {
        DataTable(
            columns: [DataTable.Cell(heading), "encoder"] + PredictionTarget.allCases.map { DataTable.Cell($0.title) }
                + ["mean correlation"],
            rows: rows.flatMap { row in
                Modality.allCases.map { encoder in
                    [DataTable.Cell(row.title), DataTable.Cell(encoder.rawValue)]
                        + PredictionTarget.allCases.map { cell(row, $0, encoder) }
                        + [DataTable.Cell(row.meanCorrelation(encoder).map(IdentifiabilityScores.text) ?? "–")]
                }
            }, textColumns: [0, 1])
        let seeds = rows.map(\.trials.count).max() ?? 0
        let remark =
            "Mean ± standard deviation over \(seeds) seeds, each with its own mixings, covariances, pairs and initial "
            + "weights."
        Paragraph(seeds > 1 ? remark : "One seed.", .remark)
    }

    /// The cell of a score: "0.979 ± 0.003 ≈ 1".
    private func cell(_ row: IdentifiabilityScores, _ target: PredictionTarget, _ encoder: Modality) -> DataTable.Cell {
        guard let measured = row.measured(target, encoder, regressor) else { return "–" }
        let text = IdentifiabilityScores.text(measured)
        guard let expected = row.expected(target, regressor) else { return DataTable.Cell(text) }
        return DataTable.Cell(
            "\(text) \(expected.comparisonSign(measured.mean)) \(TypographicNumber.short(expected.value, 3))",
            isUnexpected: expected.isContradicted(by: measured.mean))
    }

    /// The number of R² with an expected value, and the R² that contradict it.
    private var outcome: (count: Int, contradictions: [Contradiction]) {
        var count = 0, contradictions: [Contradiction] = []
        for row in rows {
            for encoder in Modality.allCases {
                for target in PredictionTarget.allCases {
                    guard let measured = row.measured(target, encoder, regressor),
                        let expected = row.expected(target, regressor)
                    else { continue }
                    count += 1
                    if expected.isContradicted(by: measured.mean) {
                        contradictions.append(
                            Contradiction(
                                target: target, encoder: encoder, title: row.title, measured: measured,
                                expected: expected))
                    }
                }
            }
        }
        return (count, contradictions)
    }

    /// The outcome in words; empty if nothing is expected.
    @PageBuilder var verdict: [any PageContent] {
        let (count, contradictions) = outcome
        if count > 0 {
            let limit = TypographicNumber.short(ExpectedScore.tolerance)
            Paragraph(
                "By \(regressor.title) regression, \(count - contradictions.count) of \(count) R² agree with the "
                    + "theorem within \(limit).")
            if !contradictions.isEmpty {
                let maximumCount = 8
                let list = contradictions.prefix(maximumCount).map { contradiction in
                    let measured = IdentifiabilityScores.text(contradiction.measured)
                    let limit = contradiction.expected.isUpperLimit ? "at most " : ""
                    let expected = limit + TypographicNumber.short(contradiction.expected.value, 3)
                    return "\(contradiction.title), \(contradiction.target.title), "
                        + "\(contradiction.encoder.rawValue) encoder: \(measured) in place of \(expected)"
                }.joined(separator: "; ")
                Paragraph(
                    "Exceptions: \(list)"
                        + (contradictions.count > maximumCount
                            ? "; and \(contradictions.count - maximumCount) more, coloured in the table." : "."),
                    .warning)
            }
        }
    }
}
