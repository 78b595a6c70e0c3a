import CoupletImages
import CoupletText

/// Flows on the periodic unit square, side by side with one scale of colours: the stream function ψ as an image, its
/// contours, which are the stream lines, arrows of the velocity (-∂ψ/∂y, ∂ψ/∂x), and the tracks of drifters.
///
///     let figure = FlowFigure(
///         "A flow and the flows found from its drifters",
///         panels: [
///             .init("truth", field: truth, side: 32, drifters: .init(count: 8, paths: paths, observed: tracks)),
///             .init("found first", field: found, side: 32, remark: "p = 0.83", answer: .wrong),
///         ],
///         valueLabel: "ψ in its prior standard deviation")
public struct FlowFigure: Figure {
    /// Drifters on the periodic square. Positions that leave the square, such as x = 1.2, are drawn at x = 0.2.
    public struct Drifters: Equatable, Sendable {
        public let count: Int
        /// Ways of the drifters, drawn as lines: count × P × 2, each (x, y); empty for none.
        public let paths: [Float]
        /// Observed positions, drawn as points: count × (T + 1) × 2. The first is the start, drawn as a ring. Empty
        /// for none; the paths' first positions are the starts then.
        public let observed: [Float]

        public init(count: Int, paths: [Float] = [], observed: [Float] = []) {
            precondition(
                count > 0 && paths.count % (2 * count) == 0 && observed.count % (2 * count) == 0,
                "\(paths.count) and \(observed.count) numbers for positions of \(count) drifters")
            self.count = count
            self.paths = paths
            self.observed = observed
        }

        /// The positions of each drifter.
        static func positions(_ numbers: [Float], count: Int) -> [[PolygonalPath.Point]] {
            let length = numbers.count / count / 2
            return (0..<count).map { drifter in
                (0..<length).map { k in
                    let first = (drifter * length + k) * 2
                    return (Double(numbers[first]), Double(numbers[first + 1]))
                }
            }
        }
    }

    /// One flow.
    public struct Panel: Equatable, Sendable {
        public var title: String
        /// The text below the panel; may be empty.
        public var remark: String
        /// ψ: side × side. Row i, column j is the value at x = j / side, y = i / side.
        public let field: [Float]
        public let side: Int
        public var drifters: Drifters?
        /// A frame as in `PictureGrid`: whether the flow is the right answer. Nil for none.
        public var answer: PictureGrid.Answer?

        public init(
            _ title: String, field: [Float], side: Int, drifters: Drifters? = nil, remark: String = "",
            answer: PictureGrid.Answer? = nil
        ) {
            precondition(side > 0 && field.count == side * side, "\(field.count) values on \(side) × \(side) points")
            self.title = title
            self.remark = remark
            self.field = field
            self.side = side
            self.drifters = drifters
            self.answer = answer
        }
    }

    /// What the fields are.
    public enum Content: Equatable, Sendable {
        /// ψ, with stream lines, and with this number of arrows in each direction (0 for none). The scale of colours
        /// is symmetric about zero.
        case streamFunction(arrows: Int)
        /// Values from zero up, such as standard deviations, with contours.
        case magnitude
    }

    public var title: String
    public var caption: String
    public var panels: [Panel]
    /// The name of the values that the colours show.
    public var valueLabel: String
    public var content: Content
    /// Panels in a row.
    public var columns: Int

    /// - Parameter columns: Panels in a row; nil for all, but at most four.
    public init(
        _ title: String, caption: String = "", panels: [Panel], valueLabel: String,
        content: Content = .streamFunction(arrows: 9), columns: Int? = nil
    ) {
        precondition(columns ?? 1 > 0, "\(columns ?? 0) panels in a row")
        self.title = title
        self.caption = caption
        self.panels = panels
        self.valueLabel = valueLabel
        self.content = content
        self.columns = columns ?? min(4, max(1, panels.count))
    }

    public var legend: [LegendEntry] {
        let drifters = panels.compactMap(\.drifters), answers = panels.compactMap(\.answer)
        var entries: [LegendEntry] = []
        if drifters.contains(where: { !$0.paths.isEmpty }) { entries.append(LegendEntry("path", sample: .track)) }
        if !drifters.isEmpty { entries.append(LegendEntry("start", sample: .start)) }
        if drifters.contains(where: { !$0.observed.isEmpty }) {
            entries.append(LegendEntry("observed position", sample: .observed))
        }
        if case .streamFunction(let arrows) = content, arrows > 0 {
            entries.append(LegendEntry("velocity", sample: .arrow))
        }
        if answers.contains(.right) { entries.append(LegendEntry("right", sample: .frame(.right))) }
        if answers.contains(.wrong) { entries.append(LegendEntry("wrong", sample: .frame(.wrong))) }
        return entries
    }

    public var summary: String {
        let values = panels.flatMap(\.field).filter(\.isFinite)
        return "\(valueLabel) of \(panels.count) \(panels.count == 1 ? "flow" : "flows"), "
            + "from \(TypographicNumber.short(values.min().map(Double.init), 3)) to "
            + "\(TypographicNumber.short(values.max().map(Double.init), 3))"
    }

    fileprivate static let gap = 12.0, smallestPanel = 196.0

    public var width: Double { max(FigureSize.width, 8 + Double(columns) * (Self.smallestPanel + Self.gap) - Self.gap) }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let side = (width - 8 - Double(columns - 1) * Self.gap) / Double(columns)
        let panelSide = min(side, 260), drawer = FlowDrawer(self, panelSide: panelSide)
        var y = top
        for first in stride(from: 0, to: panels.count, by: columns) {
            let row = panels[first..<min(first + columns, panels.count)]
            for (column, panel) in row.enumerated() {
                drawer.draw(panel, x: 4 + Double(column) * (panelSide + Self.gap), top: y, into: &drawing)
            }
            y += 18 + panelSide + (row.contains { !$0.remark.isEmpty } ? 16 : 0) + 8
        }
        if panels.isEmpty {
            drawing.text("no flows", x: width / 2, y: y + 12, class: "middle muted")
            return y + 20
        }
        return drawer.drawScale(valueLabel, width: width, top: y, into: &drawing)
    }
}

/// Draws the panels of a figure with one scale of colours and of arrows.
private struct FlowDrawer {
    let panelSide: Double
    let content: FlowFigure.Content
    let scale: Scale
    let map: ColorMap
    let levels: [Double]
    /// The greatest speed at the arrows of all panels.
    let greatestSpeed: Double

    /// Pixels of an image and cells of the contours' grid, in each direction. Browsers smooth images.
    private static let pixels = 72, cells = 64

    init(_ figure: FlowFigure, panelSide: Double) {
        self.panelSide = panelSide
        content = figure.content
        let limit = figure.panels.flatMap(\.field).filter(\.isFinite).reduce(0) { max($0, Double(abs($1))) }
        let upper = limit > 0 ? limit : 1
        let count = 10
        switch content {
        case .streamFunction(let arrows):
            scale = Scale(isLogarithmic: false, lower: -upper, upper: upper)
            map = .diverging
            levels = (1..<count).map { upper * (2 * Double($0) / Double(count) - 1) }
            greatestSpeed =
                figure.panels.flatMap { Self.velocities($0, arrows: arrows) }
                .reduce(0) { max($0, ($1.u * $1.u + $1.v * $1.v).squareRoot()) }
        case .magnitude:
            scale = Scale(isLogarithmic: false, lower: 0, upper: upper)
            map = .sequential
            levels = (1..<count).map { upper * Double($0) / Double(count) }
            greatestSpeed = 0
        }
    }

    /// The velocities at the centres of arrows × arrows cells.
    private static func velocities(
        _ panel: FlowFigure.Panel, arrows: Int
    ) -> [(x: Double, y: Double, u: Double, v: Double)] {
        guard arrows > 0 else { return [] }
        let field = PeriodicField(panel.field, side: panel.side)
        let inX = field.sampled(.slopeInX, count: arrows, offset: 0.5)
        let inY = field.sampled(.slopeInY, count: arrows, offset: 0.5)
        return inX.indices.map { k in
            (
                (Double(k % arrows) + 0.5) / Double(arrows), (Double(k / arrows) + 0.5) / Double(arrows), -inY[k],
                inX[k]
            )
        }
    }

    func draw(_ panel: FlowFigure.Panel, x: Double, top: Double, into drawing: inout Drawing) {
        drawing.text(panel.title, x: x, y: top + 12, fitting: panelSide)
        let upper = top + 18
        /// y points upwards in the square and downwards in the drawing.
        func place(_ point: PolygonalPath.Point) -> PolygonalPath.Point {
            (x + point.x * panelSide, upper + (1 - point.y) * panelSide)
        }
        let field = PeriodicField(panel.field, side: panel.side)
        drawing.image(
            image(of: field), x: x, y: upper, width: panelSide, height: panelSide,
            title: panel.remark.isEmpty ? panel.title : "\(panel.title) · \(panel.remark)")
        drawContours(of: field, place, into: &drawing)
        if case .streamFunction(let arrows) = content {
            for arrow in Self.velocities(panel, arrows: arrows) { draw(arrow, arrows, place, into: &drawing) }
        }
        if let drifters = panel.drifters { draw(drifters, place, into: &drawing) }
        if let answer = panel.answer {
            drawing.answer(answer, x: x, y: upper, width: panelSide, height: panelSide)
        } else {
            drawing.path(
                [[place((0, 0)), place((1, 0)), place((1, 1)), place((0, 1)), place((0, 0))]], class: "axis")
        }
        drawing.text(panel.remark, x: x, y: upper + panelSide + 14, class: "muted", fitting: panelSide)
    }

    private func image(of field: PeriodicField) -> Picture {
        let count = Self.pixels, values = field.sampled(.value, count: count, offset: 0.5)
        // The first row of the image is the uppermost, with the largest y.
        let colors = (0..<count).reversed().flatMap { row in
            (0..<count).map { map.bytes(scale.fraction(of: values[row * count + $0]) ?? 0.5) }
        }
        return Picture(
            channels: 3, height: count, width: count,
            pixels: (0..<3).flatMap { channel in colors.map { $0[channel] } })
    }

    private func drawContours(
        of field: PeriodicField, _ place: (PolygonalPath.Point) -> PolygonalPath.Point, into drawing: inout Drawing
    ) {
        // The grid repeats its first row and column at the end, so that lines reach both sides of the square.
        let cells = Self.cells, count = cells + 1, values = field.sampled(.value, count: cells)
        let closed = (0..<count).flatMap { row in
            (0..<count).map { values[row % cells * cells + $0 % cells] }
        }
        var lines: [[PolygonalPath.Point]] = []
        for level in levels {
            for line in ContourLines(closed, rows: count, columns: count, level: level).lines {
                let placed = line.map { place(($0.x / Double(cells), $0.y / Double(cells))) }
                lines.append(PolygonalPath.simplified(placed, tolerance: 0.12))
            }
        }
        drawing.path(lines, class: "stream")
    }

    /// The arrow of a velocity. The longest one has the width of a cell.
    private func draw(
        _ arrow: (x: Double, y: Double, u: Double, v: Double), _ arrows: Int,
        _ place: (PolygonalPath.Point) -> PolygonalPath.Point, into drawing: inout Drawing
    ) {
        guard greatestSpeed > 0 else { return }
        let factor = 0.9 / Double(arrows) / greatestSpeed, (dx, dy) = (arrow.u * factor, arrow.v * factor)
        let tail = place((arrow.x - dx / 2, arrow.y - dy / 2)), head = place((arrow.x + dx / 2, arrow.y + dy / 2))
        drawing.arrow(from: tail, to: head)
    }

    private func draw(
        _ drifters: FlowFigure.Drifters, _ place: (PolygonalPath.Point) -> PolygonalPath.Point,
        into drawing: inout Drawing
    ) {
        let paths = FlowFigure.Drifters.positions(drifters.paths, count: drifters.count)
        let observed = FlowFigure.Drifters.positions(drifters.observed, count: drifters.count)
        let lines = paths.flatMap { PolygonalPath.wrapped($0).map { $0.map(place) } }
        drawing.path(lines, class: "casing")
        drawing.path(lines, class: "track")
        for (drifter, points) in observed.enumerated() {
            for point in points.dropFirst() {
                let position = place(PolygonalPath.wrapped(point))
                drawing.mark(
                    0, x: position.x, y: position.y, radius: 2.2, class: "observed", title: "drifter \(drifter + 1)")
            }
        }
        for (drifter, points) in (drifters.observed.isEmpty ? paths : observed).enumerated() {
            guard let start = points.first else { continue }
            let position = place(PolygonalPath.wrapped(start))
            drawing.mark(
                0, x: position.x, y: position.y, radius: 3.6, class: "start", title: "start of drifter \(drifter + 1)")
        }
    }

    func drawScale(_ label: String, width: Double, top: Double, into drawing: inout Drawing) -> Double {
        drawing.colorBar(map, scale, label: label, left: 0, width: width, top: top)
    }
}

extension Drawing {
    /// An arrow. Its head has a third of its length, at most 4 units.
    mutating func arrow(from tail: (x: Double, y: Double), to head: (x: Double, y: Double)) {
        let (dx, dy) = (head.x - tail.x, head.y - tail.y), length = (dx * dx + dy * dy).squareRoot()
        guard length > 0.3 else { return }
        let size = min(4, length / 3), (ux, uy) = (dx / length * size, dy / length * size)
        let wings = [-0.6, 0.6].map { (x: head.x - ux - $0 * uy, y: head.y - uy + $0 * ux) }
        path([[tail, head], [wings[0], head, wings[1]]], class: "arrow")
    }
}
