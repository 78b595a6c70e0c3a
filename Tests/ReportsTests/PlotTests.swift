import CoupletReports
import Foundation
import TestSupport
import Testing

@Suite struct PlotTests {
    /// The map from a value to its position, from two labelled ticks of the drawing: a linear map of the value or of
    /// its logarithm.
    private static func position(
        _ markup: ParsedMarkup, ticks: [(value: Double, text: String)], isVertical: Bool, log isLogarithmic: Bool
    ) throws -> (Double) -> Double {
        let positions = try ticks.map { tick in
            let label = try #require(
                markup.all("text").first {
                    $0.text == tick.text && ($0.attributes["class"] == (isVertical ? "end" : "middle"))
                }, "no label \(tick.text)")
            // A label of the vertical axis is 4 units below its line.
            return try #require(isVertical ? label.number("y").map { $0 - 4 } : label.number("x"))
        }
        let values = ticks.map { isLogarithmic ? Foundation.log($0.value) : $0.value }
        let slope = (positions[1] - positions[0]) / (values[1] - values[0])
        return { positions[0] + slope * ((isLogarithmic ? Foundation.log($0) : $0) - values[0]) }
    }

    @Test func pointsMatchTheTicksOfLinearAxes() throws {
        let points = [(1.0, 2.0), (4.0, 3.5), (9.0, -1.0), (10.0, 0.25)]
        let plot = Plot(
            "p", x: Axis("x", scale: .linear), y: Axis("y"), series: [Series("", points.map { PlotPoint($0.0, $0.1) })])
        let markup = ParsedMarkup(plot.svg)
        #expect(markup.problem == nil)
        let x = try Self.position(markup, ticks: [(2, "2"), (8, "8")], isVertical: false, log: false)
        let y = try Self.position(markup, ticks: [(0, "0"), (3, "3")], isVertical: true, log: false)
        let marks = markup.all("circle", class: "mark")
        #expect(marks.count == 4)
        for (mark, point) in zip(marks, points) {
            #expect(
                abs((mark.number("cx") ?? .nan) - x(point.0)) <= 0.15
                    && abs((mark.number("cy") ?? .nan) - y(point.1)) <= 0.15)
        }
        let line = try #require(markup.all("path", class: "line").first)
        #expect(
            line.points.count == 4
                && zip(line.points, points).allSatisfy { abs($0.x - x($1.0)) <= 0.15 && abs($0.y - y($1.1)) <= 0.15 })
    }

    @Test func pointsMatchTheTicksOfLogarithmicAxes() throws {
        let points = [(0.001, 5e-6), (0.01, 0.02), (0.3, 1.5), (20, 3e3)]
        let plot = Plot("p", x: Axis("x"), y: Axis("y"), series: [Series("", points.map { PlotPoint($0.0, $0.1) })])
        let markup = ParsedMarkup(plot.svg)
        let x = try Self.position(markup, ticks: [(0.01, "10−2"), (1, "100")], isVertical: false, log: true)
        let y = try Self.position(markup, ticks: [(1e-3, "10−3"), (10, "101")], isVertical: true, log: true)
        for (mark, point) in zip(markup.all("circle", class: "mark"), points) {
            #expect(
                abs((mark.number("cx") ?? .nan) - x(point.0)) <= 0.15
                    && abs((mark.number("cy") ?? .nan) - y(point.1)) <= 0.15)
        }
    }

    @Test func errorBarsReachOneDeviationBothWays() throws {
        let plot = Plot(
            "p", x: Axis("x"), y: Axis("y"),
            series: [Series("", [PlotPoint(0, 1, deviation: 1), PlotPoint(1, 4, deviation: 0.5)])])
        let markup = ParsedMarkup(plot.svg)
        let y = try Self.position(markup, ticks: [(1, "1"), (4, "4")], isVertical: true, log: false)
        let bars = markup.all("path", class: "error")
        #expect(bars.count == 2)
        for (bar, ends) in zip(bars, [(2.0, 0.0), (4.5, 3.5)]) {
            #expect(
                abs(bar.points[0].y - y(ends.0)) <= 0.15 && abs(bar.points[1].y - y(ends.1)) <= 0.15, "\(bar.points)")
        }
    }

    @Test func theLegendContainsTheSlope() {
        let points = [16.0, 64, 256, 1024].map { PlotPoint($0, 3 / $0.squareRoot()) }
        let plot = Plot("p", x: Axis("batch"), y: Axis("error"), series: [Series("joint", points).fitted()])
        let markup = ParsedMarkup(plot.svg)
        #expect(markup.all("text").contains { $0.text == "joint, slope −0.50 ± 0.00" })
        #expect(markup.all("path", class: "fit").count == 1)
    }

    /// For any values, every coordinate of the drawing is a finite number.
    @Test(arguments: [
        [] as [Double], [1.0], [.nan], [.nan, .nan], [1, .nan, 3], [.nan, 2, 3], [1, 2, .nan], [5, 5, 5], [0, 0],
        [.infinity, 1, 2], [-.infinity, -1],
        [1e300, -1e300], [1e-300, 1e300], [.leastNonzeroMagnitude, .leastNonzeroMagnitude], [1.797e308, 1.797e308],
        [-1, 0, 1e9], [1e15, 1e15 + 2], [-3],
    ])
    func anyValuesGiveADrawing(_ values: [Double]) {
        for style in [Series.Style.line, .markers, .markedLine, .dots] {
            for scale in [AxisScale.automatic, .linear, .logarithmic] {
                let series = Series(
                    "s", values.enumerated().map { PlotPoint(Double($0), $1, deviation: 1) }, style: style,
                    smooths: true
                ).fitted()
                let text = Plot(
                    "p", x: Axis("x"), y: Axis("y", scale: scale), series: [series],
                    references: [ReferenceLine(.horizontal(1), name: "one")]
                ).svg
                let markup = ParsedMarkup(text)
                #expect(markup.problem == nil)
                for element in markup.elements {
                    for (key, value) in element.attributes
                    where ["x", "y", "cx", "cy", "d", "width", "height"].contains(key) {
                        #expect(!value.contains("nan") && !value.contains("inf"), "\(key)=\(value)")
                    }
                }
            }
        }
    }

    /// A cross marks the last finite point of a curve that ends in NaN, and its tooltip gives the step.
    @Test func aCrossMarksACurveThatEndsInNaN() throws {
        let plot = Plot(
            "p", x: Axis("step"), y: Axis(""),
            series: [Series("a", [1, 2, .nan, .nan].enumerated().map { PlotPoint(Double($0), $1) }, style: .line)])
        let markup = ParsedMarkup(plot.svg)
        #expect(markup.all("path", class: "error").first?.text == "a · no number after 1")
        // A curve with a missing value in the middle has two pieces.
        let broken = Plot(
            "p", x: Axis("step"), y: Axis(""),
            series: [Series("a", [1, 2, .nan, 4, 5].enumerated().map { PlotPoint(Double($0), $1) }, style: .line)])
        let line = ParsedMarkup(broken.svg).all("path", class: "line").last  // The first path belongs to the legend.
        #expect(line?.attributes["d"]?.filter { $0 == "M" }.count == 2)
        #expect(ParsedMarkup(broken.svg).all("path", class: "error").isEmpty)
    }

    /// The width of a label. The exponent of a power of ten is smaller.
    private static func width(_ text: String) -> Double {
        let isPower = text.hasPrefix("10") && text.count > 2 && !text.contains { ",.kMG".contains($0) }
        return isPower
            ? TextWidth.of("10", size: 12) + TextWidth.of(String(text.dropFirst(2)), size: 12 * 0.78)
            : TextWidth.of(text, size: 12)
    }

    @Test func labelsOfAnAxisDoNotOverlap() throws {
        let ranges: [[Double]] = [
            [0, 1e-7], [0, 123_456_789], [1e9, 1e9 + 1], [1e-9, 1e9], [-0.001, 0.002], [0, 100_000],
        ]
        for values in ranges {
            let plot = Plot("p", x: Axis("x"), y: Axis("y"), series: [Series("", values.map { PlotPoint($0, 1) })])
            let labels = ParsedMarkup(plot.svg).all("text", class: "middle").filter { $0.text != "x" }
            var spans: [ClosedRange<Double>] = []
            for label in labels {
                let middle = try #require(label.number("x")), half = Self.width(label.text) / 2
                spans.append((middle - half)...(middle + half))
            }
            spans.sort { $0.lowerBound < $1.lowerBound }
            #expect(spans.count >= 2, "\(values)")
            for (one, next) in zip(spans, spans.dropFirst()) { #expect(one.upperBound < next.lowerBound, "\(values)") }
            for span in spans { #expect(span.lowerBound >= 0 && span.upperBound <= 420, "\(values)") }
        }
    }
}
