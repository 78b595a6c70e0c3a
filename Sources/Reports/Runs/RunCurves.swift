import CoupletSchema
import CoupletText

/// The curves of the metrics of runs: loss, gradient norm, learning rate, temperature, throughput, and any other key of
/// `metrics.jsonl`. Seeds of one setting are drawn as their mean, a band and thin single lines.
struct RunCurves {
    /// A run whose curves are drawn.
    struct Source: Sendable {
        var name: String
        var metrics: MetricsHistory?
        var settings: ConfigurationSettings?
        /// The name of the setting without the seed; nil to take it from the names of the runs.
        var setting: String?
    }

    let runs: [Source]
    let groups: [RunGroup]
    /// Number of groups, from the first on, that have a colour of their own.
    private let coloredCount: Int

    init(_ runs: [Source], coloredCount: Int = Theme.seriesCount) {
        self.runs = runs
        groups = RunGroup.groups(runs)
        self.coloredCount = min(coloredCount, Theme.seriesCount)
    }

    /// The appearance of a group.
    private func appearance(ofGroup index: Int) -> Series.Appearance {
        index < coloredCount ? .numbered(index) : .quiet
    }

    /// The appearance of the group of a run.
    func appearance(_ run: Int) -> Series.Appearance {
        appearance(ofGroup: groups.firstIndex { $0.members.contains(run) } ?? coloredCount)
    }

    private struct Metric {
        let key: String
        let title: String
        let axis: Axis
    }

    private static let known = [
        Metric(key: "gradient_norm", title: "Gradient norm", axis: Axis("")),
        Metric(key: "learning_rate", title: "Learning rate", axis: Axis("", scale: .linear, includesZero: true)),
        Metric(key: "temperature", title: "Temperature", axis: Axis("")),
        Metric(
            key: "pairs_per_second", title: "Throughput",
            axis: Axis("pairs per second", scale: .linear, includesZero: true)),
    ]

    /// The loss, in a figure for each kind of loss, and a figure for each other metric, in a fixed order. A metric that
    /// is constant in all runs gets a remark in place of a figure.
    var figures: [NamedFigure] {
        LossCurves(self).figures
            + metrics.filter { !isConstant($0) }.map { NamedFigure($0.key, figure($0)) }
    }

    /// Why several figures show losses; nil if one does.
    var lossRemark: String? { LossCurves(self).reason }

    /// How to read curves of several seeds; nil if every setting has one.
    var seedRemark: String? {
        guard groups.contains(where: { $0.members.count > 1 }) else { return nil }
        return
            "Runs that differ in the seed alone share a colour. The strong line is the mean of these seeds, where all "
            + "of them have a value. The band reaches from the lowest to the highest of them. Thin lines are the "
            + "single runs."
    }

    var remarks: [String] {
        metrics.filter(isConstant).map { metric in
            let value = TypographicNumber.short(values(of: metric.key).first { $0.isFinite }, 6)
            return "\(metric.title): \(value) at every logged step" + (runs.count > 1 ? " of every run." : ".")
        }
    }

    private var metrics: [Metric] {
        var names: [String] = []
        for run in runs {
            for column in run.metrics?.columns ?? []
            where !names.contains(column.name) && !["seconds", LossCurves.key].contains(column.name) {
                names.append(column.name)
            }
        }
        let further = names.filter { name in !Self.known.contains { $0.key == name } }.map { name in
            Metric(key: name, title: name.split(separator: "_").joined(separator: " "), axis: Axis(""))
        }
        return Self.known.filter { names.contains($0.key) } + further
    }

    private func values(of key: String) -> [Double] { runs.flatMap { $0.metrics?[key] ?? [] } }

    private func isConstant(_ metric: Metric) -> Bool {
        guard let first = values(of: metric.key).first, first.isFinite else { return false }
        return values(of: metric.key).allSatisfy { $0 == first }
    }

    private func figure(_ metric: Metric) -> CurveFigure {
        let curves = curves(smooths: metric.key != "learning_rate") { run in run.metrics.map { ($0, $0[metric.key]) } }
        var y = metric.axis
        if metric.key == "pairs_per_second", differsByDecades(metric.key) { y = Axis(y.label, scale: .logarithmic) }
        return CurveFigure(title: metric.title, caption: Self.caption(curves), y: y, curves: curves)
    }

    /// Whether the medians of the runs differ by a factor of 10, so that a linear axis would flatten some curves.
    private func differsByDecades(_ key: String) -> Bool {
        let medians = runs.compactMap { $0.metrics?.median(key) }
        guard let low = medians.min(), let high = medians.max(), low > 0 else { return false }
        return high / low >= 10 && values(of: key).allSatisfy { !$0.isFinite || $0 > 0 }
    }
}

// MARK: - Means over seeds

extension RunCurves {
    /// The curves of all groups, or of those with members among `chosen`: the run of a group of one; the mean with its
    /// band, and the single runs, of a group of several.
    /// - Parameters:
    ///   - suffix: Follows the name in the legend, such as ", validation".
    ///   - values: The values of a run and the history that has their steps; nil if it has none.
    func curves(
        among chosen: [Int]? = nil, suffix: String = "", style: Series.Style = .line, smooths: Bool = false,
        _ values: (Source) -> (history: MetricsHistory, values: [Double]?)?
    ) -> [CurveFigure.Curve] {
        groups.enumerated().flatMap { number, group -> [CurveFigure.Curve] in
            let style = appearance(ofGroup: number).isBackground ? .line : style
            let members = group.members.filter { chosen?.contains($0) ?? true }
            let singles = members.compactMap { index -> CurveFigure.Curve? in
                guard let (history, found) = values(runs[index]), let found else { return nil }
                return CurveFigure.Curve(
                    name: runs.count == 1 ? suffix : runs[index].name + (suffix.isEmpty ? "" : ", \(suffix)"),
                    steps: history.steps, times: history.times, values: found, style: style,
                    appearance: appearance(ofGroup: number), smooths: smooths)
            }
            guard singles.count > 1 else { return singles }
            let label = RunGroup(name: group.name, members: members).legend + (suffix.isEmpty ? "" : ", \(suffix)")
            return thin(singles, number) + [mean(of: singles, named: label, style: style, smooths: smooths)]
        }
    }

    private func thin(_ singles: [CurveFigure.Curve], _ group: Int) -> [CurveFigure.Curve] {
        singles.map { single in
            var thin = single
            thin.style = .line
            thin.smooths = false
            if case .numbered(let index) = appearance(ofGroup: group) { thin.appearance = .member(index) }
            return thin
        }
    }

    /// The mean of curves at the steps at which all of them have a value, with the lowest and the highest value.
    private func mean(
        of singles: [CurveFigure.Curve], named name: String, style: Series.Style, smooths: Bool
    ) -> CurveFigure.Curve {
        let rows = singles.map { curve in
            Dictionary(zip(curve.steps, zip(curve.times, curve.values)), uniquingKeysWith: { $1 })
        }
        var mean = CurveFigure.Curve(
            name: name, steps: [], times: [], values: [], style: style, appearance: singles[0].appearance,
            smooths: smooths)
        for step in singles[0].steps {
            let found = rows.compactMap { $0[step] }, values = found.map(\.1).filter(\.isFinite)
            guard values.count == singles.count, let low = values.min(), let high = values.max() else { continue }
            mean.steps.append(step)
            mean.times.append(SampleStatistics(found.map(\.0)).mean)
            mean.values.append(SampleStatistics(values).mean)
            mean.lowest.append(low)
            mean.highest.append(high)
        }
        return mean
    }

    /// How to read curves: the band, the moving mean, and values that are not a number.
    static func caption(_ curves: [CurveFigure.Curve]) -> String {
        var notes: [String] = []
        if curves.contains(where: { !$0.lowest.isEmpty }) {
            notes.append("Bands: from the lowest to the highest of the seeds.")
        }
        let smoothed = curves.contains {
            $0.smooths && !$0.appearance.isBackground && CurveDownsampling.smoothingWindow(for: $0.values) > 1
        }
        if smoothed { notes.append("Pale: every logged step; strong: a moving mean.") }
        let missing = curves.filter { $0.lowest.isEmpty }.flatMap(\.values).count { !$0.isFinite }
        if missing > 0 {
            notes.append(
                "\(TypographicNumber.grouped(missing)) logged value\(missing == 1 ? " is" : "s are") not a number.")
        }
        return notes.joined(separator: " ")
    }
}
