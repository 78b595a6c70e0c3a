import CoupletText

/// A horizontal bar for each name, with its value as text: figures of several methods side by side. An error bar shows
/// a standard error.
public struct BarChart: Figure {
    /// A bar. A bar without a finite value is a name only.
    public struct Bar: Equatable, Sendable {
        public var name: String
        public var value: Double
        /// Half the length of the error bar; 0 for none.
        public var deviation: Double
        public var appearance: Series.Appearance
        /// The part of the tooltip that follows the value.
        public var label: String

        public init(
            _ name: String, _ value: Double, deviation: Double = 0, appearance: Series.Appearance = .numbered(0),
            label: String = ""
        ) {
            self.name = name
            self.value = value
            self.deviation = deviation
            self.appearance = appearance
            self.label = label
        }
    }

    public var title: String
    public var caption: String
    /// The name of the values.
    public var valueLabel: String
    /// From top to bottom.
    public var bars: [Bar]
    /// A value that is marked by a vertical line, such as a limit; nil for none.
    public var reference: (value: Double, name: String)?

    public init(
        _ title: String, caption: String = "", valueLabel: String, bars: [Bar],
        reference: (value: Double, name: String)? = nil
    ) {
        self.title = title
        self.caption = caption
        self.valueLabel = valueLabel
        self.bars = bars
        self.reference = reference
    }

    public var legend: [LegendEntry] { reference.map { [LegendEntry($0.name, sample: .reference)] } ?? [] }

    public var summary: String {
        "\(valueLabel): "
            + bars.map { "\($0.name) \(TypographicNumber.short($0.value, 3))" }.joined(separator: ", ")
    }

    private static let rowHeight = 20.0, valueWidth = 62.0

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let size = FigureSize.textSize
        let left = min(170, (bars.map { TextWidth.of($0.name, size: size) }.max() ?? 0) + 14)
        let right = width - 4 - Self.valueWidth, first = top + 20
        let ends = bars.flatMap { [$0.value - $0.deviation, $0.value + $0.deviation] }
        let scale = Scale(
            Axis("", scale: .linear, includesZero: true), values: ends + (reference.map { [$0.value] } ?? []), margin: 0
        )
        func x(_ value: Double) -> Double? { scale.fraction(of: value).map { left + $0 * (right - left) } }
        drawing.text(valueLabel, x: 4, y: top + 11, class: "muted", fitting: width - 8)
        let bottom = first + Double(bars.count) * Self.rowHeight
        if let zero = x(0) { drawing.line(zero, first, zero, bottom, class: "axis") }
        for (row, bar) in bars.enumerated() {
            let y = first + (Double(row) + 0.5) * Self.rowHeight
            drawing.text(bar.name, x: left - 8, y: y + 4, class: "end", fitting: left - 10)
            guard let zero = x(0), let end = x(bar.value) else { continue }
            let spread = bar.deviation > 0 ? " ± \(TypographicNumber.short(bar.deviation, 2))" : ""
            let text = TypographicNumber.short(bar.value, 3)
            drawing.group(bar.appearance.colorClass) {
                $0.rectangle(
                    x: min(zero, end), y: y - 6.5, width: abs(end - zero), height: 13, class: "bar",
                    title: ["\(bar.name) · \(text)\(spread)", bar.label].filter { !$0.isEmpty }
                        .joined(separator: " · "))
            }
            if bar.deviation > 0, let low = x(bar.value - bar.deviation), let high = x(bar.value + bar.deviation) {
                drawing.path(
                    [[(low, y), (high, y)], [(low, y - 3), (low, y + 3)], [(high, y - 3), (high, y + 3)]],
                    class: "error")
            }
            drawing.text(text, x: width - 4, y: y + 4, class: "end")
        }
        if let reference, let position = x(reference.value) {
            drawing.line(position, first - 2, position, bottom + 2, class: "reference", title: reference.name)
        }
        return bottom + 6
    }
}
