/// The plots of evaluations during training over the steps: retrieval, classification, the exact answer of Gaussian
/// pairs, statistics that show a collapse, and the metrics of the config. The held-out loss is in the plot of the loss.
struct QualityCurves {
    /// Path of the held-out loss in an evaluation.
    static let loss = "loss.mean"

    private let curves: RunCurves

    init(_ curves: RunCurves) { self.curves = curves }

    /// The paths of an evaluation that have a plot, in this order, each with the title of the plot.
    private static let known = [
        ("retrieval.mean_reciprocal_rank", "Mean reciprocal rank"), ("retrieval.recall_at_1", "Recall at 1"),
        ("retrieval.recall_at_10", "Recall at 10"), ("classification.top1", "Classification, top 1"),
        ("gaussian.coupling_error", "Coupling error"), ("encodings.alignment", "Alignment"),
        ("encodings.uniformity.first", "Uniformity, first"), ("encodings.uniformity.second", "Uniformity, second"),
        ("encodings.effective_rank.first", "Effective rank, first"),
        ("encodings.effective_rank.second", "Effective rank, second"),
        ("encodings.norm.first", "Mean length, first"), ("encodings.norm.second", "Mean length, second"),
    ]

    /// Sections of an evaluation whose other numbers have no plot.
    private static let sections = [
        "retrieval", "classification", "gaussian", "identifiability", "loss", "temperature", "encodings",
    ]

    /// A plot for each figure that at least one run has evaluated at two steps.
    var figures: [NamedFigure] {
        var paths: [String] = []
        for run in curves.runs {
            for column in run.metrics?.evaluations.columns ?? [] where !paths.contains(column.name) {
                paths.append(column.name)
            }
        }
        let metrics = paths.filter { path in !Self.sections.contains { path == $0 || path.hasPrefix($0 + ".") } }
        return (Self.known.filter { paths.contains($0.0) } + metrics.map { ($0, EvaluationTables.words($0)) })
            .compactMap { path, title in plot(path, title).map { NamedFigure("quality-\(path)", $0) } }
    }

    private func plot(_ path: String, _ title: String) -> Plot? {
        let series = curves.runs.enumerated().compactMap { index, run -> Series? in
            guard let evaluations = run.metrics?.evaluations, evaluations.steps.count > 1,
                let values = evaluations[path]
            else { return nil }
            return Series(
                curves.runs.count == 1 ? "" : run.name, zip(evaluations.steps, values).map { PlotPoint($0, $1) },
                style: .line, appearance: curves.appearance(index))
        }
        if series.isEmpty { return nil }
        return Plot(
            title, x: Axis("step", scale: .linear, includesZero: true), y: Axis("", scale: .linear), series: series)
    }
}
