import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletTensors
import CoupletTraining

/// Pictures that sentences find, and sentences that pictures find, among the test samples.
struct ImageTextRetrieval {
    private let source: any PairSource
    private let pictures: Tensor
    private let sentences: [String]
    private let shapes: [Int]
    /// Scores of the sentences (rows) with the pictures.
    private let scores: Matrix

    private static let gallery = 1_000, columns = 8, rows = 7

    init(_ trial: ImageTextTrial, data: String?) throws {
        let run = try TrainedRun(trial.path, dataPaths: data.map { ["data.path=\($0)"] } ?? [])
        guard let scenes = run.source.unwrapped as? SceneSource else {
            preconditionFailure("\(trial.path) is on other data")
        }
        let numbers = (0..<UInt64(min(Self.gallery, scenes.count(of: .heldOut) ?? 0))).map { $0 }
        source = run.source
        pictures = try scenes.readRaw(.heldOut, numbers, .first)
        sentences = try numbers.map { try scenes.sentence(.heldOut, $0) }
        shapes = try scenes.labels(.heldOut, numbers) ?? []
        let first = try run.encode(.first, pictures)
        let second = try run.encode(.second, scenes.readRaw(.heldOut, numbers, .second))
        // Cosines, whose order is that of the scores.
        func unit(_ rows: Tensor) -> Matrix {
            var matrix = Matrix(rows)
            for row in 0..<matrix.rows {
                let norm = (0..<matrix.columns).reduce(0) { $0 + matrix[row, $1] * matrix[row, $1] }.squareRoot()
                for column in 0..<matrix.columns { matrix[row, column] /= norm > 0 ? norm : 1 }
            }
            return matrix
        }
        let (a, b) = (unit(second), unit(first))
        var scores = Matrix(rows: a.rows, columns: b.rows)
        scores.setProduct(a, b, secondTransposed: true)
        self.scores = scores
    }

    private func picture(_ row: Int, label: String = "", tooltip: String = "", answer: PictureGrid.Answer? = nil)
        -> PictureGrid.Picture
    {
        let shape = source.description(of: .first).shape
        return PictureGrid.Picture(
            pictures.rows(row..<row + 1).values, channels: 3, width: shape[2], height: shape[1], range: 0...255,
            label: label, tooltip: tooltip, answer: answer)
    }

    /// The first test sample of each shape.
    private var queries: [Int] { Set(shapes).sorted().prefix(Self.rows).compactMap { shapes.firstIndex(of: $0) } }

    private func best(_ score: (Int) -> Double) -> [Int] {
        let values = shapes.indices.map(score)
        return Array(
            shapes.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }.prefix(Self.columns))
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
                rows: queries.enumerated().map { number, query in
                    .init(
                        "\(number + 1)",
                        pictures: best { scores[query, $0] }.map {
                            picture($0, tooltip: sentences[$0], answer: shapes[$0] == shapes[query] ? .right : .wrong)
                        })
                }),
            PictureGrid(
                "Sentences that a picture finds",
                caption:
                    "The first test picture of each shape, then the pictures of its \(Self.columns) best sentences. "
                    + "The sentence is the tooltip. A check mark: the right shape.",
                rows: queries.map { query in
                    .init(
                        "", query: picture(query, tooltip: sentences[query]),
                        pictures: best { scores[$0, query] }.map {
                            picture($0, tooltip: sentences[$0], answer: shapes[$0] == shapes[query] ? .right : .wrong)
                        })
                }),
        ]
    }
}
