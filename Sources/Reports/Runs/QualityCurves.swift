/// The plots of evaluations during training over the steps: retrieval, classification, the exact answer of Gaussian
/// pairs, statistics that show a collapse, and the metrics of the config. The held-out loss is in the plot of the loss.
struct QualityCurves {
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

    /// Whether values lie between 0 and 1, which a logarithmic axis would distort.
    private static func isShare(_ path: String) -> Bool {
        path.hasPrefix("retrieval.") || path.hasPrefix("classification.")
    }

    private func plot(_ path: String, _ title: String) -> CurveFigure? {
        let found = curves.curves { run in
            run.metrics.flatMap { metrics in
                let evaluations = metrics.evaluations
                return evaluations.steps.count > 1 ? (evaluations, evaluations[path]) : nil
            }
        }
        if found.isEmpty { return nil }
        return CurveFigure(
            title: title, caption: RunCurves.caption(found),
            y: Axis("", scale: Self.isShare(path) ? .linear : .automatic),
            curves: found)
    }
}
