import CoupletReports
import CoupletTensors
import CoupletText

/// Pictures and texts: the figures of the trained encoders, of the nearest texts, and what is found.
struct EmojiSection {
    private let languages: RankedQueries
    /// By the nearest training texts, and by the nearest training names.
    private let nearestTexts: RankedQueries, nearestNames: RankedQueries
    private let unseen: RankedQueries
    private let unseenAmongAll: RankedQueries
    private let galleryCount: Int
    private let unseenCount: Int
    private let found: PictureGrid
    private let described: (pictures: PictureGrid, table: DataTable)

    init(_ data: EmojiData, _ model: EmojiModel) throws {
        let pictures = EmojiPictures(data, model)
        languages = RankedQueries(
            queries: data.languages.queries, ranks: try data.languages.ranks(scores: model.scores))
        nearestTexts = try Self.nearest(data) { _ in true }
        nearestNames = try Self.nearest(data) { $0.kind == "name" }
        let candidates = data.unseen.pictures
        let ranks = try data.unseen.ranks(amongEach: [candidates, nil], scores: model.scores)
        unseen = RankedQueries(queries: data.unseen.queries, ranks: ranks[0])
        unseenAmongAll = RankedQueries(queries: data.unseen.queries, ranks: ranks[1])
        galleryCount = data.seen.pictures.rows
        unseenCount = candidates.count
        found = try pictures.found()
        described = try pictures.nearestTexts()
    }

    /// Ranks by the nearest of the training texts that meet a condition.
    private static func nearest(_ data: EmojiData, _ isKnown: (EmojiPairs.Pair) -> Bool) throws -> RankedQueries {
        let known = data.seen.pairs.filter { $0.split == 0 && isKnown($0) }
        let texts = NearestTexts(
            data.seen.tokens, pairs: known.map { ($0.text, $0.picture) }, pictureCount: data.seen.pictures.rows)
        return RankedQueries(queries: data.languages.queries, ranks: try data.languages.ranks(scores: texts.scores))
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Pictures found by texts. The nearest names are a control without learning: a picture's score is the "
                + "largest cosine of the query and one of the picture's training names, as vectors of tf · idf of the "
                + "same n-grams; for the nearest texts it is one of its names and keywords.")
        EmojiTables.recall(
            "text to picture",
            EmojiTables.kinds(languages, "held-out languages, among \(galleryCount)")
                + EmojiTables.kinds(nearestNames, "the same by the nearest names")
                + EmojiTables.kinds(nearestTexts, "the same by the nearest texts")
                + EmojiTables.kinds(unseen, "unseen emoji, among the \(unseenCount) unseen")
                + EmojiTables.kinds(unseenAmongAll, "unseen emoji, among \(galleryCount)"))
        FigureGroup(found)
        Paragraph(
            "Unseen emoji with the texts that score highest among all distinct texts of the study, in any language. A "
                + "check mark is behind a text of the emoji.")
        FigureGroup(described.pictures)
        described.table
        Paragraph("Names in languages that are held out, by script:")
        EmojiTables.names("script", languages) { $0.script }
        Paragraph("Names in languages that are held out, by language:")
        EmojiTables.names("language", languages) { $0.language }
        Paragraph("Names of unseen emoji among the unseen, by script:")
        EmojiTables.names("script", unseen) { $0.script }
    }
}
