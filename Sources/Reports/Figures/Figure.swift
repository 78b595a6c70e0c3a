/// Something drawn: a plot, a heat map, parallel coordinates. A value; drawn twice, it gives the same text.
///
/// A drawing is some 420 units wide, which a phone shows at about its own size; in a page it widens with the column, and its texts then
/// stay as large as the text around it.
public protocol Figure: Sendable {
    var title: String { get }
    /// What the figure shows and how to read it, beyond its title; may be empty.
    var caption: String { get }
    /// What the colours and marks stand for.
    var legend: [LegendEntry] { get }
    /// In units; wide figures (many columns, many axes) scroll sideways on a phone.
    var width: Double { get }
    /// What a screen reader says.
    var summary: String { get }
    /// Draws below `top`, over the whole width.
    /// - Returns: the height reached.
    func draw(into drawing: inout Drawing, top: Double) -> Double
}

extension Figure {
    public var width: Double { FigureSize.width }

    /// As a file of its own, with its title and legend: XML, with colours for light and for dark ground.
    public var svg: String {
        var drawing = Drawing()
        drawing.text(title, x: 4, y: 17, class: "title", fitting: width - 8)
        var top = 28.0
        if !legend.isEmpty { top = Legend.draw(legend, into: &drawing, top: top, width: width) }
        let height = draw(into: &drawing, top: top)
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            + markup(drawing, height: height, isStandalone: true) + "\n"
    }

    /// For a page that brings `Theme.variables` and `Theme.figureRules`.
    func inlineSVG(withLegend: Bool) -> String {
        var drawing = Drawing()
        var top = 2.0
        if withLegend, !legend.isEmpty { top = Legend.draw(legend, into: &drawing, top: top, width: width) }
        let height = draw(into: &drawing, top: top)
        return markup(drawing, height: height, isStandalone: false)
    }

    private func markup(_ drawing: Drawing, height: Double, isStandalone: Bool) -> String {
        var markup = Markup()
        let size = (Markup.coordinate(width), Markup.coordinate(height))
        markup.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "class": "figure", "viewBox": "0 0 \(size.0) \(size.1)",
                "width": isStandalone ? size.0 : "", "height": isStandalone ? size.1 : "", "role": "img",
                "aria-label": summary.isEmpty ? title : "\(title). \(summary)",
            ]
        ) {
            if isStandalone {
                $0.element("desc", text: caption)
                $0.element("style") { $0.add(markup: Theme.standaloneRules) }
                $0.element("rect", ["class": "backdrop", "width": "100%", "height": "100%"])
            }
            $0.add(markup: drawing.markup.text)
        }
        return markup.text
    }
}

/// The measures all figures share.
enum FigureSize {
    static let width = 420.0
    /// Of the area within the axes.
    static let plotHeight = 190.0
    static let textSize = 12.0
}
