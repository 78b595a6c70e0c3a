import Storage
import Sweeps
import Training

/// What a sweep's folder tells: its table, and the folders of its trials.
public struct SweepRecord: Sendable {
    public struct Trial: Sendable {
        public let name: String
        public let status: String
        /// As text, one for each varied key.
        public let values: [String]
        /// nil where the trial has none, or none that is a number.
        public let metric: Double?
        public let digest: String
        public let steps: String
        public let seconds: Double?
        /// Why it failed.
        public let reason: String

        /// Trained to its last step and evaluated.
        public var isDone: Bool { status == "done" && metric != nil }
        public var hasFailed: Bool { status == "failed" }
    }

    public let folder: SweepFolder
    public internal(set) var name: String
    /// The dotted keys that vary.
    public let keys: [String]
    /// A path into evaluation.json.
    public let metric: String
    /// Whether small metrics are the good ones.
    public let minimizes: Bool
    /// In the order of the table.
    public let trials: [Trial]
    /// `sweep.yaml`.
    public let specification: String?
    public let notes: [String]

    /// Reads a sweep's folder.
    /// - Throws: `StorageError`: `.inputOutput` where the system refuses a file, `.badData` where sweep.csv is no table of trials.
    public init(reading path: String) throws {
        folder = SweepFolder(path: RunFolder(path: path).path)
        name = folder.path
        specification = try TextFile.text(at: folder.specification)
        var notes: [String] = []
        let settings = try? specification.map { try ConfigurationSettings(yaml: $0, name: "sweep.yaml") }
        if specification != nil, settings == nil { notes.append("sweep.yaml is no YAML") }
        let rows = try TextFile.text(at: folder.table).map(DelimitedText.rows) ?? []
        guard let header = rows.first else {
            (keys, metric, trials) = ([], settings?["metric"] ?? "", [])
            minimizes = settings?["goal"] != "maximize"
            self.notes = notes + ["no trial in sweep.csv yet"]
            return
        }
        // trial, status, the varied keys, the metric, digest, steps, seconds, reason
        guard header.count >= 7, header.starts(with: ["trial", "status"]), header.suffix(4) == ["digest", "steps", "seconds", "reason"] else {
            throw StorageError(
                .badData, place: folder.table,
                reason: "wanted the columns trial, status, the varied keys, the metric, digest, steps, seconds, reason; found "
                    + header.joined(separator: ", "),
                remedy: "couplet sweep --resume writes the table again")
        }
        keys = Array(header[2..<(header.count - 5)])
        metric = header[header.count - 5]
        minimizes = settings?["goal"] != "maximize"
        trials = rows.dropFirst().filter { $0.count == header.count }.map { row in
            Trial(
                name: row[0], status: row[1], values: Array(row[2..<(row.count - 5)]),
                metric: Double(row[row.count - 5]).flatMap { $0.isFinite ? $0 : nil }, digest: row[row.count - 4], steps: row[row.count - 3],
                seconds: Double(row[row.count - 2]), reason: row[row.count - 1])
        }
        let damaged = rows.count - 1 - trials.count
        if damaged > 0 { notes.append("sweep.csv: \(damaged) damaged line\(damaged == 1 ? "" : "s") skipped") }
        self.notes = notes
    }

    /// The trials that are done, the best first.
    public var ranked: [Trial] {
        trials.enumerated().filter { $0.element.isDone }.sorted { a, b in
            guard let first = a.element.metric, let second = b.element.metric, first != second else { return a.offset < b.offset }
            return (first < second) == minimizes
        }.map(\.element)
    }

    public var failed: [Trial] { trials.filter(\.hasFailed) }

    /// The shortest ends of the keys that still tell them apart: `learning_rate` for `optimizer.learning_rate`.
    public var shortKeys: [String] {
        let parts = keys.map { $0.split(separator: ".").map(String.init) }
        return keys.indices.map { index in
            for count in 1...max(1, parts[index].count) {
                let end = parts[index].suffix(count)
                if parts.indices.allSatisfy({ $0 == index || parts[$0].suffix(count) != end }) { return end.joined(separator: ".") }
            }
            return keys[index]
        }
    }
}
