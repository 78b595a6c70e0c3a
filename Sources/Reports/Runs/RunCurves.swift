import CoupletText

/// The plots of the metrics of runs over the steps: loss, gradient norm, learning rate, temperature, throughput, and
/// any other key of `metrics.jsonl`.
struct RunCurves {
    let runs: [(name: String, metrics: MetricsHistory?)]
    /// Number of runs, from the first on, that have a colour of their own.
    private let coloredCount: Int

    init(_ runs: [(name: String, metrics: MetricsHistory?)], coloredCount: Int = Theme.seriesCount) {
        self.runs = runs
        self.coloredCount = min(coloredCount, Theme.seriesCount)
    }

    func appearance(_ index: Int) -> Series.Appearance { index < coloredCount ? .numbered(index) : .quiet }

    private struct Curve {
        let key: String
        let title: String
        let axis: Axis
    }

    private static let known = [
        Curve(key: "loss", title: "Loss", axis: Axis("")),
        Curve(key: "gradient_norm", title: "Gradient norm", axis: Axis("")),
        Curve(key: "learning_rate", title: "Learning rate", axis: Axis("", scale: .linear, includesZero: true)),
        Curve(key: "temperature", title: "Temperature", axis: Axis("")),
        Curve(
            key: "pairs_per_second", title: "Throughput",
            axis: Axis("pairs per second", scale: .linear, includesZero: true)),
    ]

    /// A plot for each metric, in a fixed order. A metric that is constant in all runs gets a remark in place of a
    /// plot.
    var figures: [NamedFigure] { curves.filter { !isConstant($0) }.map { NamedFigure($0.key, plot($0)) } }

    var remarks: [String] {
        curves.filter(isConstant).map { curve in
            let value = TypographicNumber.short(values(of: curve.key).first { $0.isFinite }, 6)
            return "\(curve.title): \(value) at every logged step" + (runs.count > 1 ? " of every run." : ".")
        }
    }

    /// The plot of the loss.
    var loss: Plot? { curves.first { $0.key == "loss" }.map(plot) }

    private var curves: [Curve] {
        var names: [String] = []
        for run in runs {
            for column in run.metrics?.columns ?? [] where !names.contains(column.name) && column.name != "seconds" {
                names.append(column.name)
            }
        }
        let further = names.filter { name in !Self.known.contains { $0.key == name } }.map { name in
            Curve(key: name, title: name.split(separator: "_").joined(separator: " "), axis: Axis(""))
        }
        return Self.known.filter { names.contains($0.key) } + further
    }

    private func values(of key: String) -> [Double] { runs.flatMap { $0.metrics?[key] ?? [] } }

    private func isConstant(_ curve: Curve) -> Bool {
        guard curve.key != "loss", let first = values(of: curve.key).first, first.isFinite else { return false }
        return values(of: curve.key).allSatisfy { $0 == first }
    }

    private func plot(_ curve: Curve) -> Plot {
        var series = runs.enumerated().compactMap { index, run -> Series? in
            guard let metrics = run.metrics, let values = metrics[curve.key] else { return nil }
            let single = curve.key == "loss" && !heldOutLosses.isEmpty ? "training" : ""
            return Series(
                runs.count == 1 ? single : run.name, zip(metrics.steps, values).map { PlotPoint($0, $1) }, style: .line,
                appearance: appearance(index),
                smooths: curve.key != "learning_rate")
        }
        let trainingSeries = series.count
        if curve.key == "loss" { series += heldOutLosses }
        let smoothed = series.prefix(trainingSeries).contains {
            $0.smooths && $0.appearance != .quiet && CurveDownsampling.smoothingWindow(for: $0.points.map(\.y)) > 1
        }
        var notes: [String] = smoothed ? ["Pale: every logged step; strong: a moving mean."] : []
        let missing = values(of: curve.key).count { !$0.isFinite }
        if missing > 0 {
            notes.append(
                "\(TypographicNumber.grouped(missing)) logged value\(missing == 1 ? " is" : "s are") not a number.")
        }
        var y = curve.axis
        if curve.key == "pairs_per_second", differsByDecades(curve.key) { y = Axis(y.label, scale: .logarithmic) }
        return Plot(
            curve.title, caption: notes.joined(separator: " "), x: Axis("step", scale: .linear, includesZero: true),
            y: y, series: series)
    }

    /// The losses of evaluations during training.
    private var heldOutLosses: [Series] {
        runs.enumerated().compactMap { index, run in
            guard let evaluations = run.metrics?.evaluations, let values = evaluations[QualityCurves.loss] else {
                return nil
            }
            return Series(
                (runs.count == 1 ? "" : "\(run.name), ") + (run.metrics?.evaluationSplit ?? ""),
                zip(evaluations.steps, values).map { PlotPoint($0, $1) }, style: .markedLine,
                appearance: runs.count == 1 ? .numbered(1) : appearance(index))
        }
    }

    /// Whether the medians of the runs differ by a factor of 10, so that a linear axis would flatten some curves.
    private func differsByDecades(_ key: String) -> Bool {
        let medians = runs.compactMap { $0.metrics?.median(key) }
        guard let low = medians.min(), let high = medians.max(), low > 0 else { return false }
        return high / low >= 10 && values(of: key).allSatisfy { !$0.isFinite || $0 > 0 }
    }
}
