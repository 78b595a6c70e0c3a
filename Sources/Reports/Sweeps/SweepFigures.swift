import CoupletSweeps
import CoupletText

/// The figures of a sweep: the metric over each varied key, over pairs of keys and over all keys,
/// successive halving, and the importance of the keys.
struct SweepFigures {
    private let sweep: SweepRecord
    private let done: [SweepRow]
    let dimensions: [SweepDimension]
    private let file: String

    /// Largest number of columns or rows of a heat map. Parallel coordinates show more values better.
    private static let maximumCells = 24
    private static let maximumHeatMaps = 10

    /// - Parameter file: The name of a part of a sweep in the names of the figures' files; empty for a whole one.
    init(_ sweep: SweepRecord, file: String = "") {
        self.sweep = sweep
        self.file = file
        done = sweep.trials.filter(SweepRecord.isDone)
        dimensions = zip(sweep.keys, sweep.shortKeys).enumerated().map { index, names in
            SweepDimension(
                key: names.0, shortKey: names.1, texts: sweep.trials.map { $0.values[index] },
                distribution: sweep.draws[names.0])
        }
    }

    private var shortMetric: String { sweep.shortMetric }

    /// The start of the names of the figures' files.
    private var fileName: String { file.isEmpty ? sweep.name : "\(sweep.name)-\(file)" }

    private var isHalving: Bool { !sweep.stages.isEmpty }

    /// The indices of the keys with more than one value.
    private var varied: [Int] { dimensions.indices.filter { dimensions[$0].texts.count > 1 } }

    // MARK: - Over one key

    var overValues: [NamedFigure] {
        (isHalving ? ended : done).isEmpty
            ? []
            : varied.filter { hasSeveralValues($0, in: isHalving ? ended : done) }.map { index in
                NamedFigure(
                    "\(fileName)-\(shortMetric)-over-\(dimensions[index].key)",
                    isHalving || dimensions[index].isDrawn ? scatter(over: index) : plot(over: index))
            }
    }

    private func hasSeveralValues(_ index: Int, in trials: [SweepRow]) -> Bool {
        Set(trials.map { $0.values[index] }).count > 1
    }

    /// The trials with a figure, also those that halving stopped.
    private var ended: [SweepRow] { sweep.trials.filter { $0.metric != nil && $0.status != .failed } }

    /// A mark for each trial, without a line or a fit: other values differ, too, between random draws. With successive
    /// halving a mark tells the step at which the trial ended.
    private func scatter(over index: Int) -> Plot {
        let dimension = dimensions[index]
        func points(_ trials: [SweepRow]) -> [PlotPoint] {
            trials.compactMap { trial in
                guard let x = dimension.position(of: trial.values[index]), let y = trial.metric else { return nil }
                return PlotPoint(x, y, label: trial.trial)
            }.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
        }
        let ends = isHalving ? Set(ended.compactMap(\.steps)).sorted() : []
        let series =
            ends.isEmpty
            ? [Series("", points(done), style: .markers)]
            : ends.enumerated().map { number, step in
                Series(
                    "ended at step \(TypographicNumber.grouped(step))", points(ended.filter { $0.steps == step }),
                    style: .markers, appearance: .numbered(number))
            }
        let missing = sweep.trials.count - series.reduce(0) { $0 + $1.points.count }
        return Plot(
            "\(shortMetric) over \(dimension.shortKey)",
            caption: missing > 0 ? "\(missing) of \(sweep.trials.count) trials have no figure." : "",
            x: dimension.axis, y: Axis(sweep.metric), series: series)
    }

    private func plot(over index: Int) -> Plot {
        let dimension = dimensions[index]
        let points = done.compactMap { trial -> PlotPoint? in
            guard let x = dimension.position(of: trial.values[index]), let y = trial.metric else { return nil }
            return PlotPoint(x, y, label: trial.trial)
        }
        let groups = dimension.values.map { value in (value, points.filter { $0.x == value }.map(\.y)) }.filter {
            !$0.1.isEmpty
        }
        let fit = fit(dimension, points, groupCount: groups.count)
        var series: [Series] = []
        if groups.allSatisfy({ $0.1.count == 1 }) {
            // One trial per value. Categories and seeds have no order, so no line connects them.
            let isScatter = !dimension.isNumeric || dimension.isSeed || groups.count > 12
            series = [
                Series(
                    "", points.sorted { ($0.x, $0.y) < ($1.x, $1.y) }, style: isScatter ? .markers : .markedLine,
                    fit: fit.shown)
            ]
        } else {
            let means = groups.map { value, values in
                let sample = SampleStatistics(values)
                return PlotPoint(value, sample.mean, deviation: sample.deviation, label: "mean of \(sample.count)")
            }
            series = [
                Series("single trials", points, style: .dots, appearance: .neutral),
                Series(
                    "mean ± standard deviation", means,
                    style: dimension.isNumeric && !dimension.isSeed ? .markedLine : .markers,
                    fit: fit.shown),
            ]
        }
        return Plot(
            "\(shortMetric) over \(dimension.shortKey)", caption: fit.caption, x: dimension.axis,
            y: Axis(sweep.metric, scale: fit.shown == nil ? .automatic : .logarithmic), series: series)
    }

    /// Fewest different values for a power law: two always lie on one, and three nearly always do.
    private static let fewestFittedValues = 4

    /// The power law through the trials over a logarithmic axis, if it explains half of the variance, and what the
    /// caption says of it.
    private func fit(
        _ dimension: SweepDimension, _ points: [PlotPoint], groupCount: Int
    ) -> (shown: PowerLawFit?, caption: String) {
        guard dimension.isLogarithmic, groupCount >= Self.fewestFittedValues, points.allSatisfy({ $0.y > 0 }),
            let fit = PowerLawFit(points.map { ($0.x, $0.y) })
        else { return (nil, "") }
        let percent = TypographicNumber.fixed(100 * fit.determination, decimals: 0)
        let law = "\(fit.text) through all \(fit.count) trials, which explains \(percent) % "
        return fit.determination >= 0.5
            ? (fit, "Dotted: the power law of \(law)of the variance of the logarithms.")
            : (nil, "No power law: \(law)of the variance of the logarithms.")
    }

    // MARK: - Over two keys

    /// The pairs of keys for heat maps. Seeds are used only if there is no pair of other keys.
    private var pairs: [(Int, Int)] {
        if isHalving { return [] }
        let small = varied.filter { dimensions[$0].texts.count <= Self.maximumCells && !dimensions[$0].isDrawn }
        let proper = small.filter { !dimensions[$0].isSeed }
        let used = proper.count >= 2 ? proper : small
        return used.indices.flatMap { a in used.indices.filter { $0 > a }.map { (used[a], used[$0]) } }
    }

    var heatMaps: [NamedFigure] {
        done.isEmpty
            ? []
            : pairs.prefix(Self.maximumHeatMaps).map { first, second in
                NamedFigure(
                    "\(fileName)-\(shortMetric)-over-\(dimensions[first].key)-and-\(dimensions[second].key)",
                    heatMap(first, second))
            }
    }

    var heatMapRemark: String? {
        pairs.count > Self.maximumHeatMaps ? "The first \(Self.maximumHeatMaps) of \(pairs.count) pairs of keys." : nil
    }

    private func heatMap(_ first: Int, _ second: Int) -> HeatMap {
        // The key with more values gets the columns.
        let (columnKey, rowKey) =
            dimensions[first].texts.count >= dimensions[second].texts.count ? (first, second) : (second, first)
        let columns = dimensions[columnKey].texts, rows = dimensions[rowKey].texts
        let cells = rows.map { row in
            columns.map { column -> HeatMap.Cell in
                let trials = sweep.trials.filter { $0.values[rowKey] == row && $0.values[columnKey] == column }
                let values = trials.filter(SweepRecord.isDone).compactMap(\.metric)
                if values.isEmpty {
                    return HeatMap.Cell(
                        nil,
                        label: trials.isEmpty
                            ? "no trial" : trials.contains { $0.status == .failed } ? "failed" : "not done")
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
                if let best, sweep.minimizes ? value >= best.value : value <= best.value { continue }
                best = (row, column, value)
            }
        }
        let averaged =
            done.count > cells.joined().count { $0.value != nil } ? "Each cell: the mean of its trials. " : ""
        return HeatMap(
            "\(shortMetric) over \(dimensions[columnKey].shortKey) and \(dimensions[rowKey].shortKey)",
            caption: averaged + (sweep.noBestReason == nil ? "Framed: the best." : ""),
            xLabel: dimensions[columnKey].shortKey, yLabel: dimensions[rowKey].shortKey, valueLabel: shortMetric,
            columns: columns, rows: rows,
            cells: cells, chosen: sweep.noBestReason == nil ? best.map { ($0.row, $0.column) } : nil)
    }

    // MARK: - Over all keys

    var parallel: NamedFigure? {
        let (trials, label) = sweep.compared
        let fewest = varied.contains { dimensions[$0].isDrawn } ? 2 : 3
        guard varied.count >= fewest, !trials.isEmpty else { return nil }
        let lines = trials.map { trial, metric in
            let values = varied.map { dimensions[$0].position(of: trial.values[$0]) ?? .nan } + [metric]
            let descriptions = varied.filter { !trial.values[$0].isEmpty }.map {
                "\(dimensions[$0].shortKey) \(trial.values[$0])"
            }
            return ParallelCoordinates.Line(
                ([trial.trial] + descriptions + ["\(label) \(TypographicNumber.short(metric, 5))"]).joined(
                    separator: " · "), values)
        }
        let which = isHalving ? "trial that reached the first comparison" : "finished trial"
        return NamedFigure(
            "\(fileName)-parallel",
            ParallelCoordinates(
                "All varied values",
                caption: "One line per \(which). Stronger lines have a better \(label)."
                    + (lines.contains { $0.values.contains(where: \.isNaN) }
                        ? " A line breaks where a key does not apply." : ""),
                axes: varied.map { dimensions[$0].axis } + [Axis(label)], lines: lines,
                lowIsBetter: sweep.minimizes
            ))
    }

    /// The trials at each step of successive halving; nil without halving.
    var halving: NamedFigure? { HalvingFigure.plot(sweep).map { NamedFigure("\(fileName)-halving", $0) } }

    // MARK: - Importance

    /// How much each varied value explains; nil if one key or none is varied.
    var importance: SweepImportance? {
        guard varied.count > 1 else { return nil }
        let trials = sweep.compared.trials
        return SweepImportance(
            metrics: trials.map(\.metric),
            keys: varied.map { index in
                (
                    dimensions[index].shortKey,
                    SweepImportance.groups(dimensions[index], trials.map { $0.row.values[index] })
                )
            })
    }
}
