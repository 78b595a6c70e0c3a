import CoupletFiles
import CoupletText

/// A sweep's results, as `sweep.csv` has them: a row a trial, in the order of the trials. The columns are trial, status, the varied keys, the
/// metric, digest, steps, seconds, reason. Numbers read back as the same Doubles.
public struct SweepTable: Equatable, Sendable {
    /// The sweep's.
    public let name: String
    /// The varied keys, with their blocks.
    public let keys: [String]
    /// The path of the metric, such as `gaussian.coupling_error`.
    public let metric: String
    public let goal: SweepSpecification.Goal
    public var rows: [SweepRow]

    package init(name: String, keys: [String], metric: String, goal: SweepSpecification.Goal, rows: [SweepRow]) {
        (self.name, self.keys, self.metric, self.goal, self.rows) = (name, keys, metric, goal, rows)
    }

    /// Reads `sweep.yaml` and `sweep.csv`, while the sweep runs too.
    /// - Throws: `FileError` where this is no sweep's folder, or the table is damaged; `ConfigurationError`.
    public init(folder: SweepFolder) throws {
        guard folder.holdsSweep, FileSystem.exists(folder.specification) else {
            throw FileError(
                .inputOutput, place: folder.path, reason: "no sweep, for it has no sweep.yaml",
                remedy: "a sweep is the folder that couplet sweep writes")
        }
        let specification = try SweepSpecification.load(path: folder.specification)
        let keys = specification.varied.map(\.key), header = Self.header(keys, specification.metric.description)
        let lines = CSV.records(try FileSystem.text(at: folder.table))
        guard lines.first == header else {
            throw FileError(
                .badData, place: folder.table, reason: "its first line is not \(CSV.line(header))",
                remedy: "couplet sweep --resume writes it anew")
        }
        let rows = try lines.dropFirst().enumerated().map { index, cells in
            guard cells.count == header.count, let status = TrialStatus(rawValue: cells[1]) else {
                throw FileError(
                    .badData, place: "\(folder.table):\(index + 2)", reason: "is no row of a trial",
                    remedy: "couplet sweep --resume writes it anew")
            }
            let rest = cells[(2 + keys.count)...].map { $0 }
            return SweepRow(
                trial: cells[0], status: status, values: Array(cells[2..<2 + keys.count]), metric: Double(rest[0]),
                digest: rest[1],
                steps: Int(rest[2]), seconds: Double(rest[3]), reason: rest[4])
        }
        self.init(
            name: specification.name, keys: keys, metric: specification.metric.description, goal: specification.goal,
            rows: rows)
    }

    private static func header(_ keys: [String], _ metric: String) -> [String] {
        ["trial", "status"] + keys + [metric, "digest", "steps", "seconds", "reason"]
    }

    /// The table as a text of comma-separated values (RFC 4180, with a line feed alone).
    public var csv: String {
        let lines = rows.map { row in
            [row.trial, row.status.rawValue] + row.values
                + [
                    row.metric.map { "\($0)" } ?? "", row.digest, row.steps.map(String.init) ?? "",
                    row.seconds.map { "\($0)" } ?? "", row.reason,
                ]
        }
        return ([Self.header(keys, metric)] + lines).map { CSV.line($0) + "\n" }.joined()
    }

    /// The rows that are done, the best first; equal ones in the order of the trials.
    public var ranked: [SweepRow] { sorted(.done) }

    /// The rows that halving left, those that came farther first, then the better ones.
    public var dropped: [SweepRow] { sorted(.dropped) }

    private func sorted(_ status: TrialStatus) -> [SweepRow] {
        let chosen = rows.enumerated().filter { $0.element.status == status && $0.element.metric != nil }
        return chosen.sorted { a, b in
            let (first, second) = (a.element.metric ?? 0, b.element.metric ?? 0)
            if a.element.steps != b.element.steps, status == .dropped {
                return a.element.steps ?? 0 > b.element.steps ?? 0
            }
            return first == second ? a.offset < b.offset : goal.isBetter(first, than: second)
        }.map(\.element)
    }
}
