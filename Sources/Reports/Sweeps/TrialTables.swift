import CoupletSweeps
import CoupletText

/// The trials of a sweep in tables: those that finished, the best first; those that halving or median pruning stopped;
/// those that run; and those that failed, with the reason. A row links to the page of its trial.
struct TrialTables {
    private let sweep: SweepRecord
    private let curves: TrialCurves
    private let links: RunLinks

    /// Largest number of rows of a table; `sweep.csv` has all rows.
    static let maximumRows = 100

    init(_ sweep: SweepRecord, _ curves: TrialCurves, links: RunLinks) {
        self.sweep = sweep
        self.curves = curves
        self.links = links
    }

    /// The trials that the tables show, which have pages of their own.
    static func shown(_ sweep: SweepRecord) -> [SweepRow] {
        let others = (unranked.map(\.status) + [.failed]).map { trials(sweep, $0) }
        return ([sweep.ranked] + others).flatMap { $0.prefix(maximumRows) }
    }

    /// The tables below that of the ranked trials, but for the failed ones.
    private static let unranked: [(status: TrialStatus, title: String)] = [
        (.dropped, "Stopped by halving before their last step"),
        (.pruned, "Stopped by median pruning before their last step"),
        (.running, "Running"),
    ]

    private static func trials(_ sweep: SweepRecord, _ status: TrialStatus) -> [SweepRow] {
        sweep.trials.filter { $0.status == status }
    }

    @PageBuilder var content: [any PageContent] {
        let ranked = sweep.ranked, failed = Self.trials(sweep, .failed)
        if ranked.isEmpty { Paragraph("No trial is done yet.", .remark) }
        if !ranked.isEmpty {
            table(ranked, isRanked: sweep.noBestReason == nil)
            more(ranked, "The best \(Self.maximumRows)")
        }
        for (status, title) in Self.unranked {
            let trials = Self.trials(sweep, status)
            if !trials.isEmpty {
                Section(title) {
                    table(trials)
                    more(trials, "The first \(Self.maximumRows)")
                }
            }
        }
        if !failed.isEmpty {
            Section("Failed trials") {
                DataTable(
                    columns: ["trial"] + keyColumns + ["reason"],
                    rows: failed.prefix(Self.maximumRows).map { trial in
                        [name(trial)] + trial.values.map { DataTable.Cell($0) } + [
                            DataTable.Cell(trial.reason.isEmpty ? "–" : trial.reason)
                        ]
                    }, textColumns: [0, sweep.keys.count + 1])
                more(failed, "The first \(Self.maximumRows)")
            }
        }
    }

    @PageBuilder private func more(_ trials: [SweepRow], _ shown: String) -> [any PageContent] {
        if trials.count > Self.maximumRows { Paragraph("\(shown) of \(trials.count); sweep.csv has all.", .remark) }
    }

    private var keyColumns: [DataTable.Cell] {
        zip(sweep.shortKeys, sweep.keys).map { DataTable.Cell($0, title: $1) }
    }

    /// - Parameter isRanked: Whether the trials are in the order of a metric by which they compare.
    private func table(_ trials: [SweepRow], isRanked: Bool = false) -> DataTable {
        let hasTest = trials.contains { $0.chosenOn == .validation && $0.test != nil }
        return DataTable(
            columns: [isRanked ? "rank, trial" : "trial"] + keyColumns
                + [DataTable.Cell(hasTest ? "\(sweep.metric), validation" : sweep.metric)] + (hasTest ? ["test"] : [])
                + ["steps", "time", "digest"],
            rows: trials.prefix(Self.maximumRows).enumerated().map { index, trial in
                var name = name(trial)
                if isRanked {
                    name.text = "\(index + 1).  \(name.text)"
                    name.sortValue = Double(index + 1)
                }
                let metric = DataTable.Cell(
                    TypographicNumber.significant(trial.metric, 5), isBest: isRanked && index == 0,
                    sortValue: trial.metric)
                let test = DataTable.Cell(TypographicNumber.significant(trial.test, 5), sortValue: trial.test)
                return [name] + trial.values.map { DataTable.Cell($0) } + [metric] + (hasTest ? [test] : []) + [
                    DataTable.Cell(trial.steps.map(TypographicNumber.grouped) ?? "–"),
                    DataTable.Cell(DurationText.words(trial.seconds), sortValue: trial.seconds),
                    DataTable.Cell("\(trial.digest.prefix(12))", title: trial.digest),
                ]
            }, textColumns: [0, sweep.keys.count + (hasTest ? 5 : 4)])
    }

    private func name(_ trial: SweepRow) -> DataTable.Cell {
        DataTable.Cell(
            TrialCurves.number(trial), title: trial.trial, appearance: curves.appearance(trial),
            link: links[sweep.folder.trial(trial.trial)])
    }
}
