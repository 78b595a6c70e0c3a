import CoupletReports
import CoupletText

/// Tables of retrieval on the gallery of a comparison.
enum OceanRetrievalTable {
    typealias Row = (
        title: String, direction: AssimilationRecord.Direction, scorer: AssimilationRecord.Scorer,
        record: AssimilationRecord
    )

    static func table(_ rows: [Row]) -> DataTable {
        DataTable(
            columns: ["", "recall at 1", "at 5", "at 10", "log p(truth)", "information bound, nats"],
            rows: rows.map { row in
                let figures = row.record.figures(row.direction, row.scorer)
                return [DataTable.Cell(row.title)]
                    + [figures.recallAt1, figures.recallAt5, figures.recallAt10].map {
                        DataTable.Cell(TypographicNumber.fixed($0, decimals: 3))
                    }
                    + [
                        DataTable.Cell(
                            TypographicNumber.fixed(figures.logProbability, decimals: 2) + " ± "
                                + TypographicNumber.fixed(figures.logProbabilityError, decimals: 2)),
                        DataTable.Cell(TypographicNumber.fixed(figures.mutualInformationBound, decimals: 2)),
                    ]
            })
    }
}
