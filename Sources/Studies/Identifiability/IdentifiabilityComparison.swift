import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// Measured R² beside the expected, a row for each encoder of each setting.
struct IdentifiabilityComparison {
    /// A measured R² that is none that theory lets expect.
    struct Difference {
        let measure: PredictionTarget
        let encoder: Modality
        let title: String
        let measured: SampleStatistics
        let expected: ExpectedScore
    }

    /// What the first column tells.
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
        Paragraph(
            seeds > 1
                ? "Mean ± standard deviation over \(seeds) seeds, each with mixings, covariances, pairs and first weights of its own."
                : "One seed.", .remark)
    }

    /// "0.979 ± 0.003 ≈ 1".
    private func cell(_ row: IdentifiabilityScores, _ measure: PredictionTarget, _ encoder: Modality) -> DataTable.Cell
    {
        guard let measured = row.measured(measure, encoder, regressor) else { return "–" }
        let text = IdentifiabilityScores.text(measured)
        guard let expected = row.expected(measure, regressor) else { return DataTable.Cell(text) }
        return DataTable.Cell(
            "\(text) \(expected.sign(measured.mean)) \(TypographicNumber.short(expected.value, 3))",
            isApart: expected.isApart(measured.mean))
    }

    /// How many R² have an expected one beside them, and which of them are apart from it.
    var outcome: (count: Int, apart: [Difference]) {
        var count = 0, apart: [Difference] = []
        for row in rows {
            for encoder in Modality.allCases {
                for measure in PredictionTarget.allCases {
                    guard let measured = row.measured(measure, encoder, regressor),
                        let expected = row.expected(measure, regressor)
                    else { continue }
                    count += 1
                    if expected.isApart(measured.mean) {
                        apart.append(
                            Difference(
                                measure: measure, encoder: encoder, title: row.title, measured: measured,
                                expected: expected))
                    }
                }
            }
        }
        return (count, apart)
    }

    /// The same in words; nothing where nothing is expected.
    @PageBuilder var verdict: [any PageContent] {
        let (count, apart) = outcome
        if count > 0 {
            let limit = TypographicNumber.short(ExpectedScore.tolerance)
            Paragraph(
                "By \(regressor.title) regression \(count - apart.count) of \(count) R² are as the theorem lets expect, within \(limit)."
            )
            if !apart.isEmpty {
                let most = 8
                let list = apart.prefix(most).map { difference in
                    let measured = IdentifiabilityScores.text(difference.measured),
                        expected = TypographicNumber.short(difference.expected.value, 3)
                    return
                        "\(difference.title), \(difference.measure.title), \(difference.encoder.rawValue) encoder: \(measured) in place of "
                        + (difference.expected.isLimit ? "at most " : "") + expected
                }.joined(separator: "; ")
                Paragraph(
                    "Apart from it: \(list)"
                        + (apart.count > most ? "; and \(apart.count - most) more, set in colour in the table." : "."),
                    .warning)
            }
        }
    }
}
