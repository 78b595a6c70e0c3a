/// A part of a page: a section, a paragraph, a table, figures or collapsible text.
public protocol PageContent: Sendable {
    func write(to page: inout PageWriter)
}

/// The output of a page's parts.
public struct PageWriter: Sendable {
    var markup = Markup()
    /// The first-level headings so far, for the table of contents.
    private(set) var headings: [(id: String, text: String)] = []
    /// The figures so far.
    private(set) var figures: [any Figure] = []
    /// Number of sections that enclose the current part.
    fileprivate var depth = 0

    init() {}

    var figureCount: Int { figures.count }

    mutating func add(_ figures: [any Figure]) { self.figures += figures }

    /// Adds a heading to the table of contents and returns its id.
    fileprivate mutating func addHeading(_ text: String) -> String {
        let id = "section-\(headings.count + 1)"
        headings.append((id, text))
        return id
    }
}

/// The result builder of pages and sections: it lists their parts in order, with `if` and `for`.
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

/// A heading with content. Nested sections have smaller headings.
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
            let id = page.addHeading(heading)
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
        /// Small and grey.
        case remark
        /// A note that something is wrong or missing.
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

/// Long text, such as a config, that is hidden until the reader opens its summary.
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
            $0.element("pre", ["class": "scrolls", "tabindex": "0"], text: text)
        }
        page.markup.add(markup: "\n")
    }
}
