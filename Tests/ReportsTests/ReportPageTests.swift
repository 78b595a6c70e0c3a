import CoupletReports
import TestSupport
import Testing

@Suite struct ReportPageTests {
    private static let nasty = "a<b>&\"c'\u{1}\u{FFFE}</script> –"

    private static var page: ReportPage {
        ReportPage(title: nasty, lead: nasty) {
            Paragraph(nasty)
            Section(nasty) {
                DataTable(
                    columns: [.init(nasty)],
                    rows: [[.init(nasty, title: nasty, isBest: true, appearance: .numbered(7))]])
                Section(nasty) { CollapsibleText(nasty, text: nasty) }
                for count in [1, 2] {
                    FigureGroup(
                        (0..<count).map { _ in
                            Plot(
                                nasty, caption: nasty, x: Axis(nasty), y: Axis(nasty),
                                series: [
                                    Series(
                                        nasty, [PlotPoint(1, 2, label: nasty), PlotPoint(2, 3)],
                                        appearance: .numbered(9))
                                ],
                                references: [
                                    ReferenceLine(.vertical(1.5), name: nasty),
                                    ReferenceLine(.power(slope: -1, factor: 3), name: "power"),
                                ])
                        })
                }
            }
        }
    }

    @Test func everyTextIsEscaped() {
        let markup = ParsedMarkup(Self.page.html)
        #expect(markup.problem == nil)
        // Characters that XML does not allow are replaced; all others come back unchanged.
        #expect(markup.all("h1").first?.text == "a<b>&\"c'\u{FFFD}\u{FFFD}</script> –")
        // The only script is the page's own; no text has become one.
        #expect(markup.all("script").count == 1 && markup.all("b").isEmpty)
        #expect(markup.all("script").first?.attributes.isEmpty == true)
        #expect(
            markup.all("svg").allSatisfy { $0.attributes["role"] == "img" || $0.attributes["aria-hidden"] == "true" })
        #expect(markup.all("svg", class: "figure").contains { $0.attributes["aria-label"]?.isEmpty == false })
    }

    @Test func theSameContentGivesTheSameText() { #expect(Self.page.html == Self.page.html) }

    /// The page refers to no resource that a browser would have to fetch.
    @Test func aPageNeedsNoNetwork() {
        let html = Self.page.html
        for word in ["src=", "@import", "url(", "<link", "fetch(", "import(", "XMLHttpRequest", "eval("] {
            #expect(!html.contains(word), "\(word)")
        }
        let addresses = html.split(separator: "\"").filter { $0.hasPrefix("http") }
        #expect(addresses.allSatisfy { $0 == "http://www.w3.org/1999/xhtml" || $0 == "http://www.w3.org/2000/svg" })
    }

    @Test func figuresWithEqualLegendsShareOne() {
        let plots = (0..<3).map {
            Plot("p\($0)", x: Axis("x"), y: Axis("y"), series: [Series("only", [PlotPoint(1, 2), PlotPoint(2, 3)])])
        }
        let markup = ParsedMarkup(ReportPage(title: "t") { FigureGroup(plots) }.html)
        #expect(markup.all("ul", class: "legend").count == 1)
        #expect(markup.all("text").allSatisfy { $0.text != "only" })
        // Figures with other legends have one each.
        let others = plots + [Plot("q", x: Axis("x"), y: Axis("y"), series: [Series("other", [PlotPoint(1, 2)])])]
        let each = ParsedMarkup(ReportPage(title: "t") { FigureGroup(others) }.html)
        #expect(each.all("ul", class: "legend").map(\.text) == ["only", "only", "only", "other"])
        #expect(ParsedMarkup(plots[0].svg).all("text").contains { $0.text == "only" })
    }

    @Test func figuresOfAPageHaveDistinctNames() {
        func plot(_ title: String) -> Plot { Plot(title, x: Axis("x"), y: Axis("y"), series: []) }
        let page = ReportPage(title: "t") {
            FigureGroup(plot("Error against σ, twice"), plot("σ"))
            Section("s") { Section("t") { FigureGroup(plot("error against: twice"), plot("Error against twice-2")) } }
        }
        #expect(
            page.figures.map(\.name) == [
                "error-against-twice", "figure", "error-against-twice-2", "error-against-twice-2-2",
            ])
        #expect(page.figures[2].figure.title == "error against: twice")
    }
}
