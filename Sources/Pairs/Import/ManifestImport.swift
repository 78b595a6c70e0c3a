import CoupletFiles
import CoupletImages

/// Makes a set from the rows of a manifest. Each caption of a row is a pair with its picture; a row without captions is
/// a pair of picture and label.
struct ManifestImport {
    private let manifest: Manifest
    /// The manifest, or the folder of classes.
    private let name: String
    /// The folder to which paths are relative.
    private let folder: String
    private let options: DataImport
    private let like: LikeSet?
    private let scratch: String
    private var bad: BadRows
    /// Whether messages name the lines of rows.
    private let namesLines: Bool

    init(
        _ manifest: Manifest, named name: String, folder: String, _ options: DataImport, _ like: LikeSet?,
        scratch: String, bad: BadRows, namesLines: Bool = true
    ) {
        (self.manifest, self.name, self.folder, self.options) = (manifest, name, folder, options)
        (self.like, self.scratch, self.bad, self.namesLines) = (like, scratch, bad, namesLines)
    }

    /// A row whose picture is stored.
    private struct Row {
        let row: ManifestRow
        let picture: Int, group: Int
    }

    consuming func run(output: String) throws -> ImportSummary {
        let format = try options.pictureFormat(.first, like)
        let (pictures, rows) = try pictureRows(format)
        try bad.check(name, of: manifest.total, areSkipped: options.skipsBadRows)

        let hasCaptions = manifest.roles.contains(.caption) || manifest.roles.contains(.captions)
        let labels = LabelNumbers(rows.compactMap(\.row.label), classes: like?.classes)
        var set: ImportedSet, summary = ImportSummary(output: output, bad: bad, total: manifest.total)
        // The row of each pair.
        let sources: [Row]
        if hasCaptions {
            sources = rows.flatMap { row in row.row.captions.map { _ in row } }
            let texts = rows.flatMap(\.row.captions)
            let preparation = try options.textPreparation(
                .second, texts, isTraining: { (sources[$0].row.split ?? 0) == 0 }, like)
            let textRows = try TextRows(texts, preparation, folder: scratch, threads: options.threads)
            summary.add(textRows, of: texts.count)
            set = ImportedSet(
                first: pictures, second: textRows.rows,
                pairs: zip(sources, textRows.numbers).map { ($0.picture, $1) })
        } else {
            sources = rows
            let (second, numbers) = try labels.rows(of: rows.map { $0.row.label! }, in: scratch)
            set = ImportedSet(
                first: pictures, second: second, pairs: zip(sources, numbers).map { ($0.picture, $1) })
        }
        if manifest.roles.contains(.label) {
            set.labels = sources.map { labels.number(of: $0.row.label!) }
            set.classes = labels.words
        }
        if manifest.roles.contains(.split) { set.splits = sources.map { $0.row.split! } }
        if manifest.roles.contains(.group) { set.groups = sources.map(\.group) } else { set.groupsFirstRows = true }
        for (index, column) in options.keptColumns.enumerated() {
            set.columns.append((column, sources.map { $0.row.columns[index] }))
        }
        summary.pictureFiles = Set(rows.map(\.row.path)).count
        try summary.write(set)
        return summary
    }

    /// Decodes the pictures, and finds the rows that can be used.
    private mutating func pictureRows(_ format: PictureFormat) throws -> (ImportedRows, [Row]) {
        var files: [PictureRows.File] = [], fileNumbers: [String: Int] = [:]
        let known = like?.classes.map { Set($0) }
        let candidates = manifest.rows.filter { row in
            guard let label = row.label, let known, !known.contains(label) else { return true }
            bad.add(name, line: line(row), "\(row.path): the class \(label) is not one of \(like!.path)")
            return false
        }
        let numbers = candidates.map { row in
            if let number = fileNumbers[row.path] { return number }
            fileNumbers[row.path] = files.count
            let path = row.path.hasPrefix("/") || folder == "." ? row.path : "\(folder)/\(row.path)"
            files.append(PictureRows.File(path: path, name: row.path, line: row.line))
            return files.count - 1
        }
        let (pictures, results) = try PictureRows.read(
            files, as: format, folder: scratch, threads: options.threads)
        var rows: [Row] = [], groupNumbers: [String: Int] = [:]
        // The first row of each group, which says its split.
        var firstRows: [Int: ManifestRow] = [:]
        for (row, number) in zip(candidates, numbers) {
            let picture: Int
            switch results[number] {
            case .success(let index): picture = index
            case .failure(let error):
                bad.add(name, line: line(row), error)
                continue
            }
            var group = picture
            if let word = row.group {
                group = groupNumbers[word] ?? groupNumbers.count
                groupNumbers[word] = group
            }
            if let first = firstRows[group], first.split != row.split {
                let what =
                    row.group.map { "line \(first.line) of the group \($0)" } ?? "line \(first.line), which has"
                    + (first.path == row.path ? " the same picture," : " an equal picture (\(first.path)),")
                bad.add(
                    name, line: line(row),
                    "\(row.path) is \(Self.name(ofSplit: row.split)), but \(what) is \(Self.name(ofSplit: first.split))"
                        + ": a group cannot be divided")
                continue
            }
            if firstRows[group] == nil { firstRows[group] = row }
            rows.append(Row(row: row, picture: picture, group: group))
        }
        return (pictures, rows)
    }

    private func line(_ row: ManifestRow) -> Int? { namesLines ? row.line : nil }

    static func name(ofSplit split: Int?) -> String { ["training", "test", "validation"][split ?? 0] }
}

/// Labels as integers. Words are numbered in the order of their UTF-8, unless a set says their order.
private struct LabelNumbers {
    /// The words, in the order of their numbers; nil if all labels are integers.
    let words: [String]?
    private let numbers: [String: Int]

    /// - Parameter classes: the words of another set, in their order.
    init(_ labels: [String], classes: [String]?) {
        let distinct = Set(labels)
        if classes == nil, distinct.allSatisfy({ Int($0) != nil }) {
            words = nil
            numbers = Dictionary(uniqueKeysWithValues: distinct.map { ($0, Int($0)!) })
            return
        }
        let words = classes ?? distinct.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.words = words
        numbers = Dictionary(words.enumerated().map { ($1, $0) }) { first, _ in first }
    }

    func number(of label: String) -> Int { numbers[label]! }

    /// The distinct numbers as rows, ascending, and the row of each label.
    func rows(of labels: [String], in folder: String) throws -> (rows: ImportedRows, numbers: [Int]) {
        let store = RowStore(in: folder, rowBytes: 8, isDistinct: true)
        for number in Set(labels.map(number)).sorted() {
            _ = try withUnsafeBytes(of: Int64(number)) { try store.append($0) }
        }
        let rowNumbers = try labels.map { label in
            try withUnsafeBytes(of: Int64(number(of: label))) { try store.append($0) }
        }
        return (ImportedRows(store: store, shape: [], type: .int64), rowNumbers)
    }
}
