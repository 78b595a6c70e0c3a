import CoupletFiles
import CoupletText

/// The progress of a trial.
public enum TrialStatus: String, CaseIterable, Sendable {
    /// Not started.
    case waiting
    /// Started and not finished: in training, or interrupted together with the sweep.
    case running
    /// Trained to its last step and evaluated.
    case done
    /// Stopped by successive halving before its last step.
    case dropped
    /// Stopped by median pruning before its last step.
    case pruned
    /// Without a valid config, or ended by an error; the reason says which.
    case failed
}

/// A trial in the table of a sweep.
public struct SweepRow: Equatable, Sendable {
    public let trial: String
    public let status: TrialStatus
    /// The varied values in the order of the table's keys, as a config has them, texts without quotes; empty for a key
    /// that does not apply to the trial.
    public let values: [String]
    /// Nil if the trial has no metric yet or has failed.
    public let metric: Double?
    /// The digest of the last evaluated checkpoint; empty if there is none.
    public let digest: String
    /// The step of that checkpoint; nil if there is none.
    public let steps: Int?
    /// Seconds spent on the trial; nil if it has not started.
    public let seconds: Double?
    /// Why the trial failed, or was pruned; empty otherwise.
    public let reason: String
    /// The pairs that the metric is of; nil if there is no metric, or if an earlier version wrote the table.
    public let chosenOn: MetricOrigin?
    /// The metric of the test pairs; nil if it is not known.
    public let test: Double?

    package init(
        trial: String, status: TrialStatus, values: [String], metric: Double?, chosenOn: MetricOrigin? = nil,
        test: Double? = nil, digest: String, steps: Int?, seconds: Double?, reason: String
    ) {
        (self.trial, self.status, self.values, self.metric) = (trial, status, values, metric)
        (self.chosenOn, self.test) = (chosenOn, test)
        (self.digest, self.steps, self.seconds, self.reason) = (digest, steps, seconds, reason)
    }
}

/// The results of a sweep as in `sweep.csv`: one row per trial, in the order of the trials.
///
/// The columns are trial, status, the varied keys, the metric, digest, steps, seconds, reason, chosen_on (the pairs
/// that the metric is of) and test.METRIC (the metric of the test pairs). Numbers read back as the same Doubles.
public struct SweepTable: Equatable, Sendable {
    /// The name of the sweep.
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

    // MARK: - As comma-separated values

    /// Reads `sweep.yaml` and `sweep.csv`. The sweep may still be running.
    /// - Throws: `FileError` if the folder holds no sweep or the table is damaged; `ConfigurationError`.
    public init(folder: SweepFolder) throws {
        guard folder.holdsSweep, FileSystem.exists(folder.specification) else {
            throw FileError(
                .inputOutput, at: folder.path, reason: "not a sweep, because it has no sweep.yaml",
                remedy: "a sweep is a folder that couplet sweep writes")
        }
        let specification = try SweepSpecification.load(path: folder.specification)
        let keys = specification.varied.map(\.key), header = Self.header(keys, specification.metric.description)
        let records = CSV.records(try FileSystem.text(at: folder.table))
        let remedy = "couplet sweep --resume writes it again"
        guard let found = records.first, found == header || found == Array(header.dropLast(Self.laterColumns)) else {
            throw FileError(
                .badData, at: folder.table, reason: "its first line is not \(CSV.line(header))", remedy: remedy)
        }
        let rows = try records.dropFirst().enumerated().map { index, cells in
            guard cells.count == found.count, let status = TrialStatus(rawValue: cells[1]) else {
                throw FileError(
                    .badData, at: "\(folder.table):\(index + 2)", reason: "the line is not a row of a trial",
                    remedy: remedy)
            }
            let results = Array(cells[(2 + keys.count)...])
            return SweepRow(
                trial: cells[0], status: status, values: Array(cells[2..<2 + keys.count]), metric: Double(results[0]),
                chosenOn: results.count > 5 ? MetricOrigin(rawValue: results[5]) : nil,
                test: results.count > 6 ? Double(results[6]) : nil,
                digest: results[1], steps: Int(results[2]), seconds: Double(results[3]), reason: results[4])
        }
        self.init(
            name: specification.name, keys: keys, metric: specification.metric.description, goal: specification.goal,
            rows: rows)
    }

    private static func header(_ keys: [String], _ metric: String) -> [String] {
        ["trial", "status"] + keys + [metric, "digest", "steps", "seconds", "reason", "chosen_on", "test.\(metric)"]
    }

    /// Number of columns at the end that tables of earlier versions do not have.
    private static let laterColumns = 2

    /// The table as comma-separated values (RFC 4180, but lines end in a line feed alone).
    public var csv: String {
        let lines = rows.map { row in
            [row.trial, row.status.rawValue] + row.values
                + [
                    row.metric.map { "\($0)" } ?? "", row.digest, row.steps.map(String.init) ?? "",
                    row.seconds.map { "\($0)" } ?? "", row.reason, row.chosenOn?.rawValue ?? "",
                    row.test.map { "\($0)" } ?? "",
                ]
        }
        return ([Self.header(keys, metric)] + lines).map { CSV.line($0) + "\n" }.joined()
    }

    // MARK: - Ranking

    /// The rows of finished trials, the best first. Ties keep the order of the trials.
    public var ranked: [SweepRow] { sorted(.done) }

    /// The rows of trials that halving or median pruning stopped, those with more steps first, then the better ones.
    public var dropped: [SweepRow] { sorted(.dropped, .pruned) }

    private func sorted(_ statuses: TrialStatus...) -> [SweepRow] {
        let chosen = rows.enumerated().filter { statuses.contains($0.element.status) && $0.element.metric != nil }
        return chosen.sorted { a, b in
            let (first, second) = (a.element.metric ?? 0, b.element.metric ?? 0)
            if a.element.steps != b.element.steps, !statuses.contains(.done) {
                return a.element.steps ?? 0 > b.element.steps ?? 0
            }
            return first == second ? a.offset < b.offset : goal.isBetter(first, than: second)
        }.map(\.element)
    }

    // MARK: - Text table

    /// The final output of `couplet sweep`: finished trials, the best first, then dropped and failed trials.
    public var text: String {
        let ranked = self.ranked, dropped = self.dropped, shown = ranked + dropped
        let hasValidation = shown.contains { $0.chosenOn == .validation }
        var table = TextTable()
        table.add(
            ["trial"] + TrialNaming.shortened(keys) + [hasValidation ? "\(metric) (validation)" : metric]
                + (hasValidation ? ["test"] : []) + ["steps", "seconds"])
        for row in shown {
            let number = row.trial.prefix { $0 != "_" }
            table.add(
                [number + (row.status == .done ? "" : ", \(row.status.rawValue)")]
                    + row.values.map { $0.isEmpty ? "-" : $0 } + [
                        row.metric.map { NumberText.significant($0) } ?? "-"
                    ] + (hasValidation ? [row.test.map { NumberText.significant($0) } ?? "-"] : []) + [
                        row.steps.map(String.init) ?? "-",
                        NumberText.fixed(row.seconds, 1),
                    ])
        }
        var text = "\(name): \(ranked.count) of \(rows.count) trials done, the best first\n"
        if !shown.isEmpty { text += table.text() }
        let failed = rows.filter { $0.status == .failed }
        if !failed.isEmpty { text += "failed:\n" + Self.groupedByReason(failed.map { ($0.trial, $0.reason) }) }
        return text
    }

    /// One line per reason, with the trials that have it.
    static func groupedByReason(_ failed: [(trial: String, reason: String)]) -> String {
        var groups: [(reason: String, trials: [String])] = []
        for (trial, reason) in failed {
            if let index = groups.firstIndex(where: { $0.reason == reason }) {
                groups[index].trials.append(trial)
            } else {
                groups.append((reason, [trial]))
            }
        }
        let shownCount = 4
        return groups.map { group in
            let more = group.trials.count > shownCount ? " and \(group.trials.count - shownCount) more" : ""
            return "  \(group.trials.prefix(shownCount).joined(separator: ", "))\(more): \(group.reason)\n"
        }.joined()
    }
}
