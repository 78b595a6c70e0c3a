import CoupletText
import Glibc

/// Series over two axes.
///
///     let plot = Plot(
///         "Error of the coupling", x: Axis("batch size"), y: Axis("relative error"),
///         series: [Series("joint", points).fitted()])
///     try DurableFile.replace("error.svg", with: plot.svg)
public struct Plot: Figure {
    public var title: String
    public var caption: String
    public var x: Axis
    public var y: Axis
    public var series: [Series]
    public var references: [ReferenceLine]
    /// Areas behind the lines and marks, and in front of bars.
    public var bands: [Band]
    /// Height of the area within the axes, in units of the drawing.
    public var plotHeight: Double

    public init(
        _ title: String, caption: String = "", x: Axis, y: Axis, series: [Series], references: [ReferenceLine] = [],
        bands: [Band] = [], plotHeight: Double = 190
    ) {
        self.title = title
        self.caption = caption
        self.x = x
        self.y = y
        self.series = series
        self.references = references
        self.bands = bands
        self.plotHeight = plotHeight
    }

    public var legend: [LegendEntry] {
        series.compactMap(\.entry)
            + references.filter { !$0.name.isEmpty }.map { LegendEntry($0.name, sample: .reference) }
            + bands.filter { !$0.name.isEmpty }.map { LegendEntry($0.name, sample: .band) }
    }

    public var summary: String {
        let count = series.count == 1 ? "" : ", \(series.count) series"
        let over = x.label.isEmpty ? "" : " over \(x.label)"
        let values = series.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
        return "\(y.label.isEmpty ? title : y.label)\(over)\(count), "
            + "from \(TypographicNumber.short(values.min())) to \(TypographicNumber.short(values.max()))"
    }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let layout = PlotLayout(self, top: top)
        layout.drawAxes(self, into: &drawing)
        func draw(_ chosen: (Series) -> Bool) {
            for series in series where chosen(series) {
                drawing.group(series.appearance.colorClass) { layout.draw(series, of: self, into: &$0) }
            }
        }
        // Bands and references lie above bars, which would hide them, and below everything else. Quiet series lie
        // behind the others.
        draw { $0.style == .bars }
        for band in bands { layout.draw(band, into: &drawing) }
        for line in references { layout.draw(line, into: &drawing) }
        draw { $0.style != .bars && $0.appearance == .quiet }
        draw { $0.style != .bars && $0.appearance != .quiet }
        if layout.isEmpty { layout.drawEmpty(into: &drawing) }
        return layout.height
    }

    /// The tooltip of a point: "gaussian · step 1,200 · 0.0123".
    fileprivate func hoverText(_ point: PlotPoint, of series: Series) -> String {
        func value(_ number: Double, on axis: Axis) -> String {
            if let names = axis.categories, let index = Int(exactly: number), names.indices.contains(index) {
                return names[index]
            }
            return TypographicNumber.short(number, 5)
        }
        let spread = point.deviation > 0 ? " ± \(TypographicNumber.short(point.deviation, 2))" : ""
        let parts = [
            point.label.isEmpty ? series.name : point.label, "\(x.label) \(value(point.x, on: x))",
            value(point.y, on: y) + spread,
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: " · ")
    }
}

/// The positions of a plot's axes, and the map from values to units of the drawing (y points downwards).
private struct PlotLayout {
    let xScale: Scale
    let yScale: Scale
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double
    let isEmpty: Bool
    let height: Double
    private let xTicks: [Tick]
    private let yTicks: [Tick]
    private let xMinor: [Double]
    private let yMinor: [Double]

    init(_ plot: Plot, top: Double) {
        let size = FigureSize.textSize
        var xs: [Double] = [], ys: [Double] = []
        for series in plot.series {
            for point in series.points where point.x.isFinite && point.y.isFinite {
                xs.append(point.x)
                ys.append(point.y)
                if point.deviation > 0, point.deviation.isFinite {
                    ys += [point.y - point.deviation, point.y + point.deviation]
                }
            }
        }
        isEmpty = xs.isEmpty
        // Bars extend to both sides of their x, by half the distance to the next.
        if let half = plot.series.filter({ $0.style == .bars }).map(\.halfBarWidth).max() {
            xs += xs.flatMap { [$0 - half, $0 + half] }
        }
        for band in plot.bands {
            if let range = band.xRange { xs += [range.lowerBound, range.upperBound] }
            ys += [band.yRange.lowerBound, band.yRange.upperBound]
        }
        for line in plot.references {
            if case .horizontal(let value) = line.shape { ys.append(value) }
            if case .vertical(let value) = line.shape { xs.append(value) }
        }
        let hasCurves = plot.series.contains { $0.style == .line || $0.style == .bars }
        xScale = Scale(plot.x, values: xs, margin: hasCurves ? 0.01 : 0.06)
        yScale = Self.vertical(plot, ys)

        let y = Ticks.of(yScale, wanted: 5)
        yTicks = Self.ticks(plot.y, on: yScale, round: y.labelled)
        yMinor = y.minor
        self.top = top + (plot.y.label.isEmpty ? 8 : 20)
        bottom = self.top + plot.plotHeight
        let widest = yTicks.reduce(0) { max($0, $1.width(size: size)) }
        left = min(120, max(24, widest + 12))
        right = FigureSize.width - 10
        height = bottom + 18 + (plot.x.label.isEmpty ? 0 : 15)

        let x = Ticks.of(xScale, wanted: 6)
        let wanted = Self.ticks(plot.x, on: xScale, round: x.labelled)
        xMinor = plot.x.ticks == nil ? x.minor : []
        xTicks = Self.spaced(wanted, on: xScale, left: left, right: right)
    }

    /// The vertical scale. An error bar that reaches zero or less does not make the axis linear: a logarithmic axis
    /// cuts it at the lower end.
    private static func vertical(_ plot: Plot, _ values: [Double]) -> Scale {
        let points = plot.series.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
        if let low = points.min(), low > 0, plot.y.scale != .linear {
            let scale = Scale(plot.y, values: values.filter { $0 > low / 10 }, margin: 0.06)
            if scale.isLogarithmic { return scale }
        }
        return Scale(plot.y, values: values, margin: 0.06)
    }

    private static func ticks(_ axis: Axis, on scale: Scale, round: [Tick]) -> [Tick] {
        if let names = axis.categories { return names.enumerated().map { Tick(value: Double($0), text: $1) } }
        return axis.ticks.map { Ticks.at($0, on: scale) } ?? round
    }

    /// Every tick, or every second, third, …, so that the labels do not touch.
    private static func spaced(_ ticks: [Tick], on scale: Scale, left: Double, right: Double) -> [Tick] {
        var stride = 1
        while stride < ticks.count {
            let shown = ticks.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
            let labels = shown.map {
                (
                    center: (scale.fraction(of: $0.value) ?? 0) * (right - left),
                    half: $0.width(size: FigureSize.textSize) / 2
                )
            }
            if zip(labels, labels.dropFirst()).allSatisfy({ abs($1.center - $0.center) >= $0.half + $1.half + 6 }) {
                return shown
            }
            stride += 1
        }
        return Array(ticks.prefix(1))
    }

    /// The position of a point; nil if a value is not on its axis (not finite, or not positive on a logarithmic axis).
    private func position(_ x: Double, _ y: Double) -> (x: Double, y: Double)? {
        guard let xFraction = xScale.fraction(of: x), let yFraction = yScale.fraction(of: y) else { return nil }
        return (left + xFraction * (right - left), bottom - min(1, max(0, yFraction)) * (bottom - top))
    }

    func drawAxes(_ plot: Plot, into drawing: inout Drawing) {
        for value in yMinor { if let y = y(of: value) { drawing.line(left, y, left + 3, y, class: "axis") } }
        for value in xMinor { if let x = x(of: value) { drawing.line(x, bottom, x, bottom - 3, class: "axis") } }
        for tick in yTicks {
            guard let y = y(of: tick.value) else { continue }
            drawing.line(left, y, right, y, class: "gridline")
            if tick.width(size: FigureSize.textSize) > left - 8, tick.exponent.isEmpty {
                drawing.text(tick.text, x: left - 6, y: y + 4, class: "end", fitting: left - 8)
            } else {
                drawing.text(tick, x: left - 6, y: y + 4, class: "end")
            }
        }
        for tick in xTicks {
            guard let x = x(of: tick.value) else { continue }
            drawing.line(x, bottom, x, bottom + 4, class: "axis")
            // The first and the last label stay inside the drawing.
            let half = tick.width(size: FigureSize.textSize) / 2
            drawing.text(tick, x: min(max(x, half + 1), FigureSize.width - half - 1), y: bottom + 15, class: "middle")
        }
        drawing.line(left, bottom, right, bottom, class: "axis")
        if !plot.y.label.isEmpty {
            drawing.text(plot.y.label, x: 4, y: top - 9, class: "muted", fitting: FigureSize.width - 8)
        }
        if !plot.x.label.isEmpty {
            drawing.text(
                plot.x.label, x: (left + right) / 2, y: bottom + 30, class: "middle muted", fitting: right - left)
        }
    }

    func drawEmpty(into drawing: inout Drawing) {
        drawing.text("no values", x: (left + right) / 2, y: (top + bottom) / 2, class: "middle muted")
    }

    func draw(_ line: ReferenceLine, into drawing: inout Drawing) {
        let ends: [(Double, Double)] =
            switch line.shape {
            case .horizontal(let y): [(xScale.lower, y), (xScale.upper, y)]
            case .vertical(let x): [(x, yScale.lower), (x, yScale.upper)]
            case .power(let slope, let factor): curve { factor * pow($0, slope) }
            case .diagonal: curve { $0 }
            }
        drawing.path([visible(ends)], class: "reference", title: line.name)
    }

    func draw(_ band: Band, into drawing: inout Drawing) {
        let range = band.xRange ?? xScale.lower...xScale.upper
        guard let first = position(range.lowerBound, band.yRange.lowerBound),
            let last = position(range.upperBound, band.yRange.upperBound)
        else { return }
        drawing.group("neutral") {
            $0.rectangle(
                x: first.x, y: last.y, width: last.x - first.x, height: max(1, first.y - last.y), class: "band",
                title: band.name)
        }
    }

    /// 65 points of a function, over the whole x axis or a part of it.
    private func curve(from lower: Double? = nil, to upper: Double? = nil, _ function: (Double) -> Double) -> [(
        Double, Double
    )] {
        let low = lower ?? xScale.lower, high = upper ?? xScale.upper
        let intervals = 64
        return (0...intervals).map { k in
            let fraction = Double(k) / Double(intervals)
            let x = xScale.isLogarithmic ? low * pow(high / low, fraction) : low + fraction * (high - low)
            return (x, function(x))
        }
    }

    /// The positions of the points that lie within the axes.
    private func visible(_ points: [(Double, Double)]) -> [(x: Double, y: Double)] {
        points.compactMap { point in
            guard let fraction = yScale.fraction(of: point.1), fraction >= -1e-6, fraction <= 1 + 1e-6 else {
                return nil
            }
            return position(point.0, point.1)
        }
    }

    private func x(of value: Double) -> Double? {
        xScale.fraction(of: value).flatMap { $0 >= -1e-6 && $0 <= 1 + 1e-6 ? left + $0 * (right - left) : nil }
    }

    private func y(of value: Double) -> Double? {
        yScale.fraction(of: value).flatMap { $0 >= -1e-6 && $0 <= 1 + 1e-6 ? bottom - $0 * (bottom - top) : nil }
    }
}

// MARK: - Series

extension PlotLayout {
    /// Draws a series: its line, the fit, error bars, marks and tooltips.
    fileprivate func draw(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        let dash = series.appearance.dashClass
        if series.style == .line || series.style == .markedLine { drawLines(series, dash: dash, into: &drawing) }
        if let fit = series.fit {
            let xs = series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite }.map(\.x)
            if let low = xs.min(), let high = xs.max(), low < high {
                drawing.path(
                    [visible(curve(from: low, to: high, fit.value(at:)))], class: "fit",
                    title: "\(series.name) · \(fit.text)")
            }
        }
        if series.style == .bars { drawBars(series, of: plot, into: &drawing) }
        for point in series.points where point.deviation > 0 {
            guard let upper = position(point.x, point.y + point.deviation) else { continue }
            let lower = position(point.x, point.y - point.deviation)?.y ?? bottom
            drawing.path(
                [
                    [upper, (upper.x, lower)], [(upper.x - 3, upper.y), (upper.x + 3, upper.y)],
                    [(upper.x - 3, lower), (upper.x + 3, lower)],
                ],
                class: "error")
        }
        drawMarks(series, of: plot, into: &drawing)
    }

    private func drawLines(_ series: Series, dash: String, into drawing: inout Drawing) {
        let pieces = pieces(of: series.points)
        let heights = pieces.flatMap { $0.map { $0.position.y } }
        let window = series.smooths ? CurveDownsampling.smoothingWindow(for: heights) : 1
        let raw = pieces.map {
            CurveDownsampling.downsampled($0.map(\.position), columnWidth: series.appearance == .quiet ? 4 : 1)
        }
        drawing.path(raw, class: "line\(dash)" + (window > 1 ? " raw" : ""))
        if window > 1 {
            let values = series.points.map(\.y)
            let indices =
                stride(from: 0, to: values.count, by: max(1, values.count / 240)).map { $0 } + [values.count - 1]
            let means = CurveDownsampling.movingAverage(values, window: window, at: indices)
            let points = zip(indices, means).map { PlotPoint(series.points[$0].x, $1) }
            drawing.path(self.pieces(of: points).map { $0.map(\.position) }, class: "line\(dash)")
        }
        // A cross marks the end of a curve whose last values are not finite.
        for (piece, next) in zip(pieces, pieces.dropFirst().map { Optional($0) } + [nil]) {
            guard let last = piece.last, next == nil, last.index < series.points.count - 1 else { continue }
            drawing.cross(
                x: last.position.x, y: last.position.y, class: "error",
                title: "\(series.name) · no number after \(TypographicNumber.short(series.points[last.index].x, 6))")
        }
    }

    /// Runs of consecutive points that have a position, with the indices of the points.
    private func pieces(of points: [PlotPoint]) -> [[(index: Int, position: (x: Double, y: Double))]] {
        var pieces: [[(index: Int, position: (x: Double, y: Double))]] = []
        var isOpen = false
        for (index, point) in points.enumerated() {
            guard let position = position(point.x, point.y) else {
                isOpen = false
                continue
            }
            if !isOpen { pieces.append([]) }
            isOpen = true
            pieces[pieces.count - 1].append((index, position))
        }
        return pieces
    }

    private func drawBars(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        let half = 0.9 * series.halfBarWidth
        for point in series.points {
            guard let foot = position(point.x - half, 0), let end = position(point.x + half, point.y) else { continue }
            drawing.rectangle(
                x: foot.x, y: min(foot.y, end.y), width: end.x - foot.x, height: abs(end.y - foot.y), class: "bar",
                title: plot.hoverText(point, of: series))
        }
    }

    private func drawMarks(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        if series.style == .bars || series.appearance == .quiet && series.style == .line { return }
        let placed = series.points.filter { position($0.x, $0.y) != nil }
        let showsMarks = series.style != .line || placed.count == 1
        // One mark per point. A line without marks gets some invisible ones that carry tooltips.
        let maximumCount = showsMarks ? 2_000 : max(8, 160 / max(1, plot.series.count))
        let shown =
            placed.count <= maximumCount
            ? placed : (0..<maximumCount).map { placed[$0 * (placed.count - 1) / (maximumCount - 1)] }
        for point in shown {
            guard let position = position(point.x, point.y) else { continue }
            let title = plot.hoverText(point, of: series)
            var radius = placed.count > 40 ? 2.4 : 3.6
            if case .marked(_, _, let own) = series.appearance { radius = own }
            if series.style == .dots {
                drawing.mark(0, x: position.x, y: position.y, radius: 2.4, class: "dot", title: title)
            } else if showsMarks {
                drawing.mark(
                    series.appearance.shape, x: position.x, y: position.y, radius: radius, class: "mark", title: title)
            } else {
                drawing.mark(0, x: position.x, y: position.y, radius: 4.5, class: "hover", title: title)
            }
        }
    }
}
