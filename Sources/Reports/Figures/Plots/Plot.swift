import CoupletText

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
        drawing.group(CrosshairData.plotClass, layout.crosshair(self)) { draw(layout, into: &$0) }
        return layout.height
    }

    private func draw(_ layout: PlotLayout, into drawing: inout Drawing) {
        layout.drawAxes(self, into: &drawing)
        func draw(_ chosen: (Series) -> Bool) {
            for series in series where chosen(series) {
                drawing.group(series.appearance.colorClass, layout.crosshair(series)) {
                    layout.draw(series, of: self, into: &$0)
                }
            }
        }
        // Bands and references lie above bars, which would hide them, and below everything else. Quiet series lie
        // behind the others.
        draw { $0.style == .bars }
        for band in bands { layout.draw(band, into: &drawing) }
        for line in references { layout.draw(line, into: &drawing) }
        draw { $0.style != .bars && $0.appearance.isBackground }
        draw { $0.style != .bars && !$0.appearance.isBackground }
        if layout.isEmpty { layout.drawEmpty(into: &drawing) }
    }

    /// The tooltip of a point: "gaussian · step 1,200 · 0.0123".
    func hoverText(_ point: PlotPoint, of series: Series) -> String {
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
