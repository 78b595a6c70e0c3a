import CoupletSweeps
import CoupletText

/// What a sweep found, drawn: the metric over each varied value, over pairs of them, over all at once.
package struct SweepFigures {
    private let sweep: SweepRecord
    private let done: [SweepRow]
    let dimensions: [SweepDimension]

    /// Maps with more columns or rows show nothing that parallel coordinates do not show better.
    private static let mostCells = 24
    private static let mostHeatMaps = 10

    init(_ sweep: SweepRecord) {
        self.sweep = sweep
        done = sweep.trials.filter(SweepRecord.isDone)
        dimensions = zip(sweep.keys, sweep.shortKeys).enumerated().map { index, names in
            SweepDimension(key: names.0, shortKey: names.1, texts: sweep.trials.map { $0.values[index] })
        }
    }

    private var shortMetric: String { sweep.metric.split(separator: ".").last.map(String.init) ?? sweep.metric }

    /// Indices of keys with more than one value.
    private var varied: [Int] { dimensions.indices.filter { dimensions[$0].texts.count > 1 } }

    // MARK: Over one key

    var overValues: [NamedFigure] {
        done.isEmpty
            ? [] : varied.map { NamedFigure("\(sweep.name)-\(shortMetric)-over-\(dimensions[$0].key)", plot(over: $0)) }
    }

    private func plot(over index: Int) -> Plot {
        let dimension = dimensions[index]
        let points = done.compactMap { trial -> PlotPoint? in
            guard let x = dimension.place(trial.values[index]), let y = trial.metric else { return nil }
            return PlotPoint(x, y, label: trial.trial)
        }
        let groups = dimension.values.map { value in (value, points.filter { $0.x == value }.map(\.y)) }.filter {
            !$0.1.isEmpty
        }
        var fit: PowerLawFit?
        if dimension.isLogarithmic, groups.count >= 3, points.allSatisfy({ $0.y > 0 }) {
            fit = PowerLawFit(points.map { ($0.x, $0.y) })
        }
        let isPowerLaw = (fit?.determination ?? 0) >= 0.5
        var caption = ""
        if let fit {
            let law =
                "\(fit.text) through all \(fit.count) trials, which explains \(TypographicNumber.fixed(100 * fit.determination, decimals: 0)) % "
            caption =
                isPowerLaw
                ? "Dotted: the power law of \(law)of the variance of the logarithms."
                : "No power law: \(law)of the variance of the logarithms."
        }
        var series: [Series] = []
        let shownFit = isPowerLaw ? fit : nil
        if groups.allSatisfy({ $0.1.count == 1 }) {
            // A trial a value, such as random draws of a number: a line would pretend an order.
            let isScatter = !dimension.isNumeric || dimension.isSeed || groups.count > 12
            series = [
                Series("", points.sorted { $0.x < $1.x }, style: isScatter ? .markers : .markedLine, fit: shownFit)
            ]
        } else {
            let means = groups.map { value, values in
                let sample = SampleStatistics(values)
                return PlotPoint(value, sample.mean, deviation: sample.deviation, label: "mean of \(sample.count)")
            }
            series = [
                Series("single trials", points, style: .dots, look: .neutral),
                Series(
                    "mean ± standard deviation", means,
                    style: dimension.isNumeric && !dimension.isSeed ? .markedLine : .markers,
                    fit: shownFit),
            ]
        }
        return Plot(
            "\(shortMetric) over \(dimension.shortKey)", caption: caption, x: dimension.axis,
            y: Axis(sweep.metric, scale: isPowerLaw ? .logarithmic : .automatic), series: series)
    }

    // MARK: Over two keys

    /// Pairs of keys that a map can show; seeds only where there is no other pair.
    private var pairs: [(Int, Int)] {
        let small = varied.filter { dimensions[$0].texts.count <= Self.mostCells }
        let proper = small.filter { !dimensions[$0].isSeed }
        let used = proper.count >= 2 ? proper : small
        return used.indices.flatMap { a in used.indices.filter { $0 > a }.map { (used[a], used[$0]) } }
    }

    var heatMaps: [NamedFigure] {
        done.isEmpty
            ? []
            : pairs.prefix(Self.mostHeatMaps).map { first, second in
                NamedFigure(
                    "\(sweep.name)-\(shortMetric)-over-\(dimensions[first].key)-and-\(dimensions[second].key)",
                    heatMap(first, second))
            }
    }

    var heatMapRemark: String? {
        pairs.count > Self.mostHeatMaps ? "The first \(Self.mostHeatMaps) of \(pairs.count) pairs of keys." : nil
    }

    private func heatMap(_ first: Int, _ second: Int) -> HeatMap {
        // The key with more values lies along the width.
        let (across, up) =
            dimensions[first].texts.count >= dimensions[second].texts.count ? (first, second) : (second, first)
        let columns = dimensions[across].texts, rows = dimensions[up].texts
        let cells = rows.map { row in
            columns.map { column -> HeatMap.Cell in
                let here = sweep.trials.filter { $0.values[up] == row && $0.values[across] == column }
                let values = here.filter(SweepRecord.isDone).compactMap(\.metric)
                if values.isEmpty {
                    return HeatMap.Cell(
                        nil,
                        label: here.isEmpty
                            ? "no trial" : here.contains { $0.status == .failed } ? "failed" : "not done")
                }
                let sample = SampleStatistics(values)
                let spread =
                    sample.count > 1 ? "mean of \(sample.count), ± \(TypographicNumber.short(sample.deviation, 2))" : ""
                return HeatMap.Cell(sample.mean, label: spread)
            }
        }
        var best: (row: Int, column: Int, value: Double)?
        for (row, line) in cells.enumerated() {
            for (column, cell) in line.enumerated() {
                guard let value = cell.value else { continue }
                if let found = best, sweep.minimizes ? value >= found.value : value <= found.value { continue }
                best = (row, column, value)
            }
        }
        let averaged =
            done.count > cells.joined().count { $0.value != nil } ? "Each cell: the mean of its trials. " : ""
        return HeatMap(
            "\(shortMetric) over \(dimensions[across].shortKey) and \(dimensions[up].shortKey)",
            caption: averaged + "Framed: the best.",
            xLabel: dimensions[across].shortKey, yLabel: dimensions[up].shortKey, valueLabel: shortMetric,
            columns: columns, rows: rows,
            cells: cells, chosen: best.map { ($0.row, $0.column) })
    }

    // MARK: Over all keys

    var parallel: NamedFigure? {
        guard varied.count >= 3, !done.isEmpty else { return nil }
        let lines = done.map { trial in
            let values = varied.map { dimensions[$0].place(trial.values[$0]) ?? .nan } + [trial.metric ?? .nan]
            let told = zip(varied, values).map { index, _ in "\(dimensions[index].shortKey) \(trial.values[index])" }
            return ParallelCoordinates.Line(
                ([trial.trial] + told + ["\(shortMetric) \(TypographicNumber.short(trial.metric, 5))"]).joined(
                    separator: " · "), values)
        }
        return NamedFigure(
            "\(sweep.name)-parallel",
            ParallelCoordinates(
                "All varied values",
                caption: "A line a trial that is done; the stronger, the better its \(shortMetric).",
                axes: varied.map { dimensions[$0].axis } + [Axis(shortMetric)], lines: lines, lowIsGood: sweep.minimizes
            ))
    }
}
