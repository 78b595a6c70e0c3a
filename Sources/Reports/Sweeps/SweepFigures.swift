import CoupletSweeps
import CoupletText

/// A varied key as an axis: numeric if all of its values are numbers, otherwise with its values as categories.
struct SweepDimension {
    let key: String
    let shortKey: String
    /// The distinct values as in the table: numbers in ascending order, other texts in the order of the trials.
    let texts: [String]
    /// The positions of `texts` on the axis.
    let values: [Double]
    let axis: Axis
    /// Whether the values are numbers.
    let isNumeric: Bool

    /// - Parameter texts: The value of each trial, in the order of the trials.
    init(key: String, shortKey: String, texts trialTexts: [String]) {
        self.key = key
        self.shortKey = shortKey
        var seen: Set<String> = []
        let distinct = trialTexts.filter { seen.insert($0).inserted }
        let numbers = distinct.map { Double($0) }.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        isNumeric = !numbers.contains { $0 == nil } && !distinct.isEmpty
        if isNumeric {
            let order = zip(distinct, numbers.compactMap { $0 }).sorted { ($0.1, $0.0) < ($1.1, $1.0) }
            texts = order.map(\.0)
            values = order.map(\.1)
            axis = Axis(
                shortKey, scale: Self.isGeometric(values) ? .logarithmic : .linear,
                ticks: values.count <= 10 ? values : nil)
        } else {
            texts = distinct
            values = distinct.indices.map(Double.init)
            axis = Axis(shortKey, categories: distinct)
        }
    }

    /// The position of a text of the table on the axis.
    func position(of text: String) -> Double? { texts.firstIndex(of: text).map { values[$0] } }

    /// Whether the key is a seed. Trials that differ in the seed alone are repetitions, so figures average over them.
    var isSeed: Bool { key == "seed" || key.hasSuffix(".seed") }

    var isLogarithmic: Bool { axis.scale == .logarithmic }

    /// Whether values such as 256, 512, 1024 or 0.001, 0.003, 0.01 suit a logarithmic axis: they span a decade, or
    /// their ratios are more even than their differences.
    private static func isGeometric(_ ascending: [Double]) -> Bool {
        guard let low = ascending.first, let high = ascending.last, low > 0, high > low else { return false }
        if high / low >= 10 { return true }
        guard ascending.count >= 3 else { return false }
        func unevenness(_ gaps: [Double]) -> Double { (gaps.max() ?? 1) / max(gaps.min() ?? 1, .leastNormalMagnitude) }
        let pairs = Array(zip(ascending, ascending.dropFirst()))
        return unevenness(pairs.map { $1 / $0 - 1 }) < unevenness(pairs.map { $1 - $0 })
    }
}

/// The figures of a sweep: the metric over each varied key, over pairs of keys, and over all keys.
struct SweepFigures {
    private let sweep: SweepRecord
    private let done: [SweepRow]
    let dimensions: [SweepDimension]

    /// Largest number of columns or rows of a heat map. Parallel coordinates show more values better.
    private static let maximumCells = 24
    private static let maximumHeatMaps = 10

    init(_ sweep: SweepRecord) {
        self.sweep = sweep
        done = sweep.trials.filter(SweepRecord.isDone)
        dimensions = zip(sweep.keys, sweep.shortKeys).enumerated().map { index, names in
            SweepDimension(key: names.0, shortKey: names.1, texts: sweep.trials.map { $0.values[index] })
        }
    }

    private var shortMetric: String { sweep.metric.split(separator: ".").last.map(String.init) ?? sweep.metric }

    /// The indices of the keys with more than one value.
    private var varied: [Int] { dimensions.indices.filter { dimensions[$0].texts.count > 1 } }

    // MARK: - Over one key

    var overValues: [NamedFigure] {
        done.isEmpty
            ? [] : varied.map { NamedFigure("\(sweep.name)-\(shortMetric)-over-\(dimensions[$0].key)", plot(over: $0)) }
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
        var fit: PowerLawFit?
        if dimension.isLogarithmic, groups.count >= 3, points.allSatisfy({ $0.y > 0 }) {
            fit = PowerLawFit(points.map { ($0.x, $0.y) })
        }
        let isPowerLaw = (fit?.determination ?? 0) >= 0.5
        var caption = ""
        if let fit {
            let percent = TypographicNumber.fixed(100 * fit.determination, decimals: 0)
            let law = "\(fit.text) through all \(fit.count) trials, which explains \(percent) % "
            caption =
                isPowerLaw
                ? "Dotted: the power law of \(law)of the variance of the logarithms."
                : "No power law: \(law)of the variance of the logarithms."
        }
        var series: [Series] = []
        let shownFit = isPowerLaw ? fit : nil
        if groups.allSatisfy({ $0.1.count == 1 }) {
            // One trial per value, such as random draws of a number: a line would suggest a dependence on the order.
            let isScatter = !dimension.isNumeric || dimension.isSeed || groups.count > 12
            series = [
                Series(
                    "", points.sorted { ($0.x, $0.y) < ($1.x, $1.y) }, style: isScatter ? .markers : .markedLine,
                    fit: shownFit)
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
                    fit: shownFit),
            ]
        }
        return Plot(
            "\(shortMetric) over \(dimension.shortKey)", caption: caption, x: dimension.axis,
            y: Axis(sweep.metric, scale: isPowerLaw ? .logarithmic : .automatic), series: series)
    }

    // MARK: - Over two keys

    /// The pairs of keys for heat maps. Seeds are used only if there is no pair of other keys.
    private var pairs: [(Int, Int)] {
        let small = varied.filter { dimensions[$0].texts.count <= Self.maximumCells }
        let proper = small.filter { !dimensions[$0].isSeed }
        let used = proper.count >= 2 ? proper : small
        return used.indices.flatMap { a in used.indices.filter { $0 > a }.map { (used[a], used[$0]) } }
    }

    var heatMaps: [NamedFigure] {
        done.isEmpty
            ? []
            : pairs.prefix(Self.maximumHeatMaps).map { first, second in
                NamedFigure(
                    "\(sweep.name)-\(shortMetric)-over-\(dimensions[first].key)-and-\(dimensions[second].key)",
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
            caption: averaged + "Framed: the best.",
            xLabel: dimensions[columnKey].shortKey, yLabel: dimensions[rowKey].shortKey, valueLabel: shortMetric,
            columns: columns, rows: rows,
            cells: cells, chosen: best.map { ($0.row, $0.column) })
    }

    // MARK: - Over all keys

    var parallel: NamedFigure? {
        guard varied.count >= 3, !done.isEmpty else { return nil }
        let lines = done.map { trial in
            let values = varied.map { dimensions[$0].position(of: trial.values[$0]) ?? .nan } + [trial.metric ?? .nan]
            let descriptions = zip(varied, values).map { index, _ in
                "\(dimensions[index].shortKey) \(trial.values[index])"
            }
            return ParallelCoordinates.Line(
                ([trial.trial] + descriptions + ["\(shortMetric) \(TypographicNumber.short(trial.metric, 5))"]).joined(
                    separator: " · "), values)
        }
        return NamedFigure(
            "\(sweep.name)-parallel",
            ParallelCoordinates(
                "All varied values",
                caption: "One line per finished trial. Stronger lines have a better \(shortMetric).",
                axes: varied.map { dimensions[$0].axis } + [Axis(shortMetric)], lines: lines,
                lowIsBetter: sweep.minimizes
            ))
    }
}
