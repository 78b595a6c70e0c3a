import CoupletFiles
import CoupletText

/// A part of a Multimodal3DIdent set, as its tables and sentences describe it. Pictures are not read here.
struct SceneTables: Sendable {
    /// A factor of the scenes or of the sentences.
    struct Factor: Sendable {
        /// Name and modality in figures: "object_shape".
        let name: String
        let modality: Modality
        let values: [Double]
        /// Number of values 0 … classes - 1 of a discrete factor; nil for a continuous one.
        let classes: Int?
    }

    let count: Int
    let factors: [Factor]
    let texts: [String]
    /// The token ids of each sentence, with that of the end.
    let sentences: [[Int]]

    /// The factors that figures are about, with whether they are discrete (Daunhawer et al. 2023, appendix). The z
    /// position is constant.
    private static var names: [(modality: Modality, file: KeyPath<Files, String>, factors: [(String, Bool)])] {
        [
            (
                .first, \.pictureFactors,
                [
                    ("object_shape", true), ("object_ypos", true), ("object_xpos", true), ("object_alpharot", false),
                    ("object_betarot", false), ("object_gammarot", false), ("spotlight_pos", false),
                    ("object_color", false), ("spotlight_color", false), ("background_color", false),
                ]
            ),
            (
                .second, \.sentenceFactors,
                [
                    ("object_shape", true), ("object_ypos", true), ("object_xpos", true), ("object_color_index", true),
                    ("text_phrasing", true),
                ]
            ),
        ]
    }

    private struct Files {
        let pictureFactors: String, sentenceFactors: String
    }

    /// - Parameter vocabulary: the number of each word.
    /// - Throws: `FileError` if a file cannot be read; `DataError` with the line if a table has a row or column too few
    ///   or too many or a wrong number, or if a sentence has an unknown word.
    init(_ folder: SceneFolder, _ part: SceneFolder.Part, vocabulary: [String: Int]) throws {
        let files = Files(
            pictureFactors: folder.pictureFactors(part), sentenceFactors: folder.sentenceFactors(part))
        var factors: [Factor] = [], rows: Int?
        for (modality, file, names) in Self.names {
            let path = files[keyPath: file], columns = try Self.columns(names.map(\.0), of: path)
            if let rows, rows != columns[0].count {
                throw DataError(
                    at: path, reason: "has \(columns[0].count) rows, but \(files.pictureFactors) has \(rows)",
                    remedy: "both tables have a row for each picture")
            }
            rows = columns[0].count
            for ((name, isDiscrete), values) in zip(names, columns) {
                factors.append(
                    Factor(
                        name: name, modality: modality, values: values,
                        classes: isDiscrete ? try Self.classes(values, name, path) : nil))
            }
        }
        self.factors = factors
        count = rows ?? 0
        let path = folder.sentences(part), lines = try Self.lines(of: path)
        texts = lines
        sentences = try lines.enumerated().map { index, line in
            try SceneSentences.words(line).map { word in
                guard let number = vocabulary[word], word != SceneSentences.padding else {
                    throw DataError(
                        at: "\(path):\(index + 1)",
                        reason: "has the word \(word), which is not in \(folder.vocabulary)",
                        remedy: "correct the line, or give the vocabulary of these sentences")
                }
                return number
            } + [vocabulary[SceneSentences.end] ?? 1]
        }
        guard sentences.count == count else {
            throw DataError(
                at: path, reason: "has \(sentences.count) lines, but \(files.pictureFactors) has \(count) rows",
                remedy: "write one sentence a line for each picture")
        }
    }

    /// The lines of a file, without empty ones at the end.
    /// - Throws: `FileError` if the file cannot be read or is no UTF-8.
    static func lines(of path: String) throws -> [String] {
        var lines = try LineReader.texts(of: path)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Reads columns of a CSV table by their names.
    private static func columns(_ names: [String], of path: String) throws -> [[Double]] {
        var reader = try DelimitedReader(path, .csv)
        guard let header = try reader.next() else { throw DataError(at: path, reason: "is empty") }
        let indices = try names.map { name in
            guard let index = header.cells.firstIndex(of: name) else {
                throw DataError(
                    at: "\(path):\(header.line)",
                    reason: "has no column \(name); its columns are \(header.cells.joined(separator: ", "))")
            }
            return index
        }
        var columns = names.map { _ in [Double]() }
        while let record = try reader.next() {
            let location = "\(path):\(record.line)"
            if let problem = record.problem { throw DataError(at: location, reason: problem) }
            guard record.cells.count == header.cells.count else {
                throw DataError(
                    at: location,
                    reason: "has \(record.cells.count) columns, but the first line has \(header.cells.count)")
            }
            for (column, index) in indices.enumerated() {
                guard let value = Double(record.cells[index]), value.isFinite else {
                    throw DataError(
                        at: location, reason: "\(names[column]) is \"\(record.cells[index])\", which is no number")
                }
                columns[column].append(value)
            }
        }
        guard !columns[0].isEmpty else { throw DataError(at: path, reason: "has no rows") }
        return columns
    }

    /// The largest number of values of a discrete factor.
    private static let mostClasses = 1 << 16

    /// The number of values of a discrete factor.
    private static func classes(_ values: [Double], _ name: String, _ path: String) throws -> Int {
        let limit = Double(mostClasses)
        if let row = values.firstIndex(where: { !($0 >= 0 && $0 < limit && $0 == $0.rounded(.down)) }) {
            throw DataError(
                at: path, reason: "\(name) is \(values[row]) in row \(row + 1) after the first line",
                remedy: "its values are the whole numbers from 0")
        }
        return Int(values.max() ?? 0) + 1
    }
}
