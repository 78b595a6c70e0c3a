/// A table; where a phone is too narrow for it, it scrolls sideways under its first column, which stays.
public struct DataTable: PageContent {
    public struct Cell: Equatable, Sendable, ExpressibleByStringLiteral {
        public var text: String
        /// Shows under the pointer, such as the whole of a digest that is cut short.
        public var title: String
        /// The best of those it is compared with.
        public var isBest: Bool
        /// A measured value that is not what stands beside it as the right one.
        public var isApart: Bool
        /// Colour and dash of this row or column in the figures.
        public var look: Series.Look?

        public init(
            _ text: String, title: String = "", isBest: Bool = false, isApart: Bool = false, look: Series.Look? = nil
        ) {
            self.text = text
            self.title = title
            self.isBest = isBest
            self.isApart = isApart
            self.look = look
        }

        public init(stringLiteral text: String) { self.init(text) }
    }

    public var columns: [Cell]
    public var rows: [[Cell]]
    /// Which columns hold text, to be set flush left; numbers stand flush right.
    public var textColumns: Set<Int>

    public init(columns: [Cell], rows: [[Cell]], textColumns: Set<Int> = [0]) {
        self.columns = columns
        self.rows = rows
        self.textColumns = textColumns
    }

    /// Names and their values, without a heading.
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
            cell.isApart ? "apart" : "",
        ].filter { !$0.isEmpty }.joined(separator: " ")
        markup.element(name, ["class": classes, "scope": scope, "title": cell.title == cell.text ? "" : cell.title]) {
            if let look = cell.look { $0.add(markup: Legend.sampleSVG(LegendEntry("", look: look, style: .line))) }
            $0.add(cell.text)
        }
    }
}
