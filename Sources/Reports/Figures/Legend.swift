/// The meaning of a colour or mark of a figure.
public struct LegendEntry: Equatable, Sendable {
    enum Sample: Equatable, Sendable {
        case series(Series.Appearance, Series.Style)
        case reference
        case fit
        /// A fifth of the ranks, from 0 for the worst to 4 for the best.
        case rank(Int)
        /// The frame of a picture.
        case frame(PictureGrid.Answer)
        /// The way, the start and an observed position of a drifter, and a velocity.
        case track, start, observed, arrow
        /// An area behind the series.
        case band
    }

    public let text: String
    let sample: Sample

    init(_ text: String, sample: Sample) {
        self.text = text
        self.sample = sample
    }

    init(_ text: String, appearance: Series.Appearance, style: Series.Style) {
        self.init(text, sample: .series(appearance, style))
    }
}

/// Draws legends. A row contains as many entries as fit.
enum Legend {
    private static let rowHeight = 16.0
    private static let sampleWidth = 22.0

    /// - Returns: The y coordinate of the lower edge.
    static func draw(_ entries: [LegendEntry], into drawing: inout Drawing, top: Double, width: Double) -> Double {
        var x = 4.0, y = top + rowHeight / 2
        for entry in entries {
            let entryWidth =
                sampleWidth + 6 + min(TextWidth.of(entry.text, size: FigureSize.textSize), width - sampleWidth - 14)
            if x > 4, x + entryWidth > width - 4 { (x, y) = (4, y + rowHeight) }
            sample(entry.sample, into: &drawing, x: x, y: y)
            drawing.text(entry.text, x: x + sampleWidth + 6, y: y + 4, fitting: width - sampleWidth - 14)
            x += entryWidth + 14
        }
        return y + rowHeight / 2 + 4
    }

    /// The sample of an entry without its text, for a legend in HTML.
    static func sampleSVG(_ entry: LegendEntry) -> String {
        var drawing = Drawing()
        sample(entry.sample, into: &drawing, x: 1, y: 7)
        var markup = Markup()
        markup.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "class": "figure sample", "viewBox": "0 0 24 14", "width": "24",
                "height": "14",
                "aria-hidden": "true",
            ]
        ) { $0.add(markup: drawing.markup.text) }
        return markup.text
    }

    private static func sample(_ sample: LegendEntry.Sample, into drawing: inout Drawing, x: Double, y: Double) {
        switch sample {
        case .series(let appearance, let style):
            drawing.group(appearance.colorClass) {
                if style == .line || style == .markedLine {
                    $0.line(x, y, x + sampleWidth, y, class: "line\(appearance.dashClass)")
                }
                if style == .markers || style == .markedLine {
                    $0.mark(appearance.shape, x: x + 11, y: y, radius: 3.6, class: "mark")
                }
                if style == .bars { $0.rectangle(x: x + 4, y: y - 5, width: 14, height: 10, class: "bar") }
                if style == .dots { $0.mark(0, x: x + 11, y: y, radius: 2.4, class: "dot") }
            }
        case .reference: drawing.line(x, y, x + sampleWidth, y, class: "reference")
        case .fit: drawing.group("neutral") { $0.line(x, y, x + sampleWidth, y, class: "fit") }
        case .frame(let answer): drawing.answer(answer, x: x + 3, y: y - 5, width: 14, height: 10)
        case .track:
            for name in ["casing", "track"] { drawing.line(x, y, x + sampleWidth, y, class: name) }
        case .start: drawing.mark(0, x: x + 11, y: y, radius: 3.6, class: "start")
        case .observed: drawing.mark(0, x: x + 11, y: y, radius: 2.2, class: "observed")
        case .arrow:
            drawing.line(x, y, x + sampleWidth, y, class: "casing")
            drawing.arrow(from: (x + 1, y), to: (x + sampleWidth - 1, y))
        case .band:
            drawing.group("neutral") {
                $0.rectangle(x: x, y: y - 5, width: sampleWidth, height: 10, class: "band")
            }
        case .rank(let fifth): drawing.group("rank\(fifth + 1)") { $0.line(x, y, x + sampleWidth, y, class: "path") }
        }
    }
}
