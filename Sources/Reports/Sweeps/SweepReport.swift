import CoupletSweeps
import CoupletText
import CoupletTraining

/// The part of a report about one sweep. A sweep by a loss whose trials have several kinds of losses has a section for
/// each kind.
struct SweepReport {
    private let sweep: SweepRecord
    private let curves: TrialCurves
    private let tables: TrialTables
    private let parts: [Part]

    /// Trials whose metrics share axes.
    private struct Part {
        /// The values that the trials share and others do not; empty if all trials share axes.
        let name: String
        let sweep: SweepRecord
        let figures: SweepFigures
    }

    /// Largest number of kinds of losses that have figures of their own.
    private static let maximumParts = 12

    /// - Parameter links: The pages of the trials.
    init(_ sweep: SweepRecord, links: RunLinks = RunLinks()) {
        self.sweep = sweep
        curves = TrialCurves(sweep)
        tables = TrialTables(sweep, curves, links: links)
        let parts = sweep.parts
        self.parts =
            parts.count > Self.maximumParts
            ? []
            : parts.map { name, part in
                Part(name: name, sweep: part, figures: SweepFigures(part, file: name))
            }
    }

    var figures: [NamedFigure] {
        parts.flatMap { part in
            let figures = part.figures
            return figures.overValues + figures.heatMaps
                + [figures.parallel, figures.halving, importanceChart(part)].compactMap { $0 }
        } + curves.figures
    }

    /// - Parameter isAlone: Whether the page has no other content, so that its title is the name of the sweep.
    @PageBuilder func content(isAlone: Bool) -> [any PageContent] {
        if isAlone {
            Section("Sweep") { overview }
            for part in parts {
                if part.name.isEmpty { sections(part) } else { Section("Trials with \(part.name)") { sections(part) } }
            }
            if !curves.figures.isEmpty { Section("Loss of the trials") { curves.content } }
            Section("Trials") { tables.content }
            Section("Configs") { configs }
        } else {
            Section("Sweep \(sweep.name)") {
                overview
                for part in parts {
                    if part.name.isEmpty {
                        sections(part)
                    } else {
                        Section("Trials with \(part.name)") { sections(part) }
                    }
                }
                if !curves.figures.isEmpty { Section("Loss of the trials") { curves.content } }
                Section("Trials") { tables.content }
                Section("Configs") { configs }
            }
        }
    }

    @PageBuilder private func sections(_ part: Part) -> [any PageContent] {
        let figures = part.figures
        if !part.name.isEmpty {
            Paragraph(
                part.sweep.ranked.isEmpty ? "No trial is done." : "Best of these: \(best(of: part.sweep)).", .remark)
        }
        if let halving = figures.halving { Section("Halving") { FigureGroup(halving.figure) } }
        if !figures.overValues.isEmpty {
            Section("Over each value") { FigureGroup(figures.overValues.map(\.figure)) }
        }
        if !figures.heatMaps.isEmpty {
            Section("Over pairs of values") {
                FigureGroup(figures.heatMaps.map(\.figure))
                if let remark = figures.heatMapRemark { Paragraph(remark, .remark) }
            }
        }
        if let parallel = figures.parallel { Section("Over all values") { FigureGroup(parallel.figure) } }
        if let importance = figures.importance {
            Section("Importance of the values") { self.importance(importance, part) }
        }
    }

    // MARK: - Overview

    @PageBuilder private var overview: [any PageContent] {
        let counts = Self.statuses.compactMap { status in
            let count = sweep.trials.count { $0.status == status }
            return count == 0 ? nil : "\(TypographicNumber.grouped(count)) \(status.rawValue)"
        }
        let goal = sweep.minimizes ? "the smaller the better" : "the larger the better"
        let trials =
            TypographicNumber.grouped(sweep.trials.count)
            + (counts.isEmpty ? "" : ": " + counts.joined(separator: ", "))
        let time = sweep.trials.compactMap(\.seconds).reduce(0, +)
        DataTable(
            facts: [
                ("trials", DataTable.Cell(trials)),
                ("metric", DataTable.Cell(sweep.metric.isEmpty ? "–" : "\(sweep.metric), \(goal)")),
                ("best", DataTable.Cell(sweep.noBestReason ?? best(of: sweep))),
                ("varied", DataTable.Cell(varied)),
                ("time of all trials", DataTable.Cell(DurationText.words(time))),
            ])
        if parts.isEmpty {
            Paragraph(
                "No figures, because there are more than \(Self.maximumParts) kinds of losses, one for each value of "
                    + "\(sweep.dividingKeys.joined(separator: ", ")).", .remark)
        }
    }

    private static let statuses: [TrialStatus] = [.done, .dropped, .pruned, .failed, .running, .waiting]

    /// "0.0297 by 006_…; of the settings: 0.031 ± 0.002, the mean of 3 seeds, by size 512".
    private func best(of sweep: SweepRecord) -> String {
        guard let best = sweep.ranked.first else { return "–" }
        var text = "\(TypographicNumber.significant(best.metric, 5)) by \(best.trial)"
        let settings = sweep.settings.filter { $0.metrics.count > 1 }.map { ($0.values, SampleStatistics($0.metrics)) }
        let bestSetting = settings.min { a, b in sweep.minimizes ? a.1.mean < b.1.mean : a.1.mean > b.1.mean }
        if settings.count > 1, let (values, sample) = bestSetting {
            let keys = zip(sweep.keys, sweep.shortKeys).filter { !SweepRecord.isSeed($0.0) }.map(\.1)
            text +=
                ". The best setting, by its mean over seeds: \(TypographicNumber.significant(sample.mean, 4)) ± "
                + "\(TypographicNumber.significant(sample.deviation, 2)) (standard deviation, n = \(sample.count)), "
                + "with "
                + zip(keys, values).map { "\($0) \($1)" }.joined(separator: ", ")
        }
        return text
    }

    private var varied: String {
        let dimensions = SweepFigures(sweep).dimensions
        return zip(sweep.keys, dimensions).map { key, dimension in
            let texts = dimension.texts
            let values =
                texts.count <= 8
                ? texts.joined(separator: ", ")
                : "\(texts.count) values from \(texts.first ?? "") to \(texts.last ?? "")"
            return "\(key): \(values)"
        }.joined(separator: "; ")
    }

    // MARK: - Importance

    @PageBuilder private func importance(_ importance: SweepImportance, _ part: Part) -> [any PageContent] {
        if let refusal = importance.refusal {
            Paragraph(refusal, .remark)
        } else {
            Paragraph(
                "How much of the order of the \(importance.count) trials by \(part.sweep.compared.label) each value "
                    + "explains by itself: (H − k + 1) / (N − k), with the Kruskal–Wallis statistic H of N = "
                    + "\(importance.count) trials in k groups of equal or similar values. 0 is no effect, 1 decides "
                    + "alone. Effects of combinations do not count. Of random orders of the trials, 95 of 100 stay "
                    + "below the value under “by chance”.", .remark)
            if let chart = importanceChart(part) { FigureGroup(chart.figure) }
            DataTable(
                columns: ["value", "groups k", "importance", "by chance"],
                rows: importance.values.map { value in
                    [
                        DataTable.Cell(value.key), DataTable.Cell("\(value.groups)"),
                        DataTable.Cell(
                            TypographicNumber.fixed(value.importance, decimals: 2), sortValue: value.importance),
                        DataTable.Cell(TypographicNumber.fixed(value.chance, decimals: 2), sortValue: value.chance),
                    ]
                })
        }
    }

    private func importanceChart(_ part: Part) -> NamedFigure? {
        guard let importance = part.figures.importance, !importance.values.isEmpty else { return nil }
        let file = part.name.isEmpty ? "" : "-\(part.name)"
        return NamedFigure(
            "\(sweep.name)\(file)-importance",
            BarChart(
                "Importance of the values",
                caption: "Grey: not more than chance. Bars of values below 0 have no length.",
                valueLabel: "share of the variance of the ranks",
                bars: importance.values.map { value in
                    BarChart.Bar(
                        value.key, max(0, value.importance),
                        appearance: value.importance > value.chance ? .numbered(0) : .neutral,
                        label: "by chance up to \(TypographicNumber.fixed(value.chance, decimals: 2))")
                }))
    }

    @PageBuilder private var configs: [any PageContent] {
        if let text = sweep.specification { CollapsibleText("sweep.yaml", text: text) }
        if sweep.noBestReason == nil, let best = sweep.ranked.first,
            let text = try? RunRecord.text(at: RunFolder(path: sweep.folder.trial(best.trial)).configuration)
        {
            CollapsibleText("config.yaml of the best trial, \(best.trial)", text: text)
        }
    }
}
