import CoupletText

/// The part of a report that tells of runs, side by side.
struct RunsReport {
    let runs: [RunRecord]

    init(_ runs: [RunRecord]) { self.runs = runs }

    private var curves: RunCurves { RunCurves(runs.map { ($0.name, $0.metrics) }) }

    var figures: [NamedFigure] { curves.figures + EvaluationTables(runs).figures }

    @PageBuilder var content: [any PageContent] {
        Section(runs.count == 1 ? "Run" : "Runs") {
            overview
            for run in runs {
                for note in run.notes { Paragraph(runs.count == 1 ? note : "\(run.name): \(note)", .warning) }
            }
        }
        if !curves.figures.isEmpty {
            Section("Curves") {
                if runs.count > Theme.seriesCount {
                    Paragraph(
                        "The first \(Theme.seriesCount) of \(runs.count) runs are told apart by colour, the others are grey.",
                        .remark)
                }
                FigureGroup(curves.figures.map(\.figure))
                for remark in curves.remarks { Paragraph(remark, .remark) }
            }
        }
        EvaluationTables(runs).content
        ConfigurationTables(runs).content
    }

    @PageBuilder private var overview: [any PageContent] {
        if runs.count == 1, let run = runs.first {
            DataTable(facts: facts(of: run))
        } else {
            DataTable(
                columns: [
                    "run", "steps", "last loss", "time", "pairs/s, median", "workers", "checkpoint", "digest",
                    "parameters", "written by", "CPU kernels",
                ],
                rows: runs.enumerated().map { index, run in
                    var name = DataTable.Cell(run.name, title: run.folder.path)
                    name.look = curves.look(index)
                    return [name] + facts(of: run).map(\.1)
                }, textColumns: [0, 5, 7, 9, 10])
        }
    }

    /// In the order of the overview's columns.
    private func facts(of run: RunRecord) -> [(String, DataTable.Cell)] {
        let steps = [run.steps, run.plannedSteps].compactMap { $0.map(TypographicNumber.grouped) }
        let digest = run.checkpoint?.digest ?? ""
        return [
            (
                "steps",
                DataTable.Cell(
                    steps.isEmpty
                        ? "–" : steps.count == 2 && steps[0] == steps[1] ? steps[0] : steps.joined(separator: " of "))
            ),
            ("last loss", DataTable.Cell(TypographicNumber.significant(run.metrics?["loss"]?.last, 5))),
            ("time", DataTable.Cell(TypographicNumber.duration(run.metrics?.seconds))),
            (
                "pairs/s, median",
                DataTable.Cell(
                    TypographicNumber.significant(run.metrics?.median("pairs_per_second").map { $0.rounded() }, 6))
            ),
            ("workers", DataTable.Cell(run.workers ?? "–")),
            ("checkpoint", DataTable.Cell(run.checkpoint.map { "step \(TypographicNumber.grouped($0.step))" } ?? "–")),
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
