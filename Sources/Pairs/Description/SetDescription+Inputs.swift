import CoupletFiles
import CoupletText

/// Inputs of `couplet data import`, as far as they tell something without being converted.
extension SetDescription {
    /// The description of a manifest or of a folder a class.
    /// - Returns: nil for any other file, which must be a set.
    /// - Throws: `DataError` for the other inputs of an import, which are described by their set.
    static func input(_ path: String) throws -> [Section]? {
        if FileSystem.isFolder(path) {
            let names = try Manifest.visible(path)
            guard names.contains(where: { FileSystem.isFolder("\(path)/\($0)") }) else {
                throw becomesSet(path, "is a folder of \(names.count) files, which is one modality of a set")
            }
            return sections(of: try Manifest(classesIn: path), named: path, in: path, BadRows())
        }
        switch path.lowercased().split(separator: ".").last {
        case "csv", "tsv", "tab", "jsonl", "ndjson":
            var bad = BadRows()
            let manifest = try Manifest(path, bad: &bad)
            return sections(of: manifest, named: path, in: FileSystem.folder(of: path), bad)
        case "npy", "npz", "txt": throw becomesSet(path, "is one modality of a set")
        default: return nil
        }
    }

    private static func becomesSet(_ path: String, _ reason: String) -> DataError {
        DataError(
            at: path, reason: reason,
            remedy: "make a set, and describe that: couplet data import --first \(path) --second OTHER --output SET.h5")
    }

    private static func sections(
        of manifest: Manifest, named path: String, in folder: String, _ bad: BadRows
    ) -> [Section] {
        var (sections, bad) = ([Section](), bad)
        let files = Set(manifest.rows.map(\.path)).sorted()
        for row in manifest.rows {
            let file = row.path.hasPrefix("/") ? row.path : "\(folder)/\(row.path)"
            if !FileSystem.exists(file) { bad.add(path, line: row.line, "\(row.path): there is no such file") }
        }
        sections.append(
            (
                "pictures",
                [
                    ("rows", .integer(manifest.total)), ("files", .integer(files.count)),
                    ("bad_rows", .integer(bad.count)),
                ] + bad.list.enumerated().map { ("bad_row_\($0 + 1)", .string($1)) }
            ))
        let captions = manifest.rows.flatMap(\.captions)
        if !captions.isEmpty { sections.append(("texts", describe(captions, of: manifest))) }
        let labels = manifest.rows.compactMap(\.label)
        if !labels.isEmpty {
            let numbers = labels.compactMap { Int($0) }
            sections.append(
                (
                    "labels",
                    numbers.count == labels.count
                        ? describe(labels: numbers) { "\($0)" } : describe(labels: labels) { $0 }
                ))
        }
        let splits = manifest.roles.contains(.split) ? manifest.rows.map { $0.split ?? 0 } : nil
        if manifest.roles.contains(.group) {
            sections.append(("groups", describe(groups: manifest.rows.map(\.group), splits)))
        }
        if let splits { sections.append(("splits", describe(splits: splits))) }
        return sections
    }

    /// Counts and lengths of texts, in words as the tokenizer `words` finds them.
    private static func describe(_ captions: [String], of manifest: Manifest) -> [(String, JSONValue)] {
        var words: Set<String> = []
        let lengths = captions.map { text in
            let found = WordTokenizer.words(of: text)
            words.formUnion(found)
            return found.count
        }.sorted()
        let perPicture = manifest.rows.reduce(into: [String: Int]()) { $0[$1.path, default: 0] += $1.captions.count }
        return [
            ("count", .integer(captions.count)), ("distinct", .integer(Set(captions.map { Array($0.utf8) }).count)),
            ("fewest_per_file", .integer(perPicture.values.min() ?? 0)),
            ("most_per_file", .integer(perPicture.values.max() ?? 0)),
            ("shortest", .integer(lengths[0])), ("median_length", .integer(lengths[(lengths.count - 1) / 2])),
            ("longest", .integer(lengths[lengths.count - 1])), ("words", .integer(words.count)),
        ]
    }
}
