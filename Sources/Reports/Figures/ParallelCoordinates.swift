/// Parallel coordinates: one axis per variable and one line per item, such as a trial. The last axis ranks the items;
/// the lines of the best fifth stand out most.
public struct ParallelCoordinates: Figure {
    public struct Line: Equatable, Sendable {
        /// The tooltip.
        public var name: String
        /// The value on each axis; on an axis with categories, the index of the category. NaN: none, which breaks the
        /// line.
        public var values: [Double]

        public init(_ name: String, _ values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    public var title: String
    public var caption: String
    public var axes: [Axis]
    public var lines: [Line]
    /// Whether low values on the last axis are better.
    public var lowIsBetter: Bool

    public init(_ title: String, caption: String = "", axes: [Axis], lines: [Line], lowIsBetter: Bool) {
        precondition(
            axes.count >= 2 && lines.allSatisfy { $0.values.count == axes.count },
            "lines that do not fit \(axes.count) axes")
        self.title = title
        self.caption = caption
        self.axes = axes
        self.lines = lines
        self.lowIsBetter = lowIsBetter
    }

    public var width: Double { max(FigureSize.width, 60 + 110 * Double(axes.count - 1)) }

    public var legend: [LegendEntry] {
        zip([4, 3, 2, 1, 0], ["best fifth", "second", "third", "fourth", "worst fifth"]).map {
            LegendEntry($1, sample: .rank($0))
        }
    }

    public var summary: String { "\(lines.count) lines over \(axes.map(\.label).joined(separator: ", "))" }

    /// The fifth of each line, from 0 for the worst to 4 for the best; nil for a line without a value on the last axis.
    package var ranks: [Int?] {
        let order = lines.indices.filter { lines[$0].values[axes.count - 1].isFinite }.sorted { a, b in
            let (first, second) = (lines[a].values[axes.count - 1], lines[b].values[axes.count - 1])
            return first == second ? a < b : (first > second) == lowIsBetter
        }
        var ranks = [Int?](repeating: nil, count: lines.count)
        for (position, index) in order.enumerated() { ranks[index] = order.count == 1 ? 4 : position * 5 / order.count }
        if let best = order.last { ranks[best] = 4 }
        return ranks
    }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let first = top + 24, bottom = first + FigureSize.plotHeight
        let left = 52.0, gap = (width - left - 48) / Double(axes.count - 1)
        let scales = axes.enumerated().map { index, axis in
            Scale(axis, values: lines.map { $0.values[index] }, margin: 0.04)
        }
        func position(_ value: Double, on axis: Int) -> (x: Double, y: Double)? {
            scales[axis].fraction(of: value).map { (left + Double(axis) * gap, bottom - $0 * (bottom - first)) }
        }
        let ranks = ranks
        for rank in 0..<5 {
            drawing.group("rank\(rank + 1)") { drawing in
                for (line, lineRank) in zip(lines, ranks) where lineRank == rank {
                    let parts = axes.indices.map { position(line.values[$0], on: $0) }
                        .split(whereSeparator: { $0 == nil }).map { $0.compactMap(\.self) }
                    if !parts.isEmpty { drawing.path(parts, class: "path", title: line.name) }
                }
            }
        }
        for (index, axis) in axes.enumerated() {
            let x = left + Double(index) * gap
            drawing.line(x, first, x, bottom, class: "axis")
            // Labels are centred on their axis; the first and the last label stay inside the drawing.
            let labelWidth = gap - 8, half = min(labelWidth, TextWidth.of(axis.label, size: FigureSize.textSize)) / 2
            drawing.text(
                axis.label, x: min(max(x, half + 2), width - half - 2), y: top + 13, class: "middle muted",
                fitting: labelWidth)
            for tick in ticks(axis, scales[index]) {
                guard let point = position(tick.value, on: index) else { continue }
                drawing.line(x - 3, point.y, x + 3, point.y, class: "axis")
                let isLast = index == axes.count - 1
                let text = TextWidth.fitted(tick.text, size: FigureSize.textSize, within: isLast ? 40 : gap - 14)
                drawing.text(
                    Tick(value: tick.value, text: text, exponent: tick.exponent), x: x + (index == 0 ? -6 : 6),
                    y: point.y + 4,
                    class: index == 0 ? "end halo" : "halo")
            }
        }
        return bottom + 10
    }

    /// The given tick values if their labels do not overlap; else round values.
    private func ticks(_ axis: Axis, _ scale: Scale) -> [Tick] {
        if let names = axis.categories { return names.enumerated().map { Tick(value: Double($0), text: $1) } }
        if let values = axis.ticks, values.count <= 8 {
            let ticks = Ticks.at(values, on: scale)
            let heights = ticks.compactMap { scale.fraction(of: $0.value) }.sorted()
            if zip(heights, heights.dropFirst()).allSatisfy({ ($1 - $0) * FigureSize.plotHeight >= 13 }) {
                return ticks
            }
        }
        return Ticks.of(scale, wanted: 5).labelled
    }
}
