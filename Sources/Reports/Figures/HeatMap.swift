import CoupletText

/// A value for each pair of two others: a coloured cell a pair, its value written in it where there is room.
public struct HeatMap: Figure {
    /// A cell; nil values are drawn empty.
    public struct Cell: Equatable, Sendable {
        public var value: Double?
        /// What shows under the pointer besides the value.
        public var label: String

        public init(_ value: Double?, label: String = "") {
            self.value = value
            self.label = label
        }
    }

    public var title: String
    public var caption: String
    /// What varies from column to column, and from row to row.
    public var xLabel: String
    public var yLabel: String
    /// What the colours show.
    public var valueLabel: String
    public var columns: [String]
    public var rows: [String]
    /// A row of cells a row, from the bottom up.
    public var cells: [[Cell]]
    /// Logarithmic colours where values span decades, unless told otherwise.
    public var scale: AxisScale
    /// Row and column of the cell to be framed, such as the best.
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

    private static let narrowest = 30.0

    private var left: Double {
        min(110, max(24, (rows.map { TextWidth.of($0, size: FigureSize.textSize) }.max() ?? 0) + 10))
    }

    public var width: Double { max(FigureSize.width, left + 10 + Self.narrowest * Double(columns.count)) }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let values = cells.flatMap { $0.compactMap(\.value) }
        let color = Scale(Axis("", scale: scale), values: values, margin: 0)
        let cellWidth = (width - 10 - left) / Double(max(1, columns.count))
        let cellHeight = min(40, max(20, FigureSize.plotHeight / Double(max(1, rows.count))))
        let first = top + 20
        drawing.text(yLabel, x: 4, y: top + 11, class: "muted", fitting: width - 8)
        for (row, line) in cells.enumerated() {
            // The first row lies at the bottom, as on an axis.
            let y = first + Double(rows.count - 1 - row) * cellHeight
            drawing.text(rows[row], x: left - 6, y: y + cellHeight / 2 + 4, class: "end", fitting: left - 8)
            for (column, cell) in line.enumerated() {
                draw(
                    cell, row: row, column: column, color,
                    (left + Double(column) * cellWidth, y, cellWidth, cellHeight), into: &drawing)
            }
        }
        if let chosen, rows.indices.contains(chosen.row), columns.indices.contains(chosen.column) {
            let share = cells[chosen.row][chosen.column].value.flatMap(color.share) ?? 0
            drawing.frame(
                x: left + Double(chosen.column) * cellWidth + 2.5,
                y: first + Double(rows.count - 1 - chosen.row) * cellHeight + 2.5,
                width: cellWidth - 5, height: cellHeight - 5, color: ColorMap.ink(share))
        }
        let bottom = first + Double(rows.count) * cellHeight
        // Every label, or every second, … where they would touch.
        let widest = columns.map { TextWidth.of($0, size: FigureSize.textSize) }.max() ?? 0
        let every = max(1, Int(((min(widest, 3 * cellWidth) + 6) / cellWidth).rounded(.up)))
        for (column, name) in columns.enumerated() where column % every == 0 {
            drawing.text(
                name, x: left + (Double(column) + 0.5) * cellWidth, y: bottom + 14, class: "middle",
                fitting: Double(every) * cellWidth - 4)
        }
        drawing.text(xLabel, x: (left + width - 10) / 2, y: bottom + 29, class: "middle muted", fitting: width - left)
        return drawRamp(color, isEmpty: !values.contains(where: \.isFinite), top: bottom + 38, into: &drawing)
    }

    private func draw(
        _ cell: Cell, row: Int, column: Int, _ color: Scale,
        _ place: (x: Double, y: Double, width: Double, height: Double),
        into drawing: inout Drawing
    ) {
        let names = ["\(xLabel) \(columns[column])", "\(yLabel) \(rows[row])"].joined(separator: ", ")
        let (x, y, width, height) = (place.x + 0.5, place.y + 0.5, place.width - 1, place.height - 1)
        guard let value = cell.value, let share = color.share(of: value) else {
            let why = cell.label.isEmpty ? "no value" : cell.label
            return drawing.rectangle(
                x: x, y: y, width: width, height: height, class: "absent", title: "\(names) · \(why)")
        }
        let title = ["\(names) · \(valueLabel) \(TypographicNumber.short(value, 5))", cell.label].filter { !$0.isEmpty }
            .joined(separator: " · ")
        drawing.rectangle(x: x, y: y, width: width, height: height, fill: ColorMap.color(share), title: title)
        let text = TypographicNumber.short(value, 3)
        if TextWidth.of(text, size: FigureSize.textSize) <= width - 2 {
            drawing.text(
                text, x: place.x + place.width / 2, y: place.y + place.height / 2 + 4, color: ColorMap.ink(share))
        }
    }

    /// The colours with their values.
    private func drawRamp(_ color: Scale, isEmpty: Bool, top: Double, into drawing: inout Drawing) -> Double {
        if isEmpty { return top }
        let count = 48, room = min(220, width - left - 90)
        drawing.text(valueLabel, x: 4, y: top + 11, class: "muted", fitting: width - room - 50)
        let start = width - 10 - room - 20
        for k in 0..<count {
            drawing.rectangle(
                x: start + room * Double(k) / Double(count), y: top + 2, width: room / Double(count) + 0.3, height: 9,
                fill: ColorMap.color(Double(k) / Double(count - 1)))
        }
        var reached = -Double.infinity
        for tick in Ticks.of(color, wanted: 3).labelled {
            guard let share = color.share(of: tick.value), share >= -1e-6, share <= 1 + 1e-6 else { continue }
            let x = start + share * room, half = tick.width(size: FigureSize.textSize) / 2
            guard x - half > reached + 4 else { continue }
            reached = x + half
            drawing.line(x, top + 11, x, top + 14, class: "axis")
            drawing.text(tick, x: x, y: top + 25, class: "middle")
        }
        return top + 30
    }
}
