import CoupletText

/// What a column of a manifest says about its picture.
public enum ManifestRole: String, CaseIterable, Sendable {
    /// The file of the picture, relative to the folder of the manifest.
    case path
    /// One text.
    case caption
    /// Several texts: a list in JSON.
    case captions
    /// A class: an integer, or a word.
    case label
    /// training, test or validation, or 0, 1 or 2.
    case split
    /// Rows with the same word are the same sample seen again.
    case group

    /// The names of columns that have the role.
    public var columnNames: [String] {
        switch self {
        case .path: ["path", "file", "file_name", "filename", "image"]
        case .caption: ["caption", "text"]
        case .captions: ["captions", "texts"]
        case .label: ["label", "class"]
        case .split: ["split"]
        case .group: ["group"]
        }
    }
}

/// A row of a manifest: a picture and what belongs to it.
struct ManifestRow {
    /// The line of the file on which the row begins, from 1.
    let line: Int
    let path: String
    let captions: [String]
    let label: String?
    /// 0 training, 1 test, 2 validation.
    let split: Int?
    let group: String?
    /// The cells of the columns that the user keeps.
    let columns: [String]
}

/// Why a row cannot be used.
struct ManifestProblem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The columns of a manifest that are read.
struct ManifestLayout {
    /// The name of the column of each role that the manifest has.
    let columns: [ManifestRole: String]
    /// Names of columns to keep.
    let kept: [String]

    /// Finds the columns.
    /// - Parameters:
    ///   - names: all columns.
    ///   - chosen: columns that the user names.
    /// - Throws: `DataError` if a needed column is missing, or if two have one role.
    init(_ names: [String], chosen: [ManifestRole: String], kept: [String], at location: String) throws {
        func missing(_ name: String) -> DataError {
            DataError(
                at: location, reason: "has no column \(name); its columns are \(names.joined(separator: ", "))",
                remedy: NearestNames.guess(name, among: names).map { "did you mean \($0)?" } ?? "correct its name")
        }
        var columns: [ManifestRole: String] = [:]
        for role in ManifestRole.allCases {
            if let name = chosen[role] {
                guard names.contains(name) else { throw missing(name) }
                columns[role] = name
                continue
            }
            let taken = Set(chosen.values)
            let found = names.filter { role.columnNames.contains($0.lowercased()) && !taken.contains($0) }
            if found.count > 1 {
                throw DataError(
                    at: location,
                    reason: "has several columns for the \(role.rawValue): \(found.joined(separator: ", "))",
                    remedy: "name one: --columns \(role.rawValue)=\(found[0])")
            }
            columns[role] = found.first
        }
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw DataError(at: location, reason: "has two columns \(twice)", remedy: "give each a name of its own")
        }
        if columns[.path] == nil, names.allSatisfy({ Double($0) != nil }) {
            throw DataError(
                at: location, reason: "is a table of numbers, not a manifest: its first line has no names of columns",
                remedy: "couplet data import --first FILE --second FILE makes a set of two such tables, which couplet "
                    + "data describe reads")
        }
        guard columns[.path] != nil else {
            throw DataError(
                at: location,
                reason: "has no column for the picture, such as path; its columns are \(names.joined(separator: ", "))",
                remedy: "the first line names the columns; if one has another name: --columns path=NAME")
        }
        guard columns[.caption] != nil || columns[.captions] != nil || columns[.label] != nil else {
            throw DataError(
                at: location,
                reason: "has neither captions nor labels; its columns are \(names.joined(separator: ", "))",
                remedy: "name a column caption, captions or label, or say which is one: --columns caption=NAME")
        }
        if columns[.caption] != nil, columns[.captions] != nil {
            throw DataError(
                at: location, reason: "has both a column of one caption and a column of several",
                remedy: "keep one of them")
        }
        if let unknown = kept.first(where: { !names.contains($0) }) { throw missing(unknown) }
        self.columns = columns
        self.kept = kept
    }

    /// Reads a row.
    /// - Parameter value: the cell of a column; nil if the row has none.
    /// - Throws: `ManifestProblem`.
    func row(line: Int, _ value: (String) -> JSONValue?) throws -> ManifestRow {
        func text(_ role: ManifestRole) throws -> String? {
            guard let column = columns[role] else { return nil }
            let text = try Self.text(value(column), column)
            if text.allSatisfy(\.isWhitespace) { throw ManifestProblem("\(column) is empty") }
            return text
        }
        return ManifestRow(
            line: line, path: try text(.path)!, captions: try captions(value, one: text(.caption)),
            label: try text(.label), split: try text(.split).map(split), group: try text(.group),
            columns: try kept.map { try Self.text(value($0), $0) })
    }

    private func captions(_ value: (String) -> JSONValue?, one: String?) throws -> [String] {
        if let one { return [one] }
        guard let column = columns[.captions] else { return [] }
        var list = value(column)
        // A cell of a CSV file holds the list as text.
        if case .string(let text)? = list { list = JSONValue(text: text) }
        guard case .array(let values)? = list, !values.isEmpty else {
            throw ManifestProblem("\(column) is no list of texts, such as [\"a cat\", \"an animal\"]")
        }
        return try values.map {
            let text = try Self.text($0, column)
            if text.allSatisfy(\.isWhitespace) { throw ManifestProblem("\(column) holds an empty text") }
            return text
        }
    }

    private static func text(_ value: JSONValue?, _ column: String) throws -> String {
        let text: String
        switch value {
        case .string(let string)?: text = string
        case .integer(let number)?: text = "\(number)"
        case .number(let number)?: text = "\(number)"
        case .boolean(let value)?: text = "\(value)"
        case nil, .null?: throw ManifestProblem("\(column) is missing")
        default: throw ManifestProblem("\(column) is neither a text nor a number")
        }
        if text.utf8.contains(0) { throw ManifestProblem("\(column) holds the character U+0000") }
        return text
    }

    private func split(_ text: String) throws -> Int {
        switch text.lowercased() {
        case "0", "training", "train": return 0
        case "1", "test", "held_out", "held-out": return 1
        case "2", "validation", "valid", "val", "dev": return 2
        default:
            throw ManifestProblem(
                "\(columns[.split] ?? "split") is \"\(text)\"; wanted training, test or validation, or 0, 1 or 2")
        }
    }
}
