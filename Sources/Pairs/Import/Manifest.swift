import CoupletFiles
import CoupletText

/// The rows of a manifest: CSV, TSV, or JSON lines (an object a line). The name of the file says which: .csv, .tsv or
/// .jsonl (.ndjson).
struct Manifest {
    private(set) var rows: [ManifestRow] = []
    /// The roles that it has.
    private(set) var roles: Set<ManifestRole> = []
    /// The number of rows, with those that cannot be used.
    private(set) var total = 0

    /// Reads a manifest. Rows that cannot be used go to `bad`.
    /// - Parameters:
    ///   - columns: columns that have other names than usual.
    ///   - kept: columns to keep.
    /// - Throws: `FileError` if the file cannot be read; `DataError` if it has no such columns or no rows.
    init(
        _ path: String, columns: [ManifestRole: String] = [:], kept: [String] = [], bad: inout BadRows
    ) throws {
        switch path.lowercased().split(separator: ".").last {
        case "csv": try readCells(path, .csv, columns, kept, &bad)
        case "tsv", "tab": try readCells(path, .tsv, columns, kept, &bad)
        case "jsonl", "ndjson": try readObjects(path, columns, kept, &bad)
        default:
            throw DataError(
                at: path, reason: "its name does not tell what it is",
                remedy: "name it .csv (commas), .tsv (tabs) or .jsonl (a JSON object a line)")
        }
        if total == 0 { throw DataError(at: path, reason: "has no rows") }
    }

    /// A manifest made of rows.
    init(rows: [ManifestRow], roles: Set<ManifestRole>) {
        (self.rows, self.roles, total) = (rows, roles, rows.count)
    }

    private mutating func readCells(
        _ path: String, _ format: DelimitedReader.Format, _ columns: [ManifestRole: String], _ kept: [String],
        _ bad: inout BadRows
    ) throws {
        var reader = try DelimitedReader(path, format)
        guard let header = try reader.next() else { throw DataError(at: path, reason: "is empty") }
        if let problem = header.problem { throw DataError(at: "\(path):\(header.line)", reason: problem) }
        let names = header.cells.map { Self.trimmed($0) }
        let layout = try ManifestLayout(names, chosen: columns, kept: kept, at: path)
        roles = Set(layout.columns.keys)
        let indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        while let record = try reader.next() {
            total += 1
            if let problem = record.problem {
                bad.add(path, line: record.line, problem)
            } else if record.cells.count != names.count {
                bad.add(
                    path, line: record.line,
                    "has \(Self.count(record.cells.count, "column")), but the first line has \(names.count)")
            } else {
                append(layout, record.line, path, &bad) { name in indices[name].map { .string(record.cells[$0]) } }
            }
        }
    }

    private mutating func readObjects(
        _ path: String, _ columns: [ManifestRole: String], _ kept: [String], _ bad: inout BadRows
    ) throws {
        var reader = try LineReader(path), layout: ManifestLayout?
        while let line = try reader.next() {
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { continue }
            total += 1
            guard let text = String(validating: line, as: UTF8.self) else {
                bad.add(path, line: reader.number, "holds bytes that are no UTF-8")
                continue
            }
            guard let value = JSONValue(text: text), case .object(let members) = value else {
                bad.add(path, line: reader.number, "is no JSON object")
                continue
            }
            // The first object says which members all have.
            let common =
                try layout
                ?? ManifestLayout(
                    members.map(\.0), chosen: columns, kept: kept, at: "\(path):\(reader.number)")
            layout = common
            roles = Set(common.columns.keys)
            append(common, reader.number, path, &bad) { name in members.first { $0.0 == name }?.1 }
        }
    }

    private mutating func append(
        _ layout: ManifestLayout, _ line: Int, _ path: String, _ bad: inout BadRows, _ value: (String) -> JSONValue?
    ) {
        do {
            rows.append(try layout.row(line: line, value))
        } catch {
            bad.add(path, line: line, "\(error)")
        }
    }

    private static func trimmed(_ name: String) -> String {
        var name = name[...]
        while name.first?.isWhitespace == true { name.removeFirst() }
        while name.last?.isWhitespace == true { name.removeLast() }
        return String(name)
    }

    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

// MARK: - A folder a class

extension Manifest {
    /// The pictures in the folders of a folder; the name of each inner folder is the label of its pictures. Folders and
    /// files are in the order of their names (UTF-8). Hidden files are left out.
    /// - Throws: `FileError` if a folder cannot be read; `DataError` if there are no folders of pictures, or if a
    ///   folder has other files.
    init(classesIn folder: String) throws {
        var rows: [ManifestRow] = []
        for name in try Self.visible(folder) where FileSystem.isFolder("\(folder)/\(name)") {
            for file in try Self.visible("\(folder)/\(name)") {
                rows.append(
                    ManifestRow(
                        line: rows.count + 1, path: "\(name)/\(file)", captions: [], label: name, split: nil,
                        group: nil, columns: []))
            }
        }
        guard !rows.isEmpty else {
            throw DataError(
                at: folder, reason: "has no folders with pictures",
                remedy: "wanted a folder a class: \(folder)/cat/1.jpg, \(folder)/dog/7.png")
        }
        self.init(rows: rows, roles: [.path, .label])
    }

    /// The names in a folder that do not begin with a dot, in the order of their UTF-8.
    static func visible(_ folder: String) throws -> [String] {
        try FileSystem.entries(of: folder).filter { !$0.hasPrefix(".") }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
