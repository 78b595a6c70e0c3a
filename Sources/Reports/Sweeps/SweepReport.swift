import CoupletLosses
import CoupletSweeps
import CoupletText
import CoupletTraining

/// The part of a report that tells of one sweep.
struct SweepReport {
    private let sweep: SweepRecord
    private let drawn: SweepFigures

    /// Tables with more rows are cut; sweep.csv has them all.
    private static let mostRows = 100
    /// Trials whose curves are drawn: the best in colour, some others in grey.
    private static let mostCurves = 60
    private static let colored = 6

    init(_ sweep: SweepRecord) {
        self.sweep = sweep
        drawn = SweepFigures(sweep)
    }

    var figures: [NamedFigure] {
        drawn.overValues + drawn.heatMaps + (drawn.parallel.map { [$0] } ?? [])
            + (curves.map { [NamedFigure("\(sweep.name)-loss", $0)] } ?? [])
    }

    /// - Parameter isAlone: whether the page is about nothing else, so that its title names the sweep already.
    @PageBuilder func content(isAlone: Bool) -> [any PageContent] {
        if isAlone {
            Section("Sweep") { overview }
            if !drawn.overValues.isEmpty { Section("Over each value") { FigureGroup(drawn.overValues.map(\.figure)) } }
            if !drawn.heatMaps.isEmpty { Section("Over pairs of values") { maps } }
            if let parallel = drawn.parallel { Section("Over all values") { FigureGroup(parallel.figure) } }
            if let curves { Section("Loss of the trials") { FigureGroup(curves) } }
            Section("Trials") { tables }
            Section("Configs") { configs }
        } else {
            Section("Sweep \(sweep.name)") {
                overview
                FigureGroup(drawn.overValues.map(\.figure))
                maps
                if let parallel = drawn.parallel { FigureGroup(parallel.figure) }
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
                    DataTable.Cell(TypographicNumber.duration(sweep.trials.compactMap(\.seconds).reduce(0, +)))
                ),
            ])
    }

    private static let statuses: [TrialStatus] = [.done, .dropped, .failed, .running, .waiting]

    private var varied: String {
        zip(sweep.keys, drawn.dimensions).map { key, dimension in
            let texts = dimension.texts
            let values =
                texts.count <= 8
                ? texts.joined(separator: ", ")
                : "\(texts.count) values from \(texts.first ?? "") to \(texts.last ?? "")"
            return "\(key): \(values)"
        }.joined(separator: "; ")
    }

    @PageBuilder private var maps: [any PageContent] {
        FigureGroup(drawn.heatMaps.map(\.figure))
        if let remark = drawn.heatMapRemark { Paragraph(remark, .remark) }
    }

    // MARK: Tables

    @PageBuilder private var tables: [any PageContent] {
        let ranked = sweep.ranked, failed = sweep.failed, dropped = sweep.trials.filter { $0.status == .dropped }
        if ranked.isEmpty { Paragraph("No trial is done yet.", .remark) }
        if !ranked.isEmpty {
            table(ranked.enumerated().map { ("\($0 + 1)", $1) })
            if ranked.count > Self.mostRows {
                Paragraph("The best \(Self.mostRows) of \(ranked.count); sweep.csv has all.", .remark)
            }
        }
        if !dropped.isEmpty {
            Section("Left by halving before their last step") { table(dropped.map { ("", $0) }) }
        }
        if !failed.isEmpty {
            Section("Failed trials") {
                DataTable(
                    columns: ["trial"] + sweep.shortKeys.map { DataTable.Cell($0) } + ["reason"],
                    rows: failed.prefix(Self.mostRows).map { trial in
                        [Self.name(trial)] + trial.values.map { DataTable.Cell($0) } + [
                            DataTable.Cell(trial.reason.isEmpty ? "–" : trial.reason)
                        ]
                    }, textColumns: [0, sweep.keys.count + 1])
                if failed.count > Self.mostRows {
                    Paragraph("\(Self.mostRows) of \(failed.count); sweep.csv has all.", .remark)
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
            rows: trials.prefix(Self.mostRows).map { rank, trial in
                var name = Self.name(trial)
                if hasRank {
                    name.title = trial.trial
                    name.text = "\(rank).  \(name.text)"
                    if let place = Int(rank), place <= Self.colored, curves != nil { name.look = .numbered(place - 1) }
                }
                let steps = trial.steps.map(TypographicNumber.grouped) ?? "–"
                return [name] + trial.values.map { DataTable.Cell($0) } + [
                    DataTable.Cell(TypographicNumber.significant(trial.metric, 5), isBest: rank == "1"),
                    DataTable.Cell(steps),
                    DataTable.Cell(TypographicNumber.duration(trial.seconds)),
                    DataTable.Cell("\(trial.digest.prefix(12))", title: trial.digest),
                ]
            }, textColumns: [0, sweep.keys.count + 4])
    }

    /// The values stand beside the name: its number is enough where it begins with one.
    private static func name(_ trial: SweepRow) -> DataTable.Cell {
        let number = trial.trial.prefix { $0 != "_" }
        return DataTable.Cell(
            number.allSatisfy(\.isNumber) && !number.isEmpty ? String(number) : trial.trial, title: trial.trial)
    }

    // MARK: The trials' own folders

    /// Short enough for a legend: the trial's number, if its name begins with one, and its values.
    private static func label(_ trial: SweepRow) -> String {
        let short = name(trial).text
        return short == trial.trial ? short : ([short] + trial.values).joined(separator: " · ")
    }

    private var curves: Plot? {
        let trials = sweep.ranked + sweep.trials.filter { $0.status != .done }
        let histories = trials.prefix(Self.mostCurves).map { trial -> (name: String, metrics: MetricsHistory?) in
            let text = try? RunRecord.text(at: RunFolder(path: sweep.folder.trial(trial.trial)).metrics)
            return (Self.label(trial), text.map { MetricsHistory($0) })
        }
        guard histories.contains(where: { $0.metrics != nil }) else { return nil }
        var plot = RunCurves(histories, distinguished: min(Self.colored, sweep.ranked.count)).loss
        let count = min(Self.colored, sweep.ranked.count)
        if trials.count > count {
            let others = histories.dropFirst(count).count { $0.metrics != nil }
            let colors = "In colour the best \(count), in grey \(others) of the \(trials.count - count) others."
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
