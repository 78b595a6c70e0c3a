import CoupletFiles
import CoupletStorage
import CoupletStudies
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// The figures of the emoji study against naive twins.
@Suite struct EmojiFigureTests {
    /// Texts of a few of 12 token ids, with repetitions and with padding at the end.
    private static func tokens(_ count: Int, positions: Int, seed: UInt64) -> Tensor {
        let rows = Tensor([count, positions])
        for row in 0..<count {
            let words = Philox(seed: seed).words(.evaluation, number: UInt64(row))
            let length = 2 + Int(words.x) % (positions - 1)
            for place in 0..<min(length, positions) {
                let word = Philox(seed: seed + 1).words(.evaluation, number: UInt64(row * positions + place)).x
                rows.pointer[row * positions + place] = Float(1 + word % 12)
            }
        }
        return rows
    }

    /// A file of the study, as `couplet data import` writes it.
    private static func write(
        _ path: String, pictures: [[Float]], tokens: Tensor, pairs: [(Int, Int)], split: [Int], languages: [String]
    ) throws {
        try HDF5File.create(path) { file in
            try file.write("/first", Tensor([pictures.count, 1, 1, pictures[0].count], pictures.flatMap { $0 }))
            try file.write("/second", tokens)
            try file.write("/text/second", (0..<tokens.rows).map { "text \($0)" })
            try file.write("/pairs", pairs.flatMap { [$0.0, $0.1] }, shape: [pairs.count, 2])
            try file.write("/split", split, shape: [pairs.count])
            try file.write("/columns/language", languages)
            try file.write("/columns/script", languages.map { $0 == "ru" ? "Cyrillic" : "Latin" })
            try file.write("/columns/kind", pairs.indices.map { $0 % 2 == 0 ? "name" : "keyword" })
        }
    }

    @Test func nearestTextsAgainstANaiveTwin() {
        let known = Self.tokens(30, positions: 9, seed: 3), queries = Self.tokens(12, positions: 9, seed: 8)
        // Text 29 is of no picture, so it does not count as known; picture 6 has no text.
        let pairs = (0..<40).map { (text: $0 * 7 % 29, picture: ($0 * $0 + 3) % 6) }
        let scores = NearestTexts(known, pairs: pairs, pictureCount: 7).scores(queries)

        func terms(_ rows: Tensor, _ row: Int) -> [Int: Double] {
            var counts: [Int: Double] = [:]
            for id in rows.rows(row..<row + 1).values where id > 0 { counts[Int(id), default: 0] += 1 }
            return counts
        }
        let texts = Set(pairs.map(\.text)).sorted()
        func weight(_ term: Int) -> Double {
            let frequency = texts.count { terms(known, $0)[term] != nil }
            return 1 + Foundation.log((1 + Double(texts.count)) / (1 + Double(frequency)))
        }
        func vector(_ counts: [Int: Double]) -> [Double] {
            let values = (0...12).map { (counts[$0] ?? 0) * weight($0) }
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return values.map { $0 / length }
        }
        for query in 0..<queries.rows {
            let wanted = vector(terms(queries, query))
            for picture in 0..<7 {
                let cosines = pairs.filter { $0.picture == picture }.map { pair in
                    zip(wanted, vector(terms(known, pair.text))).reduce(0) { $0 + $1.0 * $1.1 }
                }
                let error = abs(Double(scores.pointer[query * 7 + picture]) - (cosines.max() ?? 0))
                #expect(error <= 1e-5, "query \(query), picture \(picture)")
            }
        }
    }

    @Test func ranksOfTheBestRightAnswer() throws {
        let folder = TemporaryFolder()
        let pictures: [[Float]] = [[1, 2], [3, 4], [5, 6], [7, 8]]
        let tokens = Self.tokens(3, positions: 4, seed: 5)
        let seen = "\(folder.path)/seen.h5", heldOut = "\(folder.path)/languages.h5"
        try Self.write(
            seen, pictures: pictures, tokens: tokens, pairs: [(0, 0), (1, 1), (2, 2), (3, 2)], split: [0, 0, 1, 1],
            languages: ["de", "ru", "de", "ru"])
        // The held-out file has the pictures in another order; text 0 is of pictures 3 and 1 of the gallery.
        try Self.write(
            heldOut, pictures: [pictures[3], pictures[1]], tokens: tokens, pairs: [(0, 0), (1, 0), (1, 1)],
            split: [1, 1, 1], languages: ["de", "ru", "de"])
        let (gallery, file) = (try EmojiPairs(reading: seen), try EmojiPairs(reading: heldOut))
        let rows = try file.rows(in: gallery)
        #expect(rows == [3, 1])
        let queries = EmojiQueries(file, split: 1, rows: rows, galleryCount: 4)
        #expect(
            queries.queries.map(\.picture) == [3, 1, 1] && queries.queries.map(\.answers) == [[1, 3], [1, 3], [1]])

        let scores: [[Float]] = [[0.9, 0.5, 0.4, 0.7], [0.9, 0.8, 0.95, 0.1], [0.2, 0.6, 0.6, 0.6]]
        var row = 0
        func ranks(among candidates: [Int]?) throws -> [Int] {
            row = 0
            return try queries.ranks(among: candidates) { tokens in
                defer { row += tokens.rows }
                return Tensor([tokens.rows, 4], scores[row..<row + tokens.rows].flatMap { $0 })
            }
        }
        // A wrong picture with an equal score counts as before the right one.
        #expect(try ranks(among: nil) == [2, 3, 3])
        #expect(try ranks(among: [1, 3]) == [1, 1, 2])

        // A file of other pictures is refused.
        try Self.write(
            "\(folder.path)/other.h5", pictures: [[9, 9]], tokens: tokens, pairs: [(0, 0)], split: [1],
            languages: ["de"])
        #expect(throws: FileError.self) { try EmojiPairs(reading: "\(folder.path)/other.h5").rows(in: gallery) }

        try EmojiStudy.numberPictures(of: seen)
        try EmojiStudy.numberPictures(of: seen)
        #expect(try HDF5File(reading: seen).readIntegers("/numbers") == [0, 1, 2, 3])
    }

    /// The error of a share whose pictures have one query each is that of a binomial share.
    @Test func bootstrapErrors() {
        let count = 2_000, ranks = (0..<count).map { $0 % 4 == 0 ? 1 : $0 % 4 == 1 ? 7 : 100 }
        let recall = EmojiRecall(ranks: ranks, pictures: Array(0..<count))
        #expect(recall.shares == [0.25, 0.25, 0.5] && recall.queryCount == count && recall.pictureCount == count)
        for (share, error) in zip(recall.shares, recall.errors) {
            let expected = (share * (1 - share) / Double(count)).squareRoot()
            #expect(abs(error / expected - 1) <= 0.12, "\(error), expected \(expected)")
        }
        // Queries of a picture that are right together have the error of fewer queries.
        let grouped = EmojiRecall(
            ranks: (0..<count).map { $0 < count / 4 ? 1 : 100 }, pictures: (0..<count).map { $0 / 20 })
        #expect(abs(grouped.errors[0] / (0.25 * 0.75 / 100).squareRoot() - 1) <= 0.12)
        let empty = EmojiRecall(ranks: [], pictures: [])
        #expect(empty.cells.map(\.text) == ["–", "–", "–"])
    }
}
