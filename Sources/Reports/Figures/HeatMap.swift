import CoupletText
import Glibc

/// Values over two variables, as a grid of coloured cells. Each cell contains its value if there is room for it.
public struct HeatMap: Figure {
    /// A cell. A cell without a value is drawn empty.
    public struct Cell: Equatable, Sendable {
        public var value: Double?
        /// The part of the tooltip that follows the value.
        public var label: String

        public init(_ value: Double?, label: String = "") {
            self.value = value
            self.label = label
        }
    }

    public var title: String
    public var caption: String
    /// The names of the variables of the columns and of the rows.
    public var xLabel: String
    public var yLabel: String
    /// The name of the values that the colours show.
    public var valueLabel: String
    public var columns: [String]
    public var rows: [String]
    /// The cells of each row; the first row is the lowest.
    public var cells: [[Cell]]
    /// The scale of the colours.
    public var scale: AxisScale
    /// Row and column of a framed cell, such as the best one.
    public var chosen: (row: Int, column: Int)?

    public init(
        _ title: String, caption: String = "", xLabel: String, yLabel: String, valueLabel: String, columns: [String],
        rows: [String],
        cells: [[Cell]], scale: AxisScale = .automatic, chosen: (row: Int, column: Int)? = nil
    ) {
        precondition(
            cells.count == rows.count && cells.allSatisfy { $0.count == columns.count },
            "\(cells.count) rows of cells of \(cells.map(\.count)) for \(rows.count) × \(columns.count)")
        self.title = title
        self.caption = caption
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.valueLabel = valueLabel
        self.columns = columns
        self.rows = rows
        self.cells = cells
        self.scale = scale
        self.chosen = chosen
    }

    public var legend: [LegendEntry] { [] }

    public var summary: String {
        let values = cells.flatMap { $0.compactMap(\.value) }.filter(\.isFinite)
        return "\(valueLabel) over \(xLabel) and \(yLabel), \(rows.count) × \(columns.count) cells, "
            + "from \(TypographicNumber.short(values.min())) to \(TypographicNumber.short(values.max()))"
    }

    /// Smallest width of a column.
    private static let minimumCellWidth = 30.0

    private var left: Double {
        min(110, max(24, (rows.map { TextWidth.of($0, size: FigureSize.textSize) }.max() ?? 0) + 10))
    }

    public var width: Double { max(FigureSize.width, left + 10 + Self.minimumCellWidth * Double(columns.count)) }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let values = cells.flatMap { $0.compactMap(\.value) }
        let color = Scale(Axis("", scale: scale), values: values, margin: 0)
        let cellWidth = (width - 10 - left) / Double(max(1, columns.count))
        let cellHeight = min(40, max(20, FigureSize.plotHeight / Double(max(1, rows.count))))
        let first = top + 20
        drawing.text(yLabel, x: 4, y: top + 11, class: "muted", fitting: width - 8)
        for (row, line) in cells.enumerated() {
            // The first row is the lowest, as on an axis.
            let y = first + Double(rows.count - 1 - row) * cellHeight
            drawing.text(rows[row], x: left - 6, y: y + cellHeight / 2 + 4, class: "end", fitting: left - 8)
            for (column, cell) in line.enumerated() {
                draw(
                    cell, row: row, column: column, color,
                    (left + Double(column) * cellWidth, y, cellWidth, cellHeight), into: &drawing)
            }
        }
        if let chosen, rows.indices.contains(chosen.row), columns.indices.contains(chosen.column) {
            let fraction = cells[chosen.row][chosen.column].value.flatMap(color.fraction) ?? 0
            drawing.frame(
                x: left + Double(chosen.column) * cellWidth + 2.5,
                y: first + Double(rows.count - 1 - chosen.row) * cellHeight + 2.5,
                width: cellWidth - 5, height: cellHeight - 5, color: ColorMap.textColor(fraction))
        }
        let bottom = first + Double(rows.count) * cellHeight
        // Every label, or every second, third, …, so that labels do not touch.
        let widest = columns.map { TextWidth.of($0, size: FigureSize.textSize) }.max() ?? 0
        let labelStride = max(1, Int(((min(widest, 3 * cellWidth) + 6) / cellWidth).rounded(.up)))
        for (column, name) in columns.enumerated() where column % labelStride == 0 {
            drawing.text(
                name, x: left + (Double(column) + 0.5) * cellWidth, y: bottom + 14, class: "middle",
                fitting: Double(labelStride) * cellWidth - 4)
        }
        drawing.text(xLabel, x: (left + width - 10) / 2, y: bottom + 29, class: "middle muted", fitting: width - left)
        return drawColorBar(color, isEmpty: !values.contains(where: \.isFinite), top: bottom + 38, into: &drawing)
    }

    private func draw(
        _ cell: Cell, row: Int, column: Int, _ color: Scale,
        _ frame: (x: Double, y: Double, width: Double, height: Double),
        into drawing: inout Drawing
    ) {
        let names = ["\(xLabel) \(columns[column])", "\(yLabel) \(rows[row])"].joined(separator: ", ")
        let (x, y, width, height) = (frame.x + 0.5, frame.y + 0.5, frame.width - 1, frame.height - 1)
        guard let value = cell.value, let fraction = color.fraction(of: value) else {
            let reason = cell.label.isEmpty ? "no value" : cell.label
            return drawing.rectangle(
                x: x, y: y, width: width, height: height, class: "absent", title: "\(names) · \(reason)")
        }
        let title = ["\(names) · \(valueLabel) \(TypographicNumber.short(value, 5))", cell.label].filter { !$0.isEmpty }
            .joined(separator: " · ")
        drawing.rectangle(x: x, y: y, width: width, height: height, fill: ColorMap.color(fraction), title: title)
        let text = TypographicNumber.short(value, 3)
        if TextWidth.of(text, size: FigureSize.textSize) <= width - 2 {
            drawing.text(
                text, x: frame.x + frame.width / 2, y: frame.y + frame.height / 2 + 4,
                color: ColorMap.textColor(fraction))
        }
    }

    /// Draws the bar of colours with its values.
    private func drawColorBar(_ color: Scale, isEmpty: Bool, top: Double, into drawing: inout Drawing) -> Double {
        if isEmpty { return top }
        let count = 48, barWidth = min(220, width - left - 90)
        drawing.text(valueLabel, x: 4, y: top + 11, class: "muted", fitting: width - barWidth - 50)
        let start = width - 10 - barWidth - 20
        for k in 0..<count {
            drawing.rectangle(
                x: start + barWidth * Double(k) / Double(count), y: top + 2, width: barWidth / Double(count) + 0.3,
                height: 9,
                fill: ColorMap.color(Double(k) / Double(count - 1)))
        }
        var lastLabelEnd = -Double.infinity
        for tick in Ticks.of(color, wanted: 3).labelled {
            guard let fraction = color.fraction(of: tick.value), fraction >= -1e-6, fraction <= 1 + 1e-6 else {
                continue
            }
            let x = start + fraction * barWidth, half = tick.width(size: FigureSize.textSize) / 2
            guard x - half > lastLabelEnd + 4 else { continue }
            lastLabelEnd = x + half
            drawing.line(x, top + 11, x, top + 14, class: "axis")
            drawing.text(tick, x: x, y: top + 25, class: "middle")
        }
        return top + 30
    }
}

/// The colours of a heat map, from dark to bright. The lightness grows evenly, so that the order is also visible in
/// grey and with colour blindness. The fixed points are from viridis (van der Walt and Smith, matplotlib).
package enum ColorMap {
    private static let stops: [(Double, Double, Double)] = [
        (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137), (53, 183, 121),
        (109, 205, 89),
        (180, 222, 44), (253, 231, 37),
    ]

    /// Returns the colour "#rrggbb" of a fraction from 0 to 1.
    package static func color(_ fraction: Double) -> String { hex(components(fraction)) }

    /// Returns black or white, whichever has the higher contrast with the colour of the fraction.
    package static func textColor(_ fraction: Double) -> String {
        let (r, g, b) = components(fraction)
        func linear(_ value: Double) -> Double {
            value <= 10.31 ? value / 255 / 12.92 : pow((value / 255 + 0.055) / 1.055, 2.4)
        }
        let luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        return luminance > 0.179 ? "#000000" : "#ffffff"
    }

    private static func components(_ fraction: Double) -> (Double, Double, Double) {
        let position = min(1, max(0, fraction.isNaN ? 0 : fraction)) * Double(stops.count - 1)
        let index = min(stops.count - 2, Int(position)), rest = position - Double(index)
        let (a, b) = (stops[index], stops[index + 1])
        return (a.0 + rest * (b.0 - a.0), a.1 + rest * (b.1 - a.1), a.2 + rest * (b.2 - a.2))
    }

    private static func hex(_ color: (Double, Double, Double)) -> String {
        "#"
            + [color.0, color.1, color.2].map { value in
                let digits = String(Int(value.rounded()), radix: 16)
                return digits.count < 2 ? "0" + digits : digits
            }.joined()
    }
}
