import CoupletLosses
import CoupletText

/// The curves of runs: loss, gradient norm, learning rate, temperature, throughput, and what else `metrics.jsonl` has.
struct RunCurves {
    let runs: [(name: String, metrics: MetricsHistory?)]
    /// How many runs, from the first on, have a colour of their own.
    let distinguished: Int

    init(_ runs: [(name: String, metrics: MetricsHistory?)], distinguished: Int = Theme.seriesCount) {
        self.runs = runs
        self.distinguished = min(distinguished, Theme.seriesCount)
    }

    func look(_ index: Int) -> Series.Look { index < distinguished ? .numbered(index) : .quiet }

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

    /// Those that have values, in a fixed order; a value that never changes in any run is told by a remark in place of a figure.
    var figures: [NamedFigure] { curves.filter { !isConstant($0) }.map { NamedFigure($0.key, plot($0)) } }

    var remarks: [String] {
        curves.filter(isConstant).map { curve in
            let value = TypographicNumber.short(values(curve).first { $0.isFinite }, 6)
            return "\(curve.title): \(value) at every logged step" + (runs.count > 1 ? " of every run." : ".")
        }
    }

    /// The loss alone.
    var loss: Plot? { curves.first { $0.key == "loss" }.map(plot) }

    private var curves: [Curve] {
        var names: [String] = []
        for run in runs {
            for column in run.metrics?.columns ?? [] where !names.contains(column.name) && column.name != "seconds" {
                names.append(column.name)
            }
        }
        let others = names.filter { name in !Self.known.contains { $0.key == name } }.map { name in
            Curve(key: name, title: name.split(separator: "_").joined(separator: " "), axis: Axis(""))
        }
        return Self.known.filter { names.contains($0.key) } + others
    }

    private func values(_ curve: Curve) -> [Double] { values(of: curve.key) }

    private func values(of key: String) -> [Double] { runs.flatMap { $0.metrics?[key] ?? [] } }

    private func isConstant(_ curve: Curve) -> Bool {
        guard curve.key != "loss", let first = values(curve).first, first.isFinite else { return false }
        return values(curve).allSatisfy { $0 == first }
    }

    private func plot(_ curve: Curve) -> Plot {
        let series = runs.enumerated().compactMap { index, run -> Series? in
            guard let metrics = run.metrics, let values = metrics[curve.key] else { return nil }
            return Series(
                runs.count == 1 ? "" : run.name, zip(metrics.steps, values).map { PlotPoint($0, $1) }, style: .line,
                look: look(index),
                smooths: curve.key != "learning_rate")
        }
        let smoothed = series.contains {
            $0.smooths && $0.look != .quiet && CurveDownsampling.window(for: $0.points.map(\.y)) > 1
        }
        var notes: [String] = smoothed ? ["Pale: every logged step; strong: a moving mean."] : []
        let missing = values(curve).count { !$0.isFinite }
        if missing > 0 {
            notes.append(
                "\(TypographicNumber.grouped(missing)) logged value\(missing == 1 ? " is" : "s are") no number.")
        }
        var y = curve.axis
        if curve.key == "pairs_per_second", differsByDecades(curve.key) { y = Axis(y.label, scale: .logarithmic) }
        return Plot(
            curve.title, caption: notes.joined(separator: " "), x: Axis("step", scale: .linear, includesZero: true),
            y: y, series: series)
    }

    /// Whether some runs would lie flat on a linear axis, for others are ten times as high.
    private func differsByDecades(_ key: String) -> Bool {
        let medians = runs.compactMap { $0.metrics?.median(key) }
        guard let low = medians.min(), let high = medians.max(), low > 0 else { return false }
        return high / low >= 10 && values(of: key).allSatisfy { !$0.isFinite || $0 > 0 }
    }
}
