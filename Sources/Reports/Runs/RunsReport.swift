import CoupletText

/// The part of a report that compares runs.
struct RunsReport {
    let runs: [RunRecord]
    private let links: RunLinks
    private let curves: RunCurves

    /// - Parameter links: The pages of the single runs.
    init(_ runs: [RunRecord], links: RunLinks = RunLinks()) {
        self.runs = runs
        self.links = links
        curves = RunCurves(
            runs.map { RunCurves.Source(name: $0.name, metrics: $0.metrics, settings: $0.settings) })
    }

    private var evaluations: EvaluationTables {
        EvaluationTables(runs, haveSeeds: curves.groups.contains { $0.members.count > 1 })
    }

    private var qualityCurves: QualityCurves { QualityCurves(curves) }

    /// The samples of the runs that have some.
    private var samples: [SamplesReport] {
        runs.compactMap { run in run.samples.map { SamplesReport($0, name: runs.count == 1 ? "" : run.name) } }
    }

    var figures: [NamedFigure] {
        curves.figures + qualityCurves.figures + evaluations.figures + samples.flatMap(\.figures)
    }

    @PageBuilder var content: [any PageContent] {
        Section(runs.count == 1 ? "Run" : "Runs") {
            overview
            for run in runs {
                for note in run.notes { Paragraph(runs.count == 1 ? note : "\(run.name): \(note)", .warning) }
            }
        }
        if !curves.figures.isEmpty {
            Section("Curves") {
                if curves.groups.count > Theme.seriesCount {
                    let names = curves.groups.count == runs.count ? "runs" : "settings"
                    Paragraph(
                        "Colours distinguish the first \(Theme.seriesCount) of \(curves.groups.count) \(names); the "
                            + "others are grey.", .remark)
                }
                if let remark = curves.seedRemark { Paragraph(remark, .remark) }
                if let remark = curves.lossRemark { Paragraph(remark, .remark) }
                FigureGroup(curves.figures.map(\.figure))
                for remark in curves.remarks { Paragraph(remark, .remark) }
            }
        }
        if !qualityCurves.figures.isEmpty {
            Section("Quality over time") {
                Paragraph("Evaluations during training, of pairs that it does not see.", .remark)
                if !otherPairs.isEmpty {
                    Paragraph(
                        "The runs are evaluated on other pairs, because \(otherPairs.joined(separator: ", ")) "
                            + "\(otherPairs.count == 1 ? "differs" : "differ"): levels of their curves do not compare.",
                        .remark)
                }
                FigureGroup(qualityCurves.figures.map(\.figure))
            }
        }
        SettingsTable(runs, curves.groups, appearance: curves.appearance).content
        evaluations.content
        for samples in samples { samples.content }
        if runs.count > Report.runsWithSamples, !samples.isEmpty {
            Paragraph("Samples are shown for the first \(Report.runsWithSamples) runs.", .remark)
        }
        ConfigurationTables(runs).content
    }

    /// The keys that make the runs' evaluations be of other pairs.
    private var otherPairs: [String] { Comparability.evaluation.differences(runs.compactMap(\.settings)) }

    @PageBuilder private var overview: [any PageContent] {
        if runs.count == 1, let run = runs.first {
            DataTable(facts: facts(of: run))
        } else {
            DataTable(
                columns: [
                    "run", "steps", "last loss", "time", "pairs/s, median", "workers", "checkpoint",
                    "best checkpoint", "digest", "parameters", "written by", "CPU kernels",
                ],
                rows: runs.enumerated().map { index, run in
                    var name = DataTable.Cell(run.name, title: run.folder.path)
                    name.appearance = curves.appearance(index)
                    name.link = links[run.folder.path]
                    return [name] + facts(of: run).map(\.1)
                }, textColumns: [0, 5, 8, 10, 11])
        }
    }

    /// The properties of a run in the order of the overview's columns.
    private func facts(of run: RunRecord) -> [(String, DataTable.Cell)] {
        let planned = run.plannedSteps.map(TypographicNumber.grouped)
        let steps = [run.steps.map(TypographicNumber.grouped) ?? "none", planned].compactMap { $0 }
        let digest = run.checkpoint?.digest ?? ""
        return [
            (
                "steps",
                DataTable.Cell(
                    steps == ["none"]
                        ? "–" : steps.count == 2 && steps[0] == steps[1] ? steps[0] : steps.joined(separator: " of "),
                    sortValue: run.steps.map(Double.init))
            ),
            ("last loss", DataTable.Cell(TypographicNumber.significant(run.metrics?["loss"]?.last, 5))),
            ("time", DataTable.Cell(DurationText.words(run.metrics?.seconds), sortValue: run.metrics?.seconds)),
            (
                "pairs/s, median",
                DataTable.Cell(
                    TypographicNumber.significant(run.metrics?.median("pairs_per_second").map { $0.rounded() }, 6))
            ),
            ("workers", DataTable.Cell(run.workers ?? "–")),
            (
                "checkpoint",
                DataTable.Cell(
                    run.checkpoint.map { "step \(TypographicNumber.grouped($0.step))" } ?? "–",
                    sortValue: run.checkpoint.map { Double($0.step) })
            ),
            (
                "best checkpoint",
                DataTable.Cell(
                    run.bestStep.map { "step \(TypographicNumber.grouped($0))" } ?? "–",
                    sortValue: run.bestStep.map(Double.init))
            ),
            (
                "digest",
                DataTable.Cell(digest.isEmpty ? "–" : runs.count == 1 ? digest : "\(digest.prefix(12))…", title: digest)
            ),
            ("parameters", DataTable.Cell(run.checkpoint.map { TypographicNumber.grouped($0.parameterCount) } ?? "–")),
            ("written by", DataTable.Cell(run.checkpoint?.writtenBy ?? "–")),
            ("CPU kernels", DataTable.Cell(run.checkpoint?.cpuKernels ?? "–")),
        ]
    }
}

/// The configs of runs: a table of their differences, and the texts of all configs.
private struct ConfigurationTables {
    private let runs: [RunRecord]

    init(_ runs: [RunRecord]) { self.runs = runs }

    @PageBuilder var content: [any PageContent] {
        if runs.contains(where: { $0.configuration != nil }) {
            Section(runs.count == 1 ? "Config" : "Configs") {
                if runs.count > 1 { differenceTable }
                for run in runs {
                    if let text = run.configuration {
                        CollapsibleText(runs.count == 1 ? "config.yaml" : run.name, text: text)
                    }
                }
            }
        }
    }

    /// The keys whose values differ between the runs, in the order of the first config that has them.
    private var differences: [(key: String, values: [String?])] {
        let readable = runs.filter { $0.settings != nil }
        var keys: [String] = [], seen: Set<String> = []
        for run in readable {
            for setting in run.settings?.settings ?? [] where seen.insert(setting.key).inserted {
                keys.append(setting.key)
            }
        }
        return keys.map { key in (key, runs.map { $0.settings?[key] }) }.filter { _, values in
            let compared = zip(runs, values).filter { $0.0.settings != nil }.map(\.1)
            return compared.contains { $0 != compared.first }
        }
    }

    @PageBuilder private var differenceTable: [any PageContent] {
        let differences = differences
        if differences.isEmpty {
            Paragraph("All configs are the same.")
        } else {
            DataTable(
                columns: ["key"] + runs.map { DataTable.Cell($0.name, title: $0.folder.path) },
                rows: differences.map { key, values in
                    [DataTable.Cell(key)]
                        + values.map { value in
                            DataTable.Cell(
                                value.map { TextWidth.fitted($0, size: 1, within: 28) } ?? "–", title: value ?? "")
                        }
                }, isSortable: false)
            let same = (runs.first { $0.settings != nil }?.settings?.settings.count ?? 0) - differences.count
            if same > 0 { Paragraph("\(same) other keys are the same in all.", .remark) }
        }
    }
}
