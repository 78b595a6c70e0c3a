import CoupletText

extension PlotLayout {
    /// Draws a series: its line, the fit, error bars, marks and tooltips.
    func draw(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        let dash = series.appearance.dashClass
        drawEnvelope(series, into: &drawing)
        if series.style == .line || series.style == .markedLine { drawLines(series, dash: dash, into: &drawing) }
        if let fit = series.fit {
            let xs = series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite }.map(\.x)
            if let low = xs.min(), let high = xs.max(), low < high {
                drawing.path(
                    [visible(curve(from: low, to: high, fit.value(at:)))], class: "fit",
                    title: "\(series.name) · \(fit.text)")
            }
        }
        if series.style == .bars { drawBars(series, of: plot, into: &drawing) }
        for point in series.points where point.deviation > 0 {
            guard let upper = position(point.x, point.y + point.deviation) else { continue }
            let lower = position(point.x, point.y - point.deviation)?.y ?? bottom
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
        let heights = pieces.flatMap { $0.map { $0.position.y } }
        let window = series.smooths ? CurveDownsampling.smoothingWindow(for: heights) : 1
        let raw = pieces.map {
            CurveDownsampling.downsampled($0.map(\.position), columnWidth: series.appearance.isBackground ? 4 : 1)
        }
        drawing.path(
            raw, class: "line\(dash)" + (window > 1 ? " raw" : ""),
            title: series.appearance.isBackground ? series.name : "")
        if window > 1 {
            let values = series.points.map(\.y)
            let indices =
                stride(from: 0, to: values.count, by: max(1, values.count / 240)).map { $0 } + [values.count - 1]
            let means = CurveDownsampling.movingAverage(values, window: window, at: indices)
            let points = zip(indices, means).map { PlotPoint(series.points[$0].x, $1) }
            drawing.path(self.pieces(of: points).map { $0.map(\.position) }, class: "line\(dash)")
        }
        // A cross marks the end of a curve whose last values are not finite.
        for (piece, next) in zip(pieces, pieces.dropFirst().map { Optional($0) } + [nil]) {
            guard let last = piece.last, next == nil, last.index < series.points.count - 1 else { continue }
            drawing.cross(
                x: last.position.x, y: last.position.y, class: "error",
                title: "\(series.name) · no number after \(TypographicNumber.short(series.points[last.index].x, 6))")
        }
    }

    /// Draws the band of a series. Where the lower edge is not on a logarithmic axis, the band ends at the axis.
    private func drawEnvelope(_ series: Series, into drawing: inout Drawing) {
        let edges = series.envelope.compactMap { point -> (upper: (x: Double, y: Double), lower: Double)? in
            position(point.x, point.high).map { ($0, position(point.x, point.low)?.y ?? bottom) }
        }
        let upper = CurveDownsampling.downsampled(edges.map(\.upper))
        let lower = CurveDownsampling.downsampled(edges.map { ($0.upper.x, $0.lower) })
        drawing.area(upper + lower.reversed(), class: "envelope")
    }

    /// Runs of consecutive points that have a position, with the indices of the points.
    private func pieces(of points: [PlotPoint]) -> [[(index: Int, position: (x: Double, y: Double))]] {
        var pieces: [[(index: Int, position: (x: Double, y: Double))]] = []
        var isOpen = false
        for (index, point) in points.enumerated() {
            guard let position = position(point.x, point.y) else {
                isOpen = false
                continue
            }
            if !isOpen { pieces.append([]) }
            isOpen = true
            pieces[pieces.count - 1].append((index, position))
        }
        return pieces
    }

    private func drawBars(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        let half = 0.9 * series.halfBarWidth
        for point in series.points {
            guard let foot = position(point.x - half, 0), let end = position(point.x + half, point.y) else { continue }
            drawing.rectangle(
                x: foot.x, y: min(foot.y, end.y), width: end.x - foot.x, height: abs(end.y - foot.y), class: "bar",
                title: plot.hoverText(point, of: series))
        }
    }

    private func drawMarks(_ series: Series, of plot: Plot, into drawing: inout Drawing) {
        if series.style == .bars || series.appearance.isBackground && series.style == .line { return }
        let placed = series.points.filter { position($0.x, $0.y) != nil }
        let showsMarks = series.style != .line || placed.count == 1
        // One mark per point. A line without marks gets some invisible ones that carry tooltips.
        let maximumCount = showsMarks ? 2_000 : max(8, 160 / max(1, plot.series.count))
        let shown =
            placed.count <= maximumCount
            ? placed : (0..<maximumCount).map { placed[$0 * (placed.count - 1) / (maximumCount - 1)] }
        for point in shown {
            guard let position = position(point.x, point.y) else { continue }
            let title = plot.hoverText(point, of: series)
            var radius = placed.count > 40 ? 2.4 : 3.6
            if case .marked(_, _, let own) = series.appearance { radius = own }
            if series.style == .dots {
                drawing.mark(0, x: position.x, y: position.y, radius: 2.4, class: "dot", title: title)
            } else if showsMarks {
                drawing.mark(
                    series.appearance.shape, x: position.x, y: position.y, radius: radius, class: "mark", title: title)
            } else if drawing.purpose != .alternative {
                drawing.mark(0, x: position.x, y: position.y, radius: 4.5, class: "hover", title: title)
            }
        }
    }
}
