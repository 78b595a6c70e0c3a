import CoupletReports
import TestSupport
import Testing

@Suite struct PlotCalibrationTests {
    /// The map from y to its position, by two labels of the vertical axis.
    private static func vertical(_ markup: ParsedMarkup, _ low: (Double, String), _ high: (Double, String)) throws
        -> (Double) -> Double
    {
        let positions = try [low, high].map { value in
            try #require(
                markup.all("text", class: "end").first { $0.text == value.1 }?.number("y"), "no label \(value.1)") - 4
        }
        return { positions[0] + ($0 - low.0) / (high.0 - low.0) * (positions[1] - positions[0]) }
    }

    @Test func barsOfARankHistogramAreRelativeToUniform() throws {
        let plot = Plot.rankHistogram("r", counts: [20, 10, 5, 5], band: 6...14)
        let markup = ParsedMarkup(plot.svg)
        #expect(markup.problem == nil)
        let y = try Self.vertical(markup, (0, "0.0"), (2, "2.0"))
        let bars = markup.all("rect", class: "bar")
        try #require(bars.count == 4)
        for (bar, share) in zip(bars, [2.0, 1, 0.5, 0.5]) {
            #expect(abs((bar.number("y") ?? 0) - y(share)) <= 0.15)
            #expect(abs((bar.number("y") ?? 0) + (bar.number("height") ?? 0) - y(0)) <= 0.25)
        }
        // Bars lie side by side with a gap, within the axis.
        for (one, next) in zip(bars, bars.dropFirst()) {
            #expect((one.number("x") ?? 0) + (one.number("width") ?? 0) < (next.number("x") ?? 0))
        }
        #expect((bars[3].number("x") ?? 0) + (bars[3].number("width") ?? 0) <= 410.1)
        // The band, after its sample in the legend.
        let band = try #require(markup.all("rect", class: "band").last)
        #expect(abs((band.number("y") ?? 0) - y(1.4)) <= 0.15)
        #expect(abs((band.number("height") ?? 0) - (y(0.6) - y(1.4))) <= 0.25)
        #expect(ParsedMarkup(Plot.rankHistogram("r", counts: []).svg).problem == nil)
        #expect(ParsedMarkup(Plot.rankHistogram("r", counts: [0, 0]).svg).problem == nil)
    }

    @Test func reliablePredictionsLieOnTheDiagonal() throws {
        let bins = [(0.1, 10), (0.5, 100), (0.9, 40)].map {
            Plot.ReliabilityBin(probability: $0.0, frequency: $0.0, count: $0.1)
        }
        let plot = Plot.reliability("r", predictions: [("learned", bins)])
        let markup = ParsedMarkup(plot.svg)
        #expect(markup.problem == nil && plot.series[0].points[1].deviation == 0.05)
        let diagonal = try #require(markup.all("path", class: "reference").last).points
        let (first, last) = (diagonal[0], diagonal[diagonal.count - 1])
        let marks = markup.all("circle", class: "mark").suffix(3)
        #expect(marks.count == 3)
        for mark in marks {
            let (x, y) = try (#require(mark.number("cx")), #require(mark.number("cy")))
            let onLine = first.y + (x - first.x) / (last.x - first.x) * (last.y - first.y)
            #expect(abs(y - onLine) <= 0.3)
        }
    }

    @Test func spreadsAreRootMeanSquaresOfTheirBins() {
        let plot = Plot.spreadAgainstError(
            "s", value: "ψ", methods: [("exact", [4, 1, 3, 2], [-6, 1, 8, 7])], bins: 2)
        let points = plot.series[0].points
        #expect(points.map(\.x) == [(2.5).squareRoot(), (12.5).squareRoot()])
        #expect(points.map(\.y) == [5, (50.0).squareRoot()])
        #expect(ParsedMarkup(plot.svg).problem == nil)
    }

    @Test func intervalsLieAroundTheTruth() {
        let plot = Plot.posteriorIntervals(
            "p", quantity: "coefficient", value: "z", truth: [1, -1],
            methods: [("exact", [0.9, -0.8], [0.2, 0.3]), ("learned", [0.5, -0.4], [0.5, 0.6])])
        #expect(plot.series.map(\.name) == ["exact", "learned", "truth"])
        #expect(plot.series[1].points.map(\.deviation) == [0.5, 0.6])
        #expect(zip(plot.series[0].points, plot.series[1].points).allSatisfy { $0.x < $1.x && $1.x - $0.x < 0.5 })
        let markup = ParsedMarkup(plot.svg)
        #expect(markup.problem == nil && markup.all("path", class: "error").count == 4)
    }
}
