/// A table. On a narrow screen it scrolls horizontally while its first column stays in place.
public struct DataTable: PageContent {
    public struct Cell: Equatable, Sendable, ExpressibleByStringLiteral {
        public var text: String
        /// The tooltip, such as the whole of a shortened digest.
        public var title: String
        /// Whether the value is the best of those it is compared with.
        public var isBest: Bool
        /// Whether a measured value contradicts the expected value next to it.
        public var isUnexpected: Bool
        /// The appearance of this row or column in the figures.
        public var appearance: Series.Appearance?

        public init(
            _ text: String, title: String = "", isBest: Bool = false, isUnexpected: Bool = false,
            appearance: Series.Appearance? = nil
        ) {
            self.text = text
            self.title = title
            self.isBest = isBest
            self.isUnexpected = isUnexpected
            self.appearance = appearance
        }

        public init(stringLiteral text: String) { self.init(text) }
    }

    public var columns: [Cell]
    public var rows: [[Cell]]
    /// The columns that contain text and are left-aligned. Other columns contain numbers and are right-aligned.
    public var textColumns: Set<Int>

    public init(columns: [Cell], rows: [[Cell]], textColumns: Set<Int> = [0]) {
        self.columns = columns
        self.rows = rows
        self.textColumns = textColumns
    }

    /// A table of names and values without a header.
    public init(facts: [(String, Cell)]) {
        self.init(columns: [], rows: facts.map { [Cell($0.0), $0.1] }, textColumns: [0, 1])
    }

    public func write(to page: inout PageWriter) {
        page.markup.element("div", ["class": "table", "tabindex": "0"]) { markup in
            markup.element("table", ["class": columns.isEmpty ? "facts" : ""]) { markup in
                if !columns.isEmpty {
                    markup.element("thead") { markup in
                        markup.element("tr") { row in
                            for (index, cell) in columns.enumerated() {
                                write(cell, "th", index, scope: "col", to: &row)
                            }
                        }
                    }
                }
                markup.element("tbody") { markup in
                    for cells in rows {
                        markup.element("tr") { row in
                            for (index, cell) in cells.enumerated() {
                                write(cell, index == 0 ? "th" : "td", index, scope: index == 0 ? "row" : "", to: &row)
                            }
                        }
                        markup.add(markup: "\n")
                    }
                }
            }
        }
        page.markup.add(markup: "\n")
    }

    private func write(_ cell: Cell, _ name: String, _ column: Int, scope: String, to markup: inout Markup) {
        let classes = [
            textColumns.contains(column) ? "text" : "", cell.text.count > 48 ? "long" : "", cell.isBest ? "best" : "",
            cell.isUnexpected ? "apart" : "",
        ].filter { !$0.isEmpty }.joined(separator: " ")
        markup.element(name, ["class": classes, "scope": scope, "title": cell.title == cell.text ? "" : cell.title]) {
            if let appearance = cell.appearance {
                $0.add(markup: Legend.sampleSVG(LegendEntry("", appearance: appearance, style: .line)))
            }
            $0.add(cell.text)
        }
    }
}
