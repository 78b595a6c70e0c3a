/// A page of text, tables and figures in one HTML file, without scripts and without resources from the network. It
/// supports light and dark backgrounds, desktops and phones. The same content gives the same bytes.
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
    public let content: [any PageContent]

    public init(title: String, lead: String = "", @PageBuilder _ content: () -> [any PageContent]) {
        self.title = title
        self.lead = lead
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

/// The CSS rules of a page's text and tables. `Theme.figureRules` has the rules of its figures.
private enum PageStyle {
    static let rules = """
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0 auto;padding:1.5rem clamp(.75rem,3vw,2rem) 4rem;max-width:1280px;background:var(--ground);\
        color:var(--ink);\
        font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .3rem;overflow-wrap:anywhere}
        h2{font-size:1.25rem;line-height:1.3;margin:2.6rem 0 .7rem;padding-top:.7rem;border-top:1px solid var(--grid);\
        overflow-wrap:anywhere}
        h3{font-size:1.03rem;line-height:1.35;margin:1.7rem 0 .5rem;overflow-wrap:anywhere}
        h4{font-size:.95rem;line-height:1.35;margin:0 0 .25rem;overflow-wrap:anywhere}
        p{margin:.4rem 0 .8rem;max-width:75ch;overflow-wrap:anywhere}
        .remark{color:var(--muted);font-size:.9rem}
        .warning{color:var(--warning);font-size:.9rem;padding-left:.7rem;border-left:3px solid currentColor}
        nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:1rem 0 0;font-size:.95rem}
        a{color:var(--hue1);text-underline-offset:.15em}
        .table{overflow-x:auto;margin:.6rem 0 1.1rem;border:1px solid var(--grid);border-radius:6px;width:fit-content;\
        max-width:100%}
        table{border-collapse:separate;border-spacing:0;font-size:.88rem;font-variant-numeric:tabular-nums}
        th,td{padding:.36rem .75rem;text-align:right;white-space:nowrap;font-weight:400;\
        border-top:1px solid var(--grid)}
        thead th{font-weight:600;border-top:0;background:var(--card);vertical-align:bottom}
        tbody tr:first-child>*{border-top-width:1px}
        .facts tbody tr:first-child>*{border-top:0}
        th.text,td.text{text-align:left}
        tbody th{position:sticky;left:0;background:var(--ground);color:var(--ink);max-width:min(46vw,26rem);\
        overflow:hidden;text-overflow:ellipsis}
        thead th:first-child{position:sticky;left:0;z-index:1}
        td.long{max-width:44rem;white-space:normal;overflow-wrap:anywhere;min-width:16rem}
        .facts tbody th{color:var(--muted);position:static;min-width:6.5rem;overflow-wrap:normal}
        .facts td{white-space:normal;overflow-wrap:anywhere;min-width:0}
        .best{background:var(--best);font-weight:600}
        .apart{color:var(--warning);font-weight:600}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.6rem 0;padding:0;font-size:.88rem}
        .legend li{display:flex;align-items:center;gap:.4rem;overflow-wrap:anywhere}
        .sample{flex:none;margin-right:.35rem;vertical-align:-2px}
        .legend .sample{margin-right:0}
        .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,410px),1fr));gap:1.6rem 2rem;\
        margin:.8rem 0 1.2rem}
        figure{margin:0;min-width:0}
        figure.wide{grid-column:1/-1}
        .drawing{container-type:inline-size;overflow-x:auto}
        .drawing>svg{display:block;width:100%;height:auto;max-width:640px}
        .wide .drawing>svg{min-width:calc(var(--width)*.92);max-width:calc(var(--width)*1.5)}
        figcaption{color:var(--muted);font-size:.85rem;margin-top:.35rem}
        details{margin:.4rem 0}
        summary{cursor:pointer;overflow-wrap:anywhere}
        pre{overflow-x:auto;margin:.5rem 0 1rem;padding:.8rem 1rem;background:var(--card);border-radius:6px;\
        font:.82rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;tab-size:4}
        @media (max-width:480px){body{font-size:14.5px}th,td{padding:.32rem .55rem}h1{font-size:1.4rem}tbody th{\
        white-space:normal;overflow-wrap:break-word;min-width:6.5rem}}
        @media print{nav{display:none}figure,tr{break-inside:avoid}}
        """

    /// A drawing grows with its column, but its texts keep their size.
    static let figureSizes =
        "@container (min-width:500px){.drawing .figure{font-size:10px}}"
        + ".wide .drawing .figure{font-size:12px}@container (min-width:600px){.wide .drawing .figure{font-size:10px}}"
}
