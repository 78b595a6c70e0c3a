/// A page of text, tables and figures in one HTML file, without resources from the network. It supports light and dark
/// backgrounds, desktops and phones. A script in the file sorts tables, shows the values of curves and changes their
/// horizontal axes; without it the page shows the same content. The same content gives the same bytes.
///
///     let page = ReportPage(title: "Batch size") {
///         Paragraph("The error of the learned coupling falls like the square root of the batch.")
///         Section("Errors") {
///             FigureGroup(
///                 Plot(
///                     "Error", x: Axis("batch size"), y: Axis("relative error"),
///                     series: [Series("joint", points).fitted()]))
///         }
///     }
///     try DurableFile.replace("report.html", with: page.html)
public struct ReportPage: Sendable {
    public let title: String
    /// The grey line below the title: which program made the page, and from which data.
    public let lead: String
    /// The page that has a link to this one, relative to this one; nil for none.
    public let parent: PageLink?
    public let content: [any PageContent]

    public init(
        title: String, lead: String = "", parent: PageLink? = nil, @PageBuilder _ content: () -> [any PageContent]
    ) {
        self.title = title
        self.lead = lead
        self.parent = parent
        self.content = content()
    }

    /// Every figure of the page in its order, with a unique name that is made of the words of its title.
    public var figures: [NamedFigure] {
        var page = PageWriter()
        for part in content { part.write(to: &page) }
        return NamedFigure.distinct(page.figures.map(NamedFigure.init(titled:)))
    }

    /// The file: HTML that is also well-formed XML.
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
                    $0.add(
                        markup: Theme.variables + PageStyle.rules + SampleCards.rules + Theme.figureRules
                            + PageStyle.figureSizes)
                }
            }
            markup.add(markup: "\n")
            markup.element("body") { markup in
                markup.element("header") {
                    if let parent {
                        $0.element("p", ["class": "remark"]) {
                            $0.element("a", ["href": RelativeLink.percentEncoded(parent.path)], text: parent.text)
                        }
                    }
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
                markup.element("script") { $0.add(markup: PageScript.text) }
            }
        }
        return markup.text + "\n"
    }
}
