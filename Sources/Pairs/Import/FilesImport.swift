import CoupletFiles
import CoupletImages

/// Makes a set from two inputs, whose rows are pairs in their order.
struct FilesImport {
    private let names: PerModality<String>
    private let options: DataImport
    private let like: LikeSet?
    private let scratch: String

    init(_ first: String, _ second: String, _ options: DataImport, _ like: LikeSet?, scratch: String) {
        names = PerModality(first: first, second: second)
        (self.options, self.like, self.scratch) = (options, like, scratch)
    }

    /// What an input is.
    private enum Kind {
        case pictures, texts, numbers

        init(_ name: String) throws {
            if FileSystem.isFolder(name) {
                self = .pictures
            } else if NumberFile.isName(name) {
                self = .numbers
            } else if name.lowercased().hasSuffix(".txt") {
                self = .texts
            } else {
                throw DataError(
                    at: name, reason: "its name does not tell what it is",
                    remedy: "wanted a folder of pictures, texts (.txt, one a line), or numbers (.npy, .npz, .csv, .tsv)"
                )
            }
        }
    }

    /// An input that has been read as far as its rows can be counted.
    private struct Input {
        let kind: Kind
        /// The number of rows, with bad ones.
        var count = 0
        /// Rows that cannot be used.
        var badRows: Set<Int> = []
        /// The texts; those of bad rows are empty.
        var texts: [String] = []
        /// The paths of pictures.
        var files: [PictureRows.File] = []
        var numbers: ImportedRows?
    }

    func run(output: String) throws -> ImportSummary {
        var bad = BadRows()
        var inputs = try PerModality { try read(names[$0], &bad) }
        guard inputs.first.count == inputs.second.count else {
            let (more, fewer): (Modality, Modality) =
                inputs.first.count > inputs.second.count ? (.first, .second) : (.second, .first)
            let hint =
                inputs[more].kind == .texts && inputs[more].texts.last == "" ? "its last line is empty; remove it" : ""
            throw DataError(
                at: names[more],
                reason: "has \(Manifest.count(inputs[more].count, "row")), but \(names[fewer]) has "
                    + "\(inputs[fewer].count)",
                remedy: hint.isEmpty ? "row i of one belongs to row i of the other: give both as many" : hint)
        }
        let total = inputs.first.count
        var rows = PerModality<ImportedRows?>(first: nil, second: nil), rowNumbers = PerModality { _ in [Int]() }
        var summary = ImportSummary(output: output, bad: bad, total: total)
        for modality in Modality.allCases where inputs[modality].kind != .texts {
            (rows[modality], rowNumbers[modality]) = try numbersOrPictures(&inputs[modality], modality, &bad, &summary)
        }
        // A row of which one side is bad counts once.
        let badRows = inputs.first.badRows.union(inputs.second.badRows)
        try bad.check("\(names.first), \(names.second)", of: total, areSkipped: options.skipsBadRows)
        let used = (0..<total).filter { !badRows.contains($0) }
        guard !used.isEmpty else { throw DataError(at: names.first, reason: "no row is left") }
        for modality in Modality.allCases where inputs[modality].kind == .texts {
            let texts = used.map { inputs[modality].texts[$0] }
            let preparation = try options.textPreparation(modality, texts, isTraining: { _ in true }, like)
            let textRows = try TextRows(texts, preparation, folder: scratch, threads: options.threads)
            summary.add(textRows, of: texts.count)
            rows[modality] = textRows.rows
            rowNumbers[modality] = [Int](repeating: -1, count: total)
            for (row, number) in zip(used, textRows.numbers) { rowNumbers[modality][row] = number }
        }
        var set = ImportedSet(
            first: rows.first!, second: rows.second!,
            pairs: used.map { (rowNumbers.first[$0], rowNumbers.second[$0]) })
        set.groupsFirstRows = inputs.first.kind != .numbers
        summary.bad = bad
        summary.badCount = badRows.count
        try summary.write(set)
        return summary
    }

    private func read(_ name: String, _ bad: inout BadRows) throws -> Input {
        var input = Input(kind: try Kind(name))
        switch input.kind {
        case .texts:
            var reader = try LineReader(name)
            while let line = try reader.next() {
                let text = String(validating: line, as: UTF8.self),
                    problem: String? =
                        switch text {
                        case nil: "holds bytes that are no UTF-8"
                        case let text? where text.allSatisfy(\.isWhitespace): "is empty"
                        case let text? where text.utf8.contains(0): "holds the character U+0000"
                        default: nil
                        }
                if let problem {
                    input.badRows.insert(input.count)
                    bad.add(name, line: reader.number, problem)
                }
                input.texts.append(problem == nil ? text! : "")
                input.count += 1
            }
            if input.count == 0 { throw DataError(at: name, reason: "is empty") }
        case .pictures:
            input.files = try Manifest.visible(name).map {
                PictureRows.File(path: "\(name)/\($0)", name: $0, line: nil)
            }
            input.count = input.files.count
            if input.count == 0 { throw DataError(at: name, reason: "has no files") }
        case .numbers:
            let (rows, badRows) = try NumberFile.read(name, folder: scratch, bad: &bad)
            (input.numbers, input.badRows, input.count) = (rows, badRows, rows.store.count)
        }
        return input
    }

    /// The rows of an input, and the row of each of its samples; -1 for a bad one.
    private func numbersOrPictures(
        _ input: inout Input, _ modality: Modality, _ bad: inout BadRows, _ summary: inout ImportSummary
    ) throws -> (ImportedRows, [Int]) {
        if let numbers = input.numbers { return (numbers, Array(0..<input.count)) }
        let format = try options.pictureFormat(modality, like)
        let (pictures, results) = try PictureRows.read(
            input.files, as: format, folder: scratch, threads: options.threads)
        summary.pictureFiles += input.files.count
        let numbers = results.enumerated().map { row, result in
            switch result {
            case .success(let number): return number
            case .failure(let error):
                input.badRows.insert(row)
                bad.add(names[modality], line: nil, error)
                return -1
            }
        }
        return (pictures, numbers)
    }
}
