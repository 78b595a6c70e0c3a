import CoupletReports
import TestSupport
import Testing

@Suite struct HeatMapTests {
    private static let map = HeatMap(
        "m", xLabel: "rate <&>", yLabel: "size", valueLabel: "error", columns: ["a\"", "b", "c"], rows: ["1", "2"],
        cells: [
            [.init(1), .init(2), .init(nil, label: "failed")], [.init(4), .init(.nan), .init(6, label: "mean of 2")],
        ], chosen: (1, 0))

    @Test func aHeatMapHasACellForEachPair() {
        let markup = ParsedMarkup(Self.map.svg)
        #expect(markup.problem == nil)
        let cells = markup.all("rect").filter { $0.text.hasPrefix("rate <&>") }
        #expect(cells.count == 6)
        #expect(
            markup.all("rect", class: "absent").map(\.text) == [
                "rate <&> c, size 1 · failed", "rate <&> b, size 2 · no value",
            ])
        #expect(markup.all("rect", class: "chosen").count == 1)
        // The first row is the lowest, the first column the leftmost. The lowest value has the darkest colour, the
        // highest the brightest.
        let (low, high) = (
            cells.first { $0.text.contains("a\", size 1") }, cells.first { $0.text.contains("c, size 2") }
        )
        #expect(low?.attributes["fill"] == "#440154" && high?.attributes["fill"] == "#fde725")
        #expect(
            (low?.number("y") ?? 0) > (high?.number("y") ?? 0) && (low?.number("x") ?? 0) < (high?.number("x") ?? 0))
    }

    @Test func manyColumnsMakeAWideHeatMap() {
        let names = (0..<40).map { "column \($0)" }
        let map = HeatMap(
            "m", xLabel: "x", yLabel: "y", valueLabel: "v", columns: names, rows: ["r"],
            cells: [names.indices.map { .init(Double($0)) }])
        #expect(map.width > 40 * 29 && ParsedMarkup(map.svg).problem == nil)
        let empty = HeatMap(
            "m", xLabel: "x", yLabel: "y", valueLabel: "v", columns: ["a"], rows: ["r"], cells: [[.init(nil)]])
        #expect(ParsedMarkup(empty.svg).problem == nil)
    }
}
