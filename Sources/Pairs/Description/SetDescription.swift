import CoupletStorage
import CoupletText

/// What an HDF5 set of pairs holds: shapes, ranges, missing numbers, duplicates, lengths of texts, vocabulary, labels,
/// groups and splits. Also what a manifest or a folder a class names, before it becomes a set.
public struct SetDescription: Sendable {
    /// A part with its names and values.
    typealias Section = (name: String, items: [(String, JSONValue)])
    private var sections: [Section] = []

    /// Reads all of a set, in blocks; or a manifest or the names in a folder, without the pictures.
    /// - Throws: `FileError` if it cannot be read; `DataError` if a set has no /first and /second, or if its parts do
    ///   not fit together; if the path names neither a set nor what `couplet data import` takes alone.
    public init(_ path: String) throws {
        if let input = try Self.input(path) {
            sections = input
            return
        }
        let file = try HDF5File(reading: path)
        var rows = PerModality(first: 0, second: 0)
        for modality in Modality.allCases {
            let name = "/\(modality.rawValue)"
            guard let dataset = try file.dataset(name) else {
                throw DataError(
                    at: path, reason: "has no \(name)",
                    remedy: "it has \(try file.datasetNames.prefix(8).joined(separator: ", "))")
            }
            rows[modality] = dataset.rows
            sections.append((modality.rawValue, try RowStatistics(modality, dataset, of: file).items))
        }
        let pairs = try Self.pairs(file, rows)
        sections.append(("pairs", try Self.describe(pairs, rows)))
        func column(_ name: String) throws -> [Int]? {
            guard let dataset = try file.dataset(name) else { return nil }
            guard dataset.count == pairs.count else {
                throw DataError(
                    at: "\(path):\(name)", reason: "has \(dataset.count) numbers, but there are \(pairs.count) pairs",
                    remedy: "give one number a pair")
            }
            return try file.readIntegers(name)
        }
        let splits = try column("/split"), groups = try column("/groups")
        if let labels = try column("/labels") {
            sections.append(("labels", Self.describe(labels: labels, try HDF5Source.classNames(file))))
        }
        if let groups { sections.append(("groups", Self.describe(groups: groups, splits))) }
        if let splits { sections.append(("splits", Self.describe(splits: splits, pairs))) }
        var columns: [(String, JSONValue)] = []
        for name in try file.datasetNames(under: "/columns") {
            let values = try file.readStrings(name)
            columns.append((String(name.dropFirst("/columns/".count)), .integer(Set(values).count)))
        }
        if !columns.isEmpty { sections.append(("columns", columns)) }
    }

    /// The rows of each pair.
    private static func pairs(_ file: HDF5File, _ rows: PerModality<Int>) throws -> [(first: Int, second: Int)] {
        guard let dataset = try file.dataset("/pairs") else {
            guard rows.first == rows.second else {
                throw DataError(
                    at: file.path, reason: "/first has \(rows.first) rows and /second \(rows.second), without /pairs",
                    remedy: "row i of one belongs to row i of the other, unless /pairs (N × 2) names the rows of pairs")
            }
            return (0..<rows.first).map { ($0, $0) }
        }
        let location = "\(file.path):/pairs"
        guard dataset.shape.count == 2, dataset.columns == 2 else {
            throw DataError(
                at: location, reason: "has the shape \(dataset.shape)",
                remedy: "give N × 2 integers, a row of /first and one of /second")
        }
        let numbers = try file.readIntegers("/pairs")
        return try stride(from: 0, to: numbers.count, by: 2).map { index in
            let pair = (numbers[index], numbers[index + 1])
            guard (0..<rows.first).contains(pair.0), (0..<rows.second).contains(pair.1) else {
                throw DataError(
                    at: location, reason: "row \(index / 2) names the rows \(pair.0) and \(pair.1)",
                    remedy: "/first has \(rows.first) rows and /second \(rows.second)")
            }
            return pair
        }
    }

    private static func describe(
        _ pairs: [(first: Int, second: Int)], _ rows: PerModality<Int>
    ) throws -> [(String, JSONValue)] {
        var items: [(String, JSONValue)] = [("count", .integer(pairs.count))]
        let distinct = Set(pairs.map { [$0.first, $0.second] }).count
        items.append(("duplicate_pairs", .integer(pairs.count - distinct)))
        for (name, numbers, count) in [
            ("per_first", pairs.map(\.first), rows.first), ("per_second", pairs.map(\.second), rows.second),
        ] {
            var counts = [Int](repeating: 0, count: count)
            for number in numbers { counts[number] += 1 }
            items += [
                ("fewest_\(name)", .integer(counts.min() ?? 0)), ("most_\(name)", .integer(counts.max() ?? 0)),
                ("mean_\(name)", .number(Double(pairs.count) / Double(max(count, 1)))),
            ]
        }
        return items
    }

    /// The most classes that are told one by one.
    private static let longestList = 20

    private static func describe(labels: [Int], _ names: [String]?) -> [(String, JSONValue)] {
        describe(labels: labels) { label in
            names.flatMap { $0.indices.contains(label) ? "\(label) \($0[label])" : nil } ?? "\(label)"
        }
    }

    /// The number of classes, and how often each of the first ones occurs.
    static func describe<Label: Hashable & Comparable>(
        labels: [Label], name: (Label) -> String
    ) -> [(String, JSONValue)] {
        var counts: [Label: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        return [("classes", .integer(counts.count))]
            + counts.keys.sorted().prefix(longestList).map { (name($0), .integer(counts[$0]!)) }
    }

    private static func describe(groups: [Int], _ splits: [Int]?) -> [(String, JSONValue)] {
        describe(groups: groups.map { $0 >= 0 ? $0 : nil }, splits)
    }

    static func describe<Group: Hashable>(groups: [Group?], _ splits: [Int]?) -> [(String, JSONValue)] {
        var counts: [Group: Int] = [:], splitOf: [Group: Int] = [:], divided: Set<Group> = []
        for (row, group) in groups.enumerated() {
            guard let group else { continue }
            counts[group, default: 0] += 1
            guard let splits else { continue }
            if let first = splitOf[group], first != splits[row] { divided.insert(group) }
            splitOf[group] = splits[row]
        }
        return [
            ("count", .integer(counts.count)), ("largest", .integer(counts.values.max() ?? 0)),
            ("pairs_without_group", .integer(groups.count { $0 == nil })),
            ("divided_by_splits", .integer(divided.count)),
        ]
    }

    private static func describe(splits: [Int], _ pairs: [(first: Int, second: Int)]) -> [(String, JSONValue)] {
        var items = describe(splits: splits)
        let other = splits.count { !(0...2).contains($0) }
        if other > 0 { items.append(("unknown", .integer(other))) }
        // Content that a test sees, and training, too.
        for (name, rows) in [("first", pairs.map(\.first)), ("second", pairs.map(\.second))] {
            let training = Set(zip(splits, rows).filter { $0.0 == 0 }.map { $0.1 })
            let shared = Set(zip(splits, rows).filter { $0.0 != 0 && training.contains($0.1) }.map { $0.1 })
            items.append(("\(name)_rows_in_training_and_others", .integer(shared.count)))
        }
        return items
    }

    static func describe(splits: [Int]) -> [(String, JSONValue)] {
        ["training", "test", "validation"].enumerated().map { code, name in
            (name, .integer(splits.count { $0 == code }))
        }
    }

    public var json: JSONValue { .object(sections.map { ($0.name, .object($0.items)) }) }

    /// The description in lines, a section after another.
    public var text: String {
        sections.map { section in
            let width = section.items.map(\.0.count).max() ?? 0
            let lines = section.items.map { name, value in
                "  " + name.replacing("_", with: " ") + String(repeating: " ", count: width - name.count + 2)
                    + Self.text(value)
            }
            return ([section.name] + lines).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .array(let values): values.map(text).joined(separator: " × ")
        case .number(let number): NumberText.significant(number)
        default: value.text
        }
    }
}
