/// A part of a page: a section, a paragraph, a table, figures, folded text.
public protocol PageContent: Sendable {
    func write(to page: inout PageWriter)
}

/// What the parts of a page write themselves to.
public struct PageWriter: Sendable {
    var markup = Markup()
    /// The headings so far, for the list of contents: those of the first level.
    private(set) var headings: [(id: String, text: String)] = []
    var depth = 0

    init() {}

    /// A heading's address within the page.
    mutating func heading(_ text: String) -> String {
        let id = "section-\(headings.count + 1)"
        headings.append((id, text))
        return id
    }
}

/// Collects the parts of a page or section as Swift's result builders do: one after the other, with `if` and `for`.
@resultBuilder
public enum PageBuilder {
    public static func buildExpression(_ part: any PageContent) -> [any PageContent] { [part] }
    public static func buildExpression(_ parts: [any PageContent]) -> [any PageContent] { parts }
    public static func buildBlock(_ parts: [any PageContent]...) -> [any PageContent] { parts.flatMap { $0 } }
    public static func buildOptional(_ parts: [any PageContent]?) -> [any PageContent] { parts ?? [] }
    public static func buildEither(first parts: [any PageContent]) -> [any PageContent] { parts }
    public static func buildEither(second parts: [any PageContent]) -> [any PageContent] { parts }
    public static func buildArray(_ parts: [[any PageContent]]) -> [any PageContent] { parts.flatMap { $0 } }
}

/// A heading and what stands below it. Sections within sections have smaller headings.
public struct Section: PageContent {
    public let heading: String
    public let content: [any PageContent]

    public init(_ heading: String, @PageBuilder _ content: () -> [any PageContent]) {
        self.heading = heading
        self.content = content()
    }

    public func write(to page: inout PageWriter) {
        let level = min(6, page.depth + 2)
        page.markup.add(markup: "<section>\n")
        if page.depth == 0 {
            let id = page.heading(heading)
            page.markup.element("h\(level)", ["id": id], text: heading)
        } else {
            page.markup.element("h\(level)", text: heading)
        }
        page.markup.add(markup: "\n")
        page.depth += 1
        for part in content { part.write(to: &page) }
        page.depth -= 1
        page.markup.add(markup: "</section>\n")
    }
}

public struct Paragraph: PageContent {
    public enum Kind: Sendable {
        case plain
        /// In smaller grey letters.
        case remark
        /// Something is wrong or missing.
        case warning
    }

    public let text: String
    public let kind: Kind

    public init(_ text: String, _ kind: Kind = .plain) {
        self.text = text
        self.kind = kind
    }

    public func write(to page: inout PageWriter) {
        page.markup.element("p", ["class": kind == .plain ? "" : kind == .remark ? "remark" : "warning"], text: text)
        page.markup.add(markup: "\n")
    }
}

/// Long text, such as a config, that opens when its summary is touched.
public struct CollapsibleText: PageContent {
    public let summary: String
    public let text: String

    public init(_ summary: String, text: String) {
        self.summary = summary
        self.text = text
    }

    public func write(to page: inout PageWriter) {
        page.markup.element("details") {
            $0.element("summary", text: summary)
            $0.element("pre", ["tabindex": "0"], text: text)
        }
        page.markup.add(markup: "\n")
    }
}

/// Figures side by side where there is room, one below the other where there is not. A legend that all of them share stands once above them.
public struct FigureGroup: PageContent {
    public let figures: [any Figure]

    public init(_ figures: [any Figure]) { self.figures = figures }
    public init(_ figures: any Figure...) { self.figures = figures }

    public func write(to page: inout PageWriter) {
        guard let first = figures.first else { return }
        let shared = figures.count > 1 && !first.legend.isEmpty && figures.allSatisfy { $0.legend == first.legend }
        if shared {
            page.markup.element("ul", ["class": "legend"]) {
                for entry in first.legend {
                    $0.element("li") {
                        $0.add(markup: Legend.sampleSVG(entry))
                        $0.element("span", text: entry.text)
                    }
                }
            }
        }
        page.markup.add(markup: "\n<div class=\"figures\">\n")
        for figure in figures {
            let isWide = figure.width > FigureSize.width
            page.markup.element("figure", ["class": isWide ? "wide" : ""]) {
                $0.element("h4", text: figure.title)
                $0.element(
                    "div", ["class": "drawing", "style": isWide ? "--width:\(Markup.coordinate(figure.width))px" : ""]
                ) {
                    $0.add(markup: figure.inlineSVG(withLegend: !shared))
                }
                if !figure.caption.isEmpty { $0.element("figcaption", text: figure.caption) }
            }
            page.markup.add(markup: "\n")
        }
        page.markup.add(markup: "</div>\n")
    }
}
