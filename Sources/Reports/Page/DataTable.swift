import CoupletText

/// A table. On a narrow screen it scrolls horizontally while its first column stays in place. The page's script sorts
/// its rows by a column (`TableSortingScript`).
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
        /// The path of a page about the row, relative to the page of the table; nil for none.
        public var link: String?
        /// The number by which the column is sorted; nil to take it from the text.
        public var sortValue: Double?

        public init(
            _ text: String, title: String = "", isBest: Bool = false, isUnexpected: Bool = false,
            appearance: Series.Appearance? = nil, link: String? = nil, sortValue: Double? = nil
        ) {
            self.text = text
            self.title = title
            self.isBest = isBest
            self.isUnexpected = isUnexpected
            self.appearance = appearance
            self.link = link
            self.sortValue = sortValue
        }

        public init(stringLiteral text: String) { self.init(text) }

        /// The attribute `data-value` of a cell in a column of numbers: the number by which it is sorted, where a
        /// script cannot take it from the text itself. Empty for none.
        fileprivate var dataValue: String {
            guard let number = sortValue ?? TypographicNumber.value(of: text), !number.isNaN else { return "" }
            if number == Double(text) { return "" }
            return number.isFinite ? "\(number)" : number < 0 ? "-Infinity" : "Infinity"
        }
    }

    public var columns: [Cell]
    public var rows: [[Cell]]
    /// The columns that contain text and are left-aligned. Other columns contain numbers and are right-aligned.
    public var textColumns: Set<Int>
    /// Whether the rows may be sorted. Rows of different quantities, such as the figures of an evaluation, have an
    /// order of their own.
    public var isSortable: Bool

    public init(columns: [Cell], rows: [[Cell]], textColumns: Set<Int> = [0], isSortable: Bool = true) {
        self.columns = columns
        self.rows = rows
        self.textColumns = textColumns
        self.isSortable = isSortable
    }

    /// A table of names and values without a header.
    public init(facts: [(String, Cell)]) {
        self.init(columns: [], rows: facts.map { [Cell($0.0), $0.1] }, textColumns: [0, 1])
    }

    public func write(to page: inout PageWriter) {
        let sorts = isSortable && !columns.isEmpty && rows.count > 1
        page.markup.element("div", ["class": "table scrolls", "tabindex": "0"]) { markup in
            markup.element("table", ["class": columns.isEmpty ? "facts" : sorts ? "sortable" : ""]) { markup in
                if !columns.isEmpty {
                    markup.element("thead") { markup in
                        markup.element("tr") { row in
                            for (index, cell) in columns.enumerated() {
                                write(cell, "th", index, scope: "col", sorts: false, to: &row)
                            }
                        }
                    }
                }
                markup.element("tbody") { markup in
                    for cells in rows {
                        markup.element("tr") { row in
                            for (index, cell) in cells.enumerated() {
                                write(
                                    cell, index == 0 ? "th" : "td", index, scope: index == 0 ? "row" : "",
                                    sorts: sorts, to: &row)
                            }
                        }
                        markup.add(markup: "\n")
                    }
                }
            }
        }
        page.markup.add(markup: "\n")
    }

    private func write(
        _ cell: Cell, _ name: String, _ column: Int, scope: String, sorts: Bool, to markup: inout Markup
    ) {
        let classes = [
            textColumns.contains(column) ? "text" : "", cell.text.count > (scope == "col" ? 28 : 48) ? "long" : "",
            cell.isBest ? "best" : "",
            cell.isUnexpected ? "apart" : "",
        ].filter { !$0.isEmpty }.joined(separator: " ")
        // The script sorts a column of texts by its texts, and a cell with a number of its own by that.
        let sortsByNumber = sorts && (cell.sortValue != nil || !textColumns.contains(column))
        let attributes: Markup.Attributes = [
            "class": classes, "scope": scope, "title": cell.title == cell.text ? "" : cell.title,
            "data-value": sortsByNumber ? cell.dataValue : "",
        ]
        markup.element(name, attributes) {
            if let appearance = cell.appearance {
                $0.add(markup: Legend.sampleSVG(LegendEntry("", appearance: appearance, style: .line)))
            }
            if let link = cell.link {
                $0.element("a", ["href": RelativeLink.percentEncoded(link)], text: cell.text)
            } else {
                $0.add(cell.text)
            }
        }
    }
}
