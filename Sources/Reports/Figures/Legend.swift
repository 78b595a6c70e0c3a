/// What one colour or mark of a figure stands for.
public struct LegendEntry: Equatable, Sendable {
    enum Sample: Equatable, Sendable {
        case series(Series.Look, Series.Style)
        case reference
        case fit
        /// A fifth of the ranks, 0 the worst.
        case rank(Int)
    }

    public let text: String
    let sample: Sample

    init(_ text: String, sample: Sample) {
        self.text = text
        self.sample = sample
    }

    init(_ text: String, look: Series.Look, style: Series.Style) { self.init(text, sample: .series(look, style)) }
}

/// Draws legends: entries in rows, as many in a row as fit.
enum Legend {
    private static let rowHeight = 16.0
    private static let sampleWidth = 22.0

    /// - Returns: where what follows may begin.
    static func draw(_ entries: [LegendEntry], into drawing: inout Drawing, top: Double, width: Double) -> Double {
        var x = 4.0, y = top + rowHeight / 2
        for entry in entries {
            let room =
                sampleWidth + 6 + min(TextWidth.of(entry.text, size: FigureSize.textSize), width - sampleWidth - 14)
            if x > 4, x + room > width - 4 { (x, y) = (4, y + rowHeight) }
            sample(entry.sample, into: &drawing, x: x, y: y)
            drawing.text(entry.text, x: x + sampleWidth + 6, y: y + 4, fitting: width - sampleWidth - 14)
            x += room + 14
        }
        return y + rowHeight / 2 + 4
    }

    /// The sample alone, for a legend in a page's own text.
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
        case .series(let look, let style):
            drawing.group(look.colorClass) {
                if style == .line || style == .markedLine {
                    $0.line(x, y, x + sampleWidth, y, class: "line\(look.dashClass)")
                }
                if style == .markers || style == .markedLine {
                    $0.mark(look.shape, x: x + 11, y: y, radius: 3.6, class: "mark")
                }
                if style == .dots { $0.mark(0, x: x + 11, y: y, radius: 2.4, class: "dot") }
            }
        case .reference: drawing.line(x, y, x + sampleWidth, y, class: "reference")
        case .fit: drawing.group("neutral") { $0.line(x, y, x + sampleWidth, y, class: "fit") }
        case .rank(let fifth): drawing.group("rank\(fifth + 1)") { $0.line(x, y, x + sampleWidth, y, class: "path") }
        }
    }
}
