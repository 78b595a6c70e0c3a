/// Where everything of a plot lies: from values to units of the drawing, y downwards.
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
        }
        isEmpty = xs.isEmpty
        for line in plot.references {
            if case .horizontal(let value) = line.course { ys.append(value) }
            if case .vertical(let value) = line.course { xs.append(value) }
        }
        let hasCurves = plot.series.contains { $0.style == .line }
        xScale = Scale(plot.x, values: xs, margin: hasCurves ? 0.01 : 0.06)
        yScale = Self.vertical(plot, ys)

        let y = Ticks.of(yScale, wanted: 5)
        yTicks = Self.ticks(plot.y, on: yScale, round: y.labelled)
        yMinor = y.minor
        self.top = top + (plot.y.label.isEmpty ? 8 : 20)
        bottom = self.top + FigureSize.plotHeight
        let widest = yTicks.reduce(0) { max($0, $1.width(size: size)) }
        left = min(120, max(24, widest + 12))
        right = FigureSize.width - 10
        height = bottom + 18 + (plot.x.label.isEmpty ? 0 : 15)

        let x = Ticks.of(xScale, wanted: 6)
        let wanted = Self.ticks(plot.x, on: xScale, round: x.labelled)
        xMinor = plot.x.ticks == nil ? x.minor : []
        xTicks = Self.spaced(wanted, on: xScale, left: left, right: right)
    }

    /// An error bar that reaches to zero or below makes no axis linear: on a logarithmic one it is cut at the lower end.
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

    /// Every label, or every second, third, …: the most that do not touch.
    private static func spaced(_ ticks: [Tick], on scale: Scale, left: Double, right: Double) -> [Tick] {
        var stride = 1
        while stride < ticks.count {
            let kept = ticks.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
            let places = kept.map {
                (at: (scale.share(of: $0.value) ?? 0) * (right - left), half: $0.width(size: FigureSize.textSize) / 2)
            }
            if zip(places, places.dropFirst()).allSatisfy({ abs($1.at - $0.at) >= $0.half + $1.half + 6 }) {
                return kept
            }
            stride += 1
        }
        return Array(ticks.prefix(1))
    }

    /// nil where a value has no place on its axis.
    func place(_ x: Double, _ y: Double) -> (x: Double, y: Double)? {
        guard let across = xScale.share(of: x), let up = yScale.share(of: y) else { return nil }
        return (left + across * (right - left), bottom - min(1, max(0, up)) * (bottom - top))
    }

    func drawAxes(_ plot: Plot, into drawing: inout Drawing) {
        for value in yMinor { if let y = height(of: value) { drawing.line(left, y, left + 3, y, class: "axis") } }
        for value in xMinor { if let x = across(value) { drawing.line(x, bottom, x, bottom - 3, class: "axis") } }
        for tick in yTicks {
            guard let y = height(of: tick.value) else { continue }
            drawing.line(left, y, right, y, class: "gridline")
            if tick.width(size: FigureSize.textSize) > left - 8, tick.exponent.isEmpty {
                drawing.text(tick.text, x: left - 6, y: y + 4, class: "end", fitting: left - 8)
            } else {
                drawing.text(tick, x: left - 6, y: y + 4, class: "end")
            }
        }
        for tick in xTicks {
            guard let x = across(tick.value) else { continue }
            drawing.line(x, bottom, x, bottom + 4, class: "axis")
            // Labels at the ends stay within the drawing.
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
            switch line.course {
            case .horizontal(let y): [(xScale.lower, y), (xScale.upper, y)]
            case .vertical(let x): [(x, yScale.lower), (x, yScale.upper)]
            case .power(let slope, let factor): curve { factor * Self.power($0, slope) }
            }
        drawing.path([visible(ends)], class: "reference", title: line.name)
    }

    /// Points of a function over the whole axis: two where it is straight, more where it bends.
    func curve(from lower: Double? = nil, to upper: Double? = nil, _ function: (Double) -> Double) -> [(Double, Double)]
    {
        let low = lower ?? xScale.lower, high = upper ?? xScale.upper
        let count = 64
        return (0...count).map { k in
            let share = Double(k) / Double(count)
            let x = xScale.isLogarithmic ? low * Self.power(high / low, share) : low + share * (high - low)
            return (x, function(x))
        }
    }

    /// The part of a curve that lies within the axes, in units of the drawing.
    func visible(_ points: [(Double, Double)]) -> [(x: Double, y: Double)] {
        points.compactMap { point in
            guard let up = yScale.share(of: point.1), up >= -1e-6, up <= 1 + 1e-6 else { return nil }
            return place(point.0, point.1)
        }
    }

    private func across(_ value: Double) -> Double? {
        xScale.share(of: value).flatMap { $0 >= -1e-6 && $0 <= 1 + 1e-6 ? left + $0 * (right - left) : nil }
    }

    private func height(of value: Double) -> Double? {
        yScale.share(of: value).flatMap { $0 >= -1e-6 && $0 <= 1 + 1e-6 ? bottom - $0 * (bottom - top) : nil }
    }
}
