/// Figures in a grid with as many columns as fit. If all figures have the same legend, it appears once above them. If
/// figures have alternative axes, the page's script shows a switch above them.
public struct FigureGroup: PageContent {
    public let figures: [any Figure]

    public init(_ figures: [any Figure]) { self.figures = figures }
    public init(_ figures: any Figure...) { self.figures = figures }

    public func write(to page: inout PageWriter) {
        guard let first = figures.first else { return }
        page.add(figures)
        writeSwitch(to: &page)
        let sharesLegend =
            figures.count > 1 && !first.legend.isEmpty && figures.allSatisfy { $0.legend == first.legend }
        if sharesLegend { writeLegend(first.legend, to: &page.markup) }
        page.markup.add(markup: "\n<div class=\"figures\">\n")
        for figure in figures {
            page.markup.element("figure", ["class": isWide(figure) ? "wide" : ""]) {
                $0.element("h4", text: figure.title)
                if !sharesLegend, !figure.legend.isEmpty { writeLegend(figure.legend, to: &$0) }
                let alternatives = figure.alternatives
                writeDrawing(figure, to: &$0, choice: alternatives.isEmpty ? "" : AxisChoice.standard.name)
                for alternative in alternatives {
                    writeDrawing(alternative.figure, to: &$0, choice: alternative.choice.name, isHidden: true)
                }
                if !figure.caption.isEmpty { $0.element("figcaption", text: figure.caption) }
            }
            page.markup.add(markup: "\n")
        }
        page.markup.add(markup: "</div>\n")
    }

    private func isWide(_ figure: any Figure) -> Bool { figure.width > FigureSize.width }

    private func writeLegend(_ entries: [LegendEntry], to markup: inout Markup) {
        markup.element("ul", ["class": "legend"]) {
            for entry in entries {
                $0.element("li") {
                    $0.add(markup: Legend.sampleSVG(entry))
                    $0.element("span", text: entry.text)
                }
            }
        }
    }

    private func writeDrawing(_ figure: any Figure, to markup: inout Markup, choice: String, isHidden: Bool = false) {
        let width = isWide(figure) ? "--width:\(Markup.coordinate(figure.width))px" : ""
        markup.element(
            "div",
            [
                "class": isWide(figure) ? "drawing scrolls" : "drawing", "style": width, "data-axes": choice,
                "hidden": isHidden ? "hidden" : "", "tabindex": isWide(figure) ? "0" : "",
            ]
        ) { $0.add(markup: figure.inlineSVG(isHidden ? .alternative : .page)) }
    }

    /// The switch of the horizontal axes, which is hidden until the page's script shows it.
    private func writeSwitch(to page: inout PageWriter) {
        let choices = figures.flatMap { $0.alternatives.map(\.choice) }
        guard !choices.isEmpty else { return }
        let name = "axis-\(page.figureCount)"
        page.markup.element("form", ["class": "switch", "hidden": "hidden", "autocomplete": "off"]) {
            $0.element("fieldset") {
                $0.element("legend", text: "Horizontal axis")
                if choices.contains(where: { $0.quantity == .time }) {
                    for (quantity, text) in [(AxisChoice.Quantity.step, "step"), (.time, "wall time")] {
                        $0.element("label") {
                            $0.element(
                                "input",
                                [
                                    "type": "radio", "name": name, "value": quantity.rawValue,
                                    "checked": quantity == .step ? "checked" : "",
                                ])
                            $0.add(" \(text)")
                        }
                    }
                }
                $0.element("label") {
                    $0.element("input", ["type": "checkbox", "name": "\(name)-logarithmic"])
                    $0.add(" logarithmic")
                }
            }
        }
    }
}
