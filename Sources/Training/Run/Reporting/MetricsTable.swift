import CoupletFiles
import CoupletText

/// The file `metrics.csv` of a run: `metrics.jsonl` as a table for spreadsheets and pandas, one row for each step that
/// was logged or evaluated.
///
/// The columns of logged steps come first and are always there. Those of evaluations, such as
/// `held_out.retrieval.recall_at_1`, follow in the order in which they first appear; the table is then written anew.
/// A cell is empty if the step has no such number, or if the number is not finite.
package struct MetricsTable {
    /// The columns of a logged step, as in `MetricsRecord`.
    private static let loggedColumns = [
        "step", "loss", "learning_rate", "gradient_norm", "temperature", "pairs_per_second", "seconds",
    ]

    private let path: String
    /// Path of `metrics.jsonl`, which has all records.
    private let metrics: String
    private var columns: [String]
    private var columnIndices: [String: Int]
    private var file: AppendedFile
    /// The last row and the bytes before it in the file; nil if there is none.
    private var last: (step: Int, cells: [String], offset: Int)?
    private var length: Int

    /// Writes the table of the records in `metrics.jsonl`.
    /// - Throws: `FileError(.inputOutput)`.
    package init(path: String, metrics: String) throws {
        var columns = Self.loggedColumns
        var columnIndices = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
        var rows: [(step: Int, cells: [Int: String])] = []
        let lines = FileSystem.exists(metrics) ? try FileSystem.text(at: metrics).split(separator: "\n") : []
        for line in lines {
            guard let value = JSONValue(text: line), let record = Record(value) else { continue }
            if rows.last?.step != record.step { rows.append((record.step, [:])) }
            for (name, text) in record.cells {
                if columnIndices[name] == nil {
                    columnIndices[name] = columns.count
                    columns.append(name)
                }
                if let column = columnIndices[name], rows[rows.count - 1].cells[column] == nil {
                    rows[rows.count - 1].cells[column] = text
                }
            }
        }
        var text = Self.line(columns)
        for row in rows {
            let cells = columns.indices.map { row.cells[$0] ?? "" }
            last = (row.step, cells, text.count)
            text += Self.line(cells)
        }
        try DurableFile.replace(path, with: text)
        file = try AppendedFile(path)
        length = text.count
        (self.path, self.metrics, self.columns, self.columnIndices) = (path, metrics, columns, columnIndices)
    }

    /// Adds a record that `metrics.jsonl` has already. A record of the same step as the last row completes that row.
    /// - Throws: `FileError(.inputOutput)`, for example because the disk is full.
    package mutating func append(_ value: JSONValue) throws {
        guard let record = Record(value) else { return }
        guard record.cells.allSatisfy({ columnIndices[$0.name] != nil }) else {
            self = try MetricsTable(path: path, metrics: metrics)
            return
        }
        var (cells, offset) = ([String](repeating: "", count: columns.count), length)
        if let last, last.step == record.step {
            (cells, offset) = (last.cells, last.offset)
            try file.truncate(to: offset)
        }
        for (name, text) in record.cells {
            if let column = columnIndices[name], cells[column].isEmpty { cells[column] = text }
        }
        let line = Self.line(cells)
        try file.append(line)
        (last, length) = ((record.step, cells, offset), offset + line.count)
    }

    private static func line(_ cells: [String]) -> [UInt8] { Array((CSV.line(cells) + "\n").utf8) }

    /// The cells of a line of `metrics.jsonl`.
    private struct Record {
        let step: Int
        let cells: [(name: String, text: String)]

        /// Nil if the value is no record.
        init?(_ value: JSONValue) {
            guard let step = value["step"]?.integer else { return nil }
            self.step = step
            var numbers = value.numbersByPath()
            if let evaluation = value["evaluation"] {
                let split = value["split"]?.string ?? "evaluation"
                numbers = numbers.filter { !$0.path.hasPrefix("evaluation.") } + evaluation.numbersByPath("\(split)")
            }
            cells = numbers.compactMap { path, value in value == .null ? nil : (path, value.text) }
        }
    }
}
