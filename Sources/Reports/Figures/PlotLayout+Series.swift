import CoupletText
import Glibc

extension PlotLayout {
    static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

    /// Draws a series: its line, the fit, error bars, marks, and what shows under the pointer.
    func draw(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        let dash = series.look.dashClass
        if series.style == .line || series.style == .markedLine { drawLines(series, dash: dash, into: &drawing) }
        if let fit = series.fit {
            let xs = series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite }.map(\.x)
            if let low = xs.min(), let high = xs.max(), low < high {
                drawing.path(
                    [visible(curve(from: low, to: high, fit.value(at:)))], class: "fit",
                    title: "\(series.name) · \(fit.text)")
            }
        }
        for point in series.points where point.deviation > 0 {
            guard let upper = place(point.x, point.y + point.deviation) else { continue }
            let lower = place(point.x, point.y - point.deviation)?.y ?? bottom
            drawing.path(
                [
                    [upper, (upper.x, lower)], [(upper.x - 3, upper.y), (upper.x + 3, upper.y)],
                    [(upper.x - 3, lower), (upper.x + 3, lower)],
                ],
                class: "error")
        }
        drawMarks(series, of: plot, into: &drawing)
    }

    private func drawLines(_ series: Series, dash: String, into drawing: inout Drawing) {
        let pieces = pieces(of: series.points)
        let heights = pieces.flatMap { $0.map { $0.place.y } }
        let window = series.smooths ? CurveDownsampling.window(for: heights) : 1
        let raw = pieces.map { CurveDownsampling.thinned($0.map(\.place), columnWidth: series.look == .quiet ? 4 : 1) }
        drawing.path(raw, class: "line\(dash)" + (window > 1 ? " raw" : ""))
        if window > 1 {
            let values = series.points.map(\.y)
            let indices =
                stride(from: 0, to: values.count, by: max(1, values.count / 240)).map { $0 } + [values.count - 1]
            let means = CurveDownsampling.movingMean(values, window: window, at: indices)
            let points = zip(indices, means).map { PlotPoint(series.points[$0].x, $1) }
            drawing.path(self.pieces(of: points).map { $0.map(\.place) }, class: "line\(dash)")
        }
        // Where a curve ends in values that are no numbers, it says so.
        for (piece, next) in zip(pieces, pieces.dropFirst().map { Optional($0) } + [nil]) {
            guard let last = piece.last, next == nil, last.index < series.points.count - 1 else { continue }
            drawing.cross(
                x: last.place.x, y: last.place.y, class: "error",
                title: "\(series.name) · no number after \(TypographicNumber.short(series.points[last.index].x, 6))")
        }
    }

    /// Runs of points that have a place, with their numbers.
    private func pieces(of points: [PlotPoint]) -> [[(index: Int, place: (x: Double, y: Double))]] {
        var pieces: [[(index: Int, place: (x: Double, y: Double))]] = []
        var isOpen = false
        for (index, point) in points.enumerated() {
            guard let place = place(point.x, point.y) else {
                isOpen = false
                continue
            }
            if !isOpen { pieces.append([]) }
            isOpen = true
            pieces[pieces.count - 1].append((index, place))
        }
        return pieces
    }

    private func drawMarks(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        if series.look == .quiet, series.style == .line { return }
        let placed = series.points.filter { place($0.x, $0.y) != nil }
        let showsMarks = series.style != .line || placed.count == 1
        // A mark a point; where a line has none, some places that answer the pointer.
        let most = showsMarks ? 2_000 : max(8, 160 / max(1, plot.series.count))
        let shown = placed.count <= most ? placed : (0..<most).map { placed[$0 * (placed.count - 1) / (most - 1)] }
        for point in shown {
            guard let place = place(point.x, point.y) else { continue }
            let title = plot.hoverText(point, of: series)
            if series.style == .dots {
                drawing.mark(0, x: place.x, y: place.y, radius: 2.4, class: "dot", title: title)
            } else if showsMarks {
                drawing.mark(
                    series.look.shape, x: place.x, y: place.y, radius: placed.count > 40 ? 2.4 : 3.6, class: "mark",
                    title: title)
            } else {
                drawing.mark(0, x: place.x, y: place.y, radius: 4.5, class: "hover", title: title)
            }
        }
    }
}
