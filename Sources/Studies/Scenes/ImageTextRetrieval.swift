import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletTraining

/// Pictures that sentences find, and sentences that pictures find, among the test samples.
struct ImageTextRetrieval {
    private let pictures: Tensor
    private let sentences: [String]
    private let shapes: [Int]
    /// The first test sample of each shape.
    private let queries: [Int]
    /// For each query the samples whose pictures its sentence finds, and those whose sentences its picture finds.
    private let foundPictures: SearchResult, foundSentences: SearchResult

    private static let gallery = 1_000, columns = 8, rows = 7

    /// Nil if there are no test samples.
    init?(_ trial: ImageTextTrial, data: String?) throws {
        let run = try TrainedRun(trial.path, dataPaths: data.map { ["data.path=\($0)"] } ?? [])
        guard let scenes = run.source.unwrapped as? SceneSource else {
            preconditionFailure("\(trial.path) is on other data")
        }
        let numbers = (0..<UInt64(min(Self.gallery, scenes.count(of: .heldOut) ?? 0))).map { $0 }
        if numbers.isEmpty { return nil }
        let pictures = try scenes.readRaw(.heldOut, numbers, .first)
        let shapes = try scenes.labels(.heldOut, numbers) ?? []
        let queries = Set(shapes).sorted().prefix(Self.rows).compactMap { shapes.firstIndex(of: $0) }
        sentences = try numbers.map { try scenes.sentence(.heldOut, $0) }
        let first = try run.encode(.first, pictures)
        let second = try run.encode(.second, scenes.readRaw(.heldOut, numbers, .second))
        func found(_ encodings: Tensor, among gallery: Tensor) throws -> SearchResult {
            try run.search(queries: encodings.rows(at: queries), gallery: gallery, top: Self.columns)
        }
        foundPictures = try found(second, among: first)
        foundSentences = try found(first, among: second)
        (self.pictures, self.shapes, self.queries) = (pictures, shapes, queries)
    }

    private func picture(_ row: Int, label: String = "", tooltip: String = "", answer: PictureGrid.Answer? = nil)
        -> PictureGrid.Picture
    {
        PictureGrid.Picture(
            pictures.rows(row..<row + 1).values, channels: 3, width: pictures.shape[3], height: pictures.shape[2],
            range: 0...255, label: label, tooltip: tooltip, answer: answer)
    }

    /// The pictures of the samples that the query at a place has found.
    private func pictures(_ found: SearchResult, _ place: Int) -> [PictureGrid.Picture] {
        found.rows[found.range(ofQuery: place)].map {
            picture($0, tooltip: sentences[$0], answer: shapes[$0] == shapes[queries[place]] ? .right : .wrong)
        }
    }

    /// The sentences of the queries, by their numbers.
    var table: DataTable {
        DataTable(
            columns: ["", "sentence"],
            rows: queries.enumerated().map { [DataTable.Cell("\($0 + 1)"), DataTable.Cell(sentences[$1])] },
            textColumns: [0, 1])
    }

    var grids: [PictureGrid] {
        [
            PictureGrid(
                "Pictures that a sentence finds",
                caption: "The first test sentence about each shape, by its number in the table below, with its "
                    + "\(Self.columns) best pictures of \(shapes.count). A check mark: the right shape.",
                rows: queries.indices.map { .init("\($0 + 1)", pictures: pictures(foundPictures, $0)) }),
            PictureGrid(
                "Sentences that a picture finds",
                caption:
                    "The first test picture of each shape, then the pictures of its \(Self.columns) best sentences. "
                    + "The sentence is the tooltip. A check mark: the right shape.",
                rows: queries.enumerated().map { place, query in
                    .init(
                        "", query: picture(query, tooltip: sentences[query]), pictures: pictures(foundSentences, place))
                }),
        ]
    }
}
