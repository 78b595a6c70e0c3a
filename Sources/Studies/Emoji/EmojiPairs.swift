import CoupletFiles
import CoupletStorage
import CoupletTensors

/// The pairs of a file of the emoji study: what `couplet data import` makes of a manifest of
/// `configs/studies/emoji/data.py`.
package struct EmojiPairs: Sendable {
    /// One picture with one of its texts.
    struct Pair: Sendable {
        /// Row of `pictures`.
        let picture: Int
        /// Row of `tokens` and of `texts`.
        let text: Int
        /// 0 training, 1 test, 2 validation.
        let split: Int
        let language: String
        let script: String
        /// "name" or "keyword".
        let kind: String
    }

    /// The datasets of the manifest's columns, which `couplet data import --keep language,script,kind` keeps.
    private static let columns = ["language", "script", "kind"].map { "/columns/\($0)" }

    let path: String
    /// The distinct pictures, M × channels × height × width, as numbers from 0 to 255.
    let pictures: Tensor
    /// Token ids of the distinct texts, K × positions.
    let tokens: Tensor
    let texts: [String]
    let pairs: [Pair]

    /// - Throws: `FileError` if the file is missing, damaged or of another study.
    package init(reading path: String) throws {
        let file = try HDF5File(reading: path)
        self.path = path
        pictures = try file.readFloats("/first")
        tokens = try file.readFloats("/second")
        texts = try file.readStrings("/text/second")
        let rows = try file.readIntegers("/pairs"), splits = try file.readIntegers("/split")
        let columns = try Self.columns.map { try file.readStrings($0) }
        guard texts.count == tokens.rows, rows.count == 2 * splits.count,
            columns.allSatisfy({ $0.count == splits.count })
        else {
            throw FileError(
                .badData, at: path,
                reason: "\(tokens.rows) rows of tokens with \(texts.count) texts; \(rows.count / 2) pairs with "
                    + "\(splits.count) splits and columns of \(columns.map(\.count)) rows",
                remedy: "launch/reproduce emoji makes the file")
        }
        pairs = splits.indices.map {
            Pair(
                picture: rows[2 * $0], text: rows[2 * $0 + 1], split: splits[$0], language: columns[0][$0],
                script: columns[1][$0], kind: columns[2][$0])
        }
        let (pictureRows, textRows) = (pictures.rows, tokens.rows)
        if let wrong = pairs.firstIndex(where: {
            !(0..<pictureRows).contains($0.picture) || !(0..<textRows).contains($0.text)
        }) {
            throw FileError(
                .badData, at: "\(path):/pairs",
                reason: "pair \(wrong) names row \(pairs[wrong].picture) of \(pictureRows) pictures and row "
                    + "\(pairs[wrong].text) of \(textRows) texts")
        }
    }

    /// Row of a gallery's pictures that is equal to each picture of this file.
    /// - Throws: `FileError` if the gallery lacks a picture.
    package func rows(in gallery: EmojiPairs) throws -> [Int] {
        var numbers: [[Float]: Int] = [:]
        for row in 0..<gallery.pictures.rows {
            let pixels = gallery.pictures.rows(row..<row + 1).values
            if numbers[pixels] == nil { numbers[pixels] = row }
        }
        return try (0..<pictures.rows).map { row in
            guard let number = numbers[pictures.rows(row..<row + 1).values] else {
                throw FileError(
                    .badData, at: path, reason: "picture \(row) is not among the pictures of \(gallery.path)",
                    remedy: "import both manifests of configs/studies/emoji/data.py, the second one with --like")
            }
            return number
        }
    }
}

extension EmojiStudy {
    /// Adds the dataset /numbers to a file with pictures: the number of each row of /first. If the dataset exists, the
    /// file stays as it is.
    /// - Throws: `FileError` if the file is missing or damaged, or cannot be written.
    public static func numberPictures(of path: String) throws {
        let name = "/numbers"
        guard let pictures = try HDF5File(reading: path).dataset("/first") else {
            throw FileError(.badData, at: "\(path):/first", reason: "there is no such dataset")
        }
        if try HDF5File(reading: path).dataset(name) != nil { return }
        let file = try HDF5File(modifying: path)
        try file.write(name, Array(0..<pictures.rows), shape: [pictures.rows])
        try file.close()
    }
}
