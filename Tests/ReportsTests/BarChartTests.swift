import CoupletReports
import TestSupport
import Testing

@Suite struct BarChartTests {
    @Test func barsAreProportionalToTheirValues() throws {
        let chart = BarChart(
            "c", valueLabel: "error <&>",
            bars: [
                .init("prior", 1), .init("learned", 0.5, deviation: 0.1, appearance: .numbered(1)),
                .init("negative", -0.25), .init("missing", .nan),
            ], reference: (0.6, "limit"))
        let markup = ParsedMarkup(chart.svg)
        #expect(markup.problem == nil)
        let bars = markup.all("rect", class: "bar")
        try #require(bars.count == 3)
        let widths = try bars.map { try #require($0.number("width")) }, unit = widths[0]
        #expect(abs(widths[1] - 0.5 * unit) <= 0.11 && abs(widths[2] - 0.25 * unit) <= 0.11)
        // Positive bars begin where the negative one ends.
        let zero = try #require(bars[0].number("x"))
        #expect(abs((bars[2].number("x") ?? 0) + widths[2] - zero) <= 0.2)
        let error = try #require(markup.all("path", class: "error").first).points
        #expect(abs(error[0].x - (zero + 0.4 * unit)) <= 0.11 && abs(error[1].x - (zero + 0.6 * unit)) <= 0.11)
        let limit = try #require(markup.all("path", class: "reference").last).points
        #expect(limit.allSatisfy { abs($0.x - (zero + 0.6 * unit)) <= 0.11 })
        #expect(bars[1].text == "learned · 0.5 ± 0.1")
        #expect(markup.all("text").contains { $0.text == "missing" })
    }

    @Test func aChartWithoutBarsIsADrawing() {
        #expect(ParsedMarkup(BarChart("c", valueLabel: "v", bars: []).svg).problem == nil)
        #expect(ParsedMarkup(BarChart("c", valueLabel: "v", bars: [.init("a", 0)]).svg).problem == nil)
    }
}
