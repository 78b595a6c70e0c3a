import CoupletReports
import CoupletText

/// Queries with the rank of each: a part of them at a time becomes a row of a table.
struct RankedQueries {
    let queries: [EmojiQueries.Query]
    let ranks: [Int]

    /// Recall of the queries that meet a condition.
    func recall(_ isIncluded: (EmojiQueries.Query) -> Bool = { _ in true }) -> EmojiRecall {
        let chosen = queries.indices.filter { isIncluded(queries[$0]) }
        return EmojiRecall(ranks: chosen.map { ranks[$0] }, pictures: chosen.map { queries[$0].picture })
    }

    /// The values of a property of the queries, ascending.
    func values(of property: (EmojiQueries.Query) -> String) -> [String] { Array(Set(queries.map(property))).sorted() }
}

/// The tables of recall of the study.
enum EmojiTables {
    typealias Row = (title: String, recall: EmojiRecall)

    static func recall(_ first: DataTable.Cell, _ rows: [Row]) -> DataTable {
        DataTable(
            columns: [first, "queries", "pictures"] + EmojiRecall.columns,
            rows: rows.map { title, recall in
                [
                    DataTable.Cell(title), DataTable.Cell(TypographicNumber.grouped(recall.queryCount)),
                    DataTable.Cell(TypographicNumber.grouped(recall.pictureCount)),
                ] + recall.cells
            })
    }

    /// A row for each value of a property, of the names among the queries.
    static func names(_ title: DataTable.Cell, _ ranked: RankedQueries, by property: (EmojiQueries.Query) -> String)
        -> DataTable
    {
        recall(
            title,
            ranked.values(of: property).map { value in
                (value, ranked.recall { $0.kind == "name" && property($0) == value })
            })
    }

    /// Names and keywords of the queries.
    static func kinds(_ ranked: RankedQueries, _ title: String) -> [Row] {
        [
            (title + ": names", ranked.recall { $0.kind == "name" }),
            (title + ": keywords", ranked.recall { $0.kind == "keyword" }),
        ]
    }
}

/// A free vector for each picture.
struct EmojiVectorsSection {
    private let languages: RankedQueries

    init(_ data: EmojiData, _ model: EmojiModel) throws {
        languages = RankedQueries(
            queries: data.languages.queries, ranks: try data.languages.ranks(scores: model.scores))
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "The same texts, loss and steps, but each picture is a number with a vector of its own. So the run knows "
                + "nothing of what pictures show: the encoder of pictures has to do better than this. Unseen emoji "
                + "have no vector.")
        EmojiTables.recall("texts in languages that are held out", EmojiTables.kinds(languages, "free vectors"))
    }
}
