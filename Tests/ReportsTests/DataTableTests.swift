import CoupletReports
import TestSupport
import Testing

@Suite struct DataTableTests {
    private static func markup(_ table: DataTable) -> ParsedMarkup {
        ParsedMarkup(ReportPage(title: "t") { table }.html)
    }

    /// A cell tells the number by which a script sorts it where its text is no number for a script.
    @Test func cellsHaveTheirNumbers() {
        let texts = ["12,345", "−0.5", "12.50 %", "1.5 × 10⁻⁷", "0.31 ± 0.02", "∞", "–", "0.25", "3 s"]
        let table = DataTable(
            columns: ["name", "value", "digest"],
            rows: texts.map { ["x", DataTable.Cell($0), "12e3"] } + [
                ["y", DataTable.Cell("3 s", sortValue: 3), "1,000"]
            ],
            textColumns: [0, 2])
        let markup = Self.markup(table)
        let values = markup.all("td").filter { $0.attributes["class"] == nil }.map { $0.attributes["data-value"] }
        #expect(
            values == [
                "12345.0", "-0.5", "12.5", "1.5e-07", "0.31", "Infinity", nil, nil, nil, "3.0",
            ])
        // A column of texts has none.
        #expect(markup.all("td", class: "text").allSatisfy { $0.attributes["data-value"] == nil })
    }

    @Test func tablesThatMayBeSorted() {
        func isSortable(_ table: DataTable) -> Bool { !Self.markup(table).all("table", class: "sortable").isEmpty }
        #expect(isSortable(DataTable(columns: ["a"], rows: [["1"], ["2"]])))
        #expect(!isSortable(DataTable(columns: ["a"], rows: [["1"]])))
        #expect(!isSortable(DataTable(columns: ["a"], rows: [["1"], ["2"]], isSortable: false)))
        #expect(!isSortable(DataTable(facts: [("a", "1"), ("b", "2")])))
    }

    /// Links are relative, and their paths are encoded: the colon of a name is no scheme, and a percent sign stays one.
    @Test func linksAreRelative() {
        let name = DataTable.Cell("a", link: "report_runs/x=1 ü:50%?#\".html")
        let markup = Self.markup(DataTable(columns: ["run"], rows: [[name], ["b"]]))
        #expect(markup.all("a").map { $0.attributes["href"] } == ["report_runs/x=1%20%C3%BC%3A50%25%3F%23%22.html"])
    }
}
