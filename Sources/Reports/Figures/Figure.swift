/// A plot, a heat map or parallel coordinates. The same figure always gives the same SVG text.
///
/// A drawing is about 420 units wide, which is about the width of a phone's screen in pixels. In a page it grows with
/// the column, while its texts keep the size of the surrounding text.
public protocol Figure: Sendable {
    var title: String { get }
    /// What the figure shows and how to read it; may be empty.
    var caption: String { get }
    /// The meaning of the colours and marks.
    var legend: [LegendEntry] { get }
    /// The width in units. Wide figures (many columns, many axes) scroll horizontally on a phone.
    var width: Double { get }
    /// The description for screen readers.
    var summary: String { get }
    /// The same data on other axes, such as the wall time in place of the step; empty for none. A page shows the figure
    /// itself until the reader chooses others.
    var alternatives: [AlternativeFigure] { get }
    /// Draws the figure below the coordinate `top`, over the whole width.
    /// - Returns: The y coordinate of the lower edge.
    func draw(into drawing: inout Drawing, top: Double) -> Double
}

/// A figure that shows the data of another one on other axes.
public struct AlternativeFigure: Sendable {
    /// The choice of axes, one of `AxisChoice`.
    let choice: AxisChoice
    let figure: any Figure
}

extension Figure {
    public var width: Double { FigureSize.width }
    public var alternatives: [AlternativeFigure] { [] }

    /// The figure as an SVG file with its title and legend, and with colours for light and dark backgrounds.
    public var svg: String {
        var drawing = Drawing()
        drawing.text(title, x: 4, y: 17, class: "title", fitting: width - 8)
        var top = 28.0
        if !legend.isEmpty { top = Legend.draw(legend, into: &drawing, top: top, width: width) }
        let height = draw(into: &drawing, top: top)
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            + markup(drawing, height: height, isStandalone: true) + "\n"
    }

    /// The figure without its title and legend, as an element of a page that contains `Theme.variables` and
    /// `Theme.figureRules`.
    /// - Parameter purpose: `page` or `alternative`.
    func inlineSVG(_ purpose: Drawing.Purpose = .page) -> String {
        var drawing = Drawing(purpose)
        let height = draw(into: &drawing, top: 2)
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
                $0.element("title", text: title)
                $0.element("desc", text: caption)
                $0.element("style") { $0.add(markup: Theme.standaloneRules) }
                $0.element("rect", ["class": "backdrop", "width": "100%", "height": "100%"])
            }
            $0.add(markup: drawing.markup.text)
        }
        return markup.text
    }
}

/// The sizes that all figures share, in units of the drawing.
enum FigureSize {
    static let width = 420.0
    /// Height of the area within the axes.
    static let plotHeight = 190.0
    static let textSize = 12.0
}
