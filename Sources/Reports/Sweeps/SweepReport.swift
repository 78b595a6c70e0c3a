import CoupletSweeps
import CoupletText
import CoupletTraining

/// The part of a report about one sweep.
struct SweepReport {
    private let sweep: SweepRecord
    private let sweepFigures: SweepFigures

    /// Largest number of rows of a table; `sweep.csv` has all rows.
    private static let maximumRows = 100
    /// Largest number of trials whose curves are drawn. The best trials are in colour, the others in grey.
    private static let maximumCurves = 60
    private static let maximumColoredCurves = 6

    init(_ sweep: SweepRecord) {
        self.sweep = sweep
        sweepFigures = SweepFigures(sweep)
    }

    var figures: [NamedFigure] {
        sweepFigures.overValues + sweepFigures.heatMaps + (sweepFigures.parallel.map { [$0] } ?? [])
            + (curves.map { [NamedFigure("\(sweep.name)-loss", $0)] } ?? [])
    }

    /// - Parameter isAlone: Whether the page has no other content, so that its title is the name of the sweep.
    @PageBuilder func content(isAlone: Bool) -> [any PageContent] {
        if isAlone {
            Section("Sweep") { overview }
            if !sweepFigures.overValues.isEmpty {
                Section("Over each value") { FigureGroup(sweepFigures.overValues.map(\.figure)) }
            }
            if !sweepFigures.heatMaps.isEmpty { Section("Over pairs of values") { maps } }
            if let parallel = sweepFigures.parallel { Section("Over all values") { FigureGroup(parallel.figure) } }
            if let curves { Section("Loss of the trials") { FigureGroup(curves) } }
            Section("Trials") { tables }
            Section("Configs") { configs }
        } else {
            Section("Sweep \(sweep.name)") {
                overview
                FigureGroup(sweepFigures.overValues.map(\.figure))
                maps
                if let parallel = sweepFigures.parallel { FigureGroup(parallel.figure) }
                if let curves { FigureGroup(curves) }
                tables
                configs
            }
        }
    }

    @PageBuilder private var overview: [any PageContent] {
        let best = sweep.ranked.first
        let counts = Self.statuses.compactMap { status in
            let count = sweep.trials.count { $0.status == status }
            return count == 0 ? nil : "\(TypographicNumber.grouped(count)) \(status.rawValue)"
        }
        let goal = sweep.minimizes ? "the smaller the better" : "the larger the better"
        DataTable(
            facts: [
                (
                    "trials",
                    DataTable.Cell(
                        "\(TypographicNumber.grouped(sweep.trials.count))"
                            + (counts.isEmpty ? "" : ": " + counts.joined(separator: ", ")))
                ),
                ("metric", DataTable.Cell(sweep.metric.isEmpty ? "–" : "\(sweep.metric), \(goal)")),
                (
                    "best",
                    DataTable.Cell(best.map { "\(TypographicNumber.significant($0.metric, 5)) by \($0.trial)" } ?? "–")
                ),
                ("varied", DataTable.Cell(varied)),
                (
                    "time of all trials",
                    DataTable.Cell(DurationText.words(sweep.trials.compactMap(\.seconds).reduce(0, +)))
                ),
            ])
    }

    private static let statuses: [TrialStatus] = [.done, .dropped, .failed, .running, .waiting]

    private var varied: String {
        zip(sweep.keys, sweepFigures.dimensions).map { key, dimension in
            let texts = dimension.texts
            let values =
                texts.count <= 8
                ? texts.joined(separator: ", ")
                : "\(texts.count) values from \(texts.first ?? "") to \(texts.last ?? "")"
            return "\(key): \(values)"
        }.joined(separator: "; ")
    }

    @PageBuilder private var maps: [any PageContent] {
        FigureGroup(sweepFigures.heatMaps.map(\.figure))
        if let remark = sweepFigures.heatMapRemark { Paragraph(remark, .remark) }
    }

    // MARK: - Tables

    @PageBuilder private var tables: [any PageContent] {
        let ranked = sweep.ranked, failed = sweep.failed, dropped = sweep.trials.filter { $0.status == .dropped }
        if ranked.isEmpty { Paragraph("No trial is done yet.", .remark) }
        if !ranked.isEmpty {
            table(ranked.enumerated().map { ("\($0 + 1)", $1) })
            if ranked.count > Self.maximumRows {
                Paragraph("The best \(Self.maximumRows) of \(ranked.count); sweep.csv has all.", .remark)
            }
        }
        if !dropped.isEmpty {
            Section("Stopped by halving before their last step") { table(dropped.map { ("", $0) }) }
        }
        if !failed.isEmpty {
            Section("Failed trials") {
                DataTable(
                    columns: ["trial"] + sweep.shortKeys.map { DataTable.Cell($0) } + ["reason"],
                    rows: failed.prefix(Self.maximumRows).map { trial in
                        [Self.name(trial)] + trial.values.map { DataTable.Cell($0) } + [
                            DataTable.Cell(trial.reason.isEmpty ? "–" : trial.reason)
                        ]
                    }, textColumns: [0, sweep.keys.count + 1])
                if failed.count > Self.maximumRows {
                    Paragraph("\(Self.maximumRows) of \(failed.count); sweep.csv has all.", .remark)
                }
            }
        }
    }

    private func table(_ trials: [(rank: String, trial: SweepRow)]) -> DataTable {
        let hasRank = trials.contains { !$0.rank.isEmpty }
        return DataTable(
            columns: [hasRank ? "rank, trial" : "trial"]
                + zip(sweep.shortKeys, sweep.keys).map { DataTable.Cell($0, title: $1) }
                + [DataTable.Cell(sweep.metric), "steps", "time", "digest"],
            rows: trials.prefix(Self.maximumRows).map { rank, trial in
                var name = Self.name(trial)
                if hasRank {
                    name.title = trial.trial
                    name.text = "\(rank).  \(name.text)"
                    if let number = Int(rank), number <= Self.maximumColoredCurves, curves != nil {
                        name.appearance = .numbered(number - 1)
                    }
                }
                let steps = trial.steps.map(TypographicNumber.grouped) ?? "–"
                return [name] + trial.values.map { DataTable.Cell($0) } + [
                    DataTable.Cell(TypographicNumber.significant(trial.metric, 5), isBest: rank == "1"),
                    DataTable.Cell(steps),
                    DataTable.Cell(DurationText.words(trial.seconds)),
                    DataTable.Cell("\(trial.digest.prefix(12))", title: trial.digest),
                ]
            }, textColumns: [0, sweep.keys.count + 4])
    }

    /// The number of a trial if its name begins with one, else its name. The values are in other columns.
    private static func name(_ trial: SweepRow) -> DataTable.Cell {
        let number = trial.trial.prefix { $0 != "_" }
        return DataTable.Cell(
            number.allSatisfy(\.isNumber) && !number.isEmpty ? String(number) : trial.trial, title: trial.trial)
    }

    // MARK: - Curves and configs of the trials

    /// The name of a trial in a legend: its number, if its name begins with one, and its values.
    private static func label(_ trial: SweepRow) -> String {
        let short = name(trial).text
        return short == trial.trial ? short : ([short] + trial.values).joined(separator: " · ")
    }

    private var curves: Plot? {
        let trials = sweep.ranked + sweep.trials.filter { $0.status != .done }
        let histories = trials.prefix(Self.maximumCurves).map { trial -> (name: String, metrics: MetricsHistory?) in
            let text = try? RunRecord.text(at: RunFolder(path: sweep.folder.trial(trial.trial)).metrics)
            return (Self.label(trial), text.map { MetricsHistory($0) })
        }
        guard histories.contains(where: { $0.metrics != nil }) else { return nil }
        var plot = RunCurves(histories, coloredCount: min(Self.maximumColoredCurves, sweep.ranked.count)).loss
        let count = min(Self.maximumColoredCurves, sweep.ranked.count)
        if trials.count > count {
            let greyCount = histories.dropFirst(count).count { $0.metrics != nil }
            let colors = "The best \(count) are in colour, \(greyCount) of the \(trials.count - count) others in grey."
            let caption = plot?.caption ?? ""
            plot?.caption = caption.isEmpty ? colors : "\(colors) \(caption)"
        }
        return plot
    }

    @PageBuilder private var configs: [any PageContent] {
        if let text = sweep.specification { CollapsibleText("sweep.yaml", text: text) }
        if let best = sweep.ranked.first,
            let text = try? RunRecord.text(at: RunFolder(path: sweep.folder.trial(best.trial)).configuration)
        {
            CollapsibleText("config.yaml of the best trial, \(best.trial)", text: text)
        }
    }
}
