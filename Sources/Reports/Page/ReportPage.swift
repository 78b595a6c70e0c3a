/// A page of text, tables and figures, in one HTML file that needs nothing else: no network, no script. Light and dark, for a desktop and for a
/// phone. The same content gives the same text, to the byte.
///
///     let page = ReportPage(title: "Batch size") {
///         Paragraph("The error of the learned coupling falls like the square root of the batch.")
///         Section("Errors") {
///             FigureGroup(Plot("Error", x: Axis("batch size"), y: Axis("relative error"), series: [Series("joint", points).fitted()]))
///         }
///     }
///     try DurableFile.replace("report.html", with: page.html)
public struct ReportPage: Sendable {
    public let title: String
    /// Below the title, in grey: what made the page, from what.
    public let lead: String
    public let content: [any PageContent]

    public init(title: String, lead: String = "", @PageBuilder _ content: () -> [any PageContent]) {
        self.title = title
        self.lead = lead
        self.content = content()
    }

    /// The whole file: HTML that is well-formed XML too.
    public var html: String {
        var page = PageWriter()
        for part in content { part.write(to: &page) }
        var markup = Markup()
        markup.add(markup: "<!DOCTYPE html>\n")
        markup.element("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) { markup in
            markup.element("head") {
                $0.element("meta", ["charset": "utf-8"])
                $0.element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                $0.element("meta", ["name": "color-scheme", "content": "light dark"])
                $0.element("title", text: title)
                $0.element("style") {
                    $0.add(markup: Theme.variables + PageStyle.rules + Theme.figureRules + PageStyle.figureSizes)
                }
            }
            markup.add(markup: "\n")
            markup.element("body") { markup in
                markup.element("header") {
                    $0.element("h1", text: title)
                    if !lead.isEmpty { $0.element("p", ["class": "remark"], text: lead) }
                }
                if page.headings.count > 2 {
                    markup.element("nav", ["aria-label": "Contents"]) {
                        for (id, text) in page.headings { $0.element("a", ["href": "#\(id)"], text: text) }
                    }
                }
                markup.add(markup: "\n")
                markup.element("main") { $0.add(markup: "\n" + page.markup.text) }
            }
        }
        return markup.text + "\n"
    }
}
