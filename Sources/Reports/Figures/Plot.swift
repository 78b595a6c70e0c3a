import CoupletText

/// Series over two axes.
///
///     Plot("Error of the coupling", x: Axis("batch size"), y: Axis("relative error"), series: [Series("joint", points).fitted()]).svg
public struct Plot: Figure {
    public var title: String
    public var caption: String
    public var x: Axis
    public var y: Axis
    public var series: [Series]
    public var references: [ReferenceLine]

    public init(
        _ title: String, caption: String = "", x: Axis, y: Axis, series: [Series], references: [ReferenceLine] = []
    ) {
        self.title = title
        self.caption = caption
        self.x = x
        self.y = y
        self.series = series
        self.references = references
    }

    public var legend: [LegendEntry] {
        series.compactMap(\.entry)
            + references.filter { !$0.name.isEmpty }.map { LegendEntry($0.name, sample: .reference) }
    }

    public var summary: String {
        let count = series.count == 1 ? "" : ", \(series.count) series"
        let over = x.label.isEmpty ? "" : " over \(x.label)"
        return
            "\(y.label.isEmpty ? title : y.label)\(over)\(count), from \(TypographicNumber.short(extent.low)) to \(TypographicNumber.short(extent.high))"
    }

    private var extent: (low: Double?, high: Double?) {
        let values = series.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
        return (values.min(), values.max())
    }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let layout = PlotLayout(self, top: top)
        layout.drawAxes(self, into: &drawing)
        for line in references { layout.draw(line, into: &drawing) }
        // The quiet ones lie behind the others.
        for one in series.filter({ $0.look == .quiet }) + series.filter({ $0.look != .quiet }) {
            drawing.group(one.look.colorClass) { layout.draw(one, of: self, into: &$0) }
        }
        if layout.isEmpty { layout.drawEmpty(into: &drawing) }
        return layout.height
    }

    /// What shows under the pointer: "gaussian · step 1,200 · 0.0123".
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
