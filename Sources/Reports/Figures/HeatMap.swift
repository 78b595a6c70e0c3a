import CoupletText

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
                width: cellWidth - 5, height: cellHeight - 5, color: ColorMap.sequential.textColor(fraction))
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
        if !values.contains(where: \.isFinite) { return bottom + 38 }
        return drawing.colorBar(
            ColorMap.sequential, color, label: valueLabel, left: left, width: width, top: bottom + 38)
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
        drawing.rectangle(
            x: x, y: y, width: width, height: height, fill: ColorMap.sequential.color(fraction), title: title)
        let text = TypographicNumber.short(value, 3)
        if TextWidth.of(text, size: FigureSize.textSize) <= width - 2 {
            drawing.text(
                text, x: frame.x + frame.width / 2, y: frame.y + frame.height / 2 + 4,
                color: ColorMap.sequential.textColor(fraction))
        }
    }
}
