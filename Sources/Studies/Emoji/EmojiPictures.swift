import CoupletReports
import CoupletTensors

/// What texts and pictures find. Queries and pictures are chosen by a fixed seed, not by hand.
struct EmojiPictures {
    private let data: EmojiData
    private let model: EmojiModel

    private static let seed: UInt64 = 19, columns = 8, rows = 10, textsPerPicture = 5

    init(_ data: EmojiData, _ model: EmojiModel) {
        self.data = data
        self.model = model
    }

    /// A number below `count`, by the fixed seed.
    private static func choice(_ number: Int, below count: Int) -> Int {
        let word = Philox(seed: seed).words(.sweep, number: UInt64(number)).x
        return Philox.integer(word, below: count)
    }

    /// For a name of each script: the pictures that score highest.
    func found() throws -> PictureGrid {
        let names = data.languages.queries.filter { $0.kind == "name" }
        let rows = try Set(names.map(\.script)).sorted().enumerated().map { number, script in
            let queries = names.filter { $0.script == script }
            let query = queries[Self.choice(number, below: queries.count)]
            let scores = try model.scores(data.languages.tokens(of: query)).values
            return PictureGrid.Row(
                "\(query.language): \(data.languageTexts[query.text])",
                pictures: Self.best(Self.columns, scores).map { row in
                    picture(row, answer: query.answers.contains(row) ? .right : .wrong)
                })
        }
        return PictureGrid(
            "Names and the pictures that they find",
            caption: "A name of each script, in a language that is held out for its emoji; the best pictures among "
                + "\(data.seen.pictures.rows).",
            rows: rows)
    }

    /// For some unseen pictures: the texts that score highest.
    func nearestTexts() throws -> (pictures: PictureGrid, table: DataTable) {
        let pictures = chosenPictures(), table = data.seen
        var best = [[(score: Float, text: Int)]](repeating: [], count: pictures.count)
        // In blocks, because all texts together have hundreds of MB of scores.
        for first in stride(from: 0, to: table.tokens.rows, by: 1024) {
            let rows = first..<min(first + 1024, table.tokens.rows)
            let scores = try model.scores(table.tokens.rows(rows)), width = scores.columns
            for (place, picture) in pictures.enumerated() {
                best[place] += rows.map { (scores.pointer[($0 - first) * width + picture], $0) }
                best[place].sort { $0.score != $1.score ? $0.score > $1.score : $0.text < $1.text }
                best[place].removeLast(max(0, best[place].count - Self.textsPerPicture))
            }
        }
        var own = [Set<Int>](repeating: [], count: table.pictures.rows)
        for pair in table.pairs { own[pair.picture].insert(pair.text) }
        let grid = PictureGrid(
            "Unseen emoji", caption: "The pictures of the table below, in its order.",
            rows: [
                PictureGrid.Row(
                    "", pictures: pictures.enumerated().map { picture($1, label: "\($0 + 1)") })
            ])
        return (
            grid,
            DataTable(
                columns: ["emoji"] + (1...Self.textsPerPicture).map { DataTable.Cell("\($0)") },
                rows: pictures.enumerated().map { place, picture in
                    [DataTable.Cell("\(place + 1)")]
                        + best[place].map {
                            DataTable.Cell(
                                table.texts[$0.text] + (own[picture].contains($0.text) ? " ✓" : ""))
                        }
                },
                textColumns: Set(0...Self.textsPerPicture))
        )
    }

    /// Some of the unseen pictures, without repetition.
    private func chosenPictures() -> [Int] {
        var left = data.unseen.pictures
        return (0..<min(Self.rows, left.count)).map { number in
            left.remove(at: Self.choice(1_000 + number, below: left.count))
        }
    }

    /// The rows of the highest scores, the highest first; of equal scores the first row.
    private static func best(_ count: Int, _ scores: [Float]) -> [Int] {
        Array(
            scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }.prefix(count))
    }

    private func picture(_ row: Int, label: String = "", answer: PictureGrid.Answer? = nil) -> PictureGrid.Picture {
        let shape = data.seen.pictures.shape
        return PictureGrid.Picture(
            data.seen.pictures.rows(row..<row + 1).values, channels: shape[1], width: shape[3], height: shape[2],
            range: 0...255, label: label, answer: answer)
    }
}
