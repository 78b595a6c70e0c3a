import Glibc

/// The positions of a plot's axes, and the map from values to units of the drawing (y points downwards).
struct PlotLayout {
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
            for point in series.envelope { ys += [point.low, point.high] }
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
        // Marks at the first and the last x need room.
        let hasCurves =
            plot.series.contains { $0.style == .line || $0.style == .bars }
            && !plot.series.contains { $0.style == .markers }
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
    func position(_ x: Double, _ y: Double) -> (x: Double, y: Double)? {
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
    func curve(from lower: Double? = nil, to upper: Double? = nil, _ function: (Double) -> Double) -> [(
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
    func visible(_ points: [(Double, Double)]) -> [(x: Double, y: Double)] {
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
