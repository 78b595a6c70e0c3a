import CoupletReports
import Foundation
import TestSupport
import Testing

@Suite struct FlowFigureTests {
    private static let side = 16

    /// ψ = amplitude · sin(2πx), whose velocity is (0, 2π amplitude cos(2πx)).
    private static func field(_ amplitude: Double) -> [Float] {
        (0..<side * side).map { Float(amplitude * sin(2 * Double.pi * Double($0 % side) / Double(side))) }
    }

    private static func figure(_ content: FlowFigure.Content = .streamFunction(arrows: 4)) -> FlowFigure {
        FlowFigure(
            "flows <&>",
            panels: [
                .init(
                    "truth", field: field(2), side: side,
                    drifters: .init(
                        count: 2, paths: [0.5, 0.5, 1.25, 0.5, 0.25, 0.25, 0.25, 0.75],
                        observed: [0.5, 0.5, 1.3, 0.6, 0.25, 0.25, 0.3, -0.2])),
                .init("found", field: field(-0.5), side: side, remark: "p = 0.83", answer: .right),
                .init("other", field: field(1), side: side, answer: .wrong),
            ], valueLabel: "ψ", content: content)
    }

    /// The upper left corner of each panel, and its side.
    private static func panels(_ markup: ParsedMarkup) throws -> [(x: Double, y: Double, side: Double)] {
        try markup.all("image").map {
            (try #require($0.number("x")), try #require($0.number("y")), try #require($0.number("width")))
        }
    }

    @Test func imagesHaveOneScaleOfColours() throws {
        let markup = ParsedMarkup(Self.figure().svg)
        #expect(markup.problem == nil)
        let images = try markup.all("image").map { try #require(DecodedPNG(address: $0.attributes["href"])) }
        try #require(images.count == 3)
        for (image, amplitude) in zip(images, [2.0, -0.5, 1]) {
            for row in [0, image.height - 1] {
                for column in 0..<image.width {
                    let x = (Double(column) + 0.5) / Double(image.width)
                    let exact = ColorMap.diverging.bytes((amplitude * sin(2 * Double.pi * x) / 2 + 1) / 2)
                    let pixel = image.pixel(row: row, column: column)
                    #expect(zip(pixel, exact).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
                }
            }
        }
    }

    /// The y axis points upwards: the first row of the array is the lowest of the image.
    @Test func theFirstRowIsTheLowest() throws {
        let values = (0..<4 * 4).map { Float($0 / 4 == 0 ? 1 : 0) }
        let figure = FlowFigure("f", panels: [.init("", field: values, side: 4)], valueLabel: "ψ")
        let image = try #require(DecodedPNG(address: ParsedMarkup(figure.svg).all("image").first?.attributes["href"]))
        let highest = ColorMap.diverging.bytes(1)
        func distance(_ row: Int) -> Int {
            zip(image.pixel(row: row, column: 3), highest).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        }
        // Row 0 of the array is y = 0, the lower side; it is also y = 1, the upper one, where the image is as bright.
        let middle = image.height / 2
        #expect(distance(image.height - 1) < 10 && distance(0) < 10 && distance(middle) > 200)
        let quarter = (0..<4 * 4).map { Float($0 / 4 == 1 ? 1 : 0) }
        let other = FlowFigure("f", panels: [.init("", field: quarter, side: 4)], valueLabel: "ψ")
        let lower = try #require(DecodedPNG(address: ParsedMarkup(other.svg).all("image").first?.attributes["href"]))
        let row = lower.height * 3 / 4
        #expect(zip(lower.pixel(row: row, column: 3), highest).allSatisfy { abs(Int($0) - Int($1)) <= 6 })
    }

    /// The stream lines of sin(2πx) are vertical, at x = asin(level / 2) / 2π and its mirror image.
    @Test func streamLinesAreThoseOfTheClosedForm() throws {
        let markup = ParsedMarkup(Self.figure().svg), panel = try Self.panels(markup)[0]
        let path = try #require(markup.all("path", class: "stream").first)
        let pieces = (path.attributes["d"] ?? "").split(separator: "M")
        var places: [Double] = []
        // The line of level 0 goes through points of the grid, where the last bit decides on which side it is.
        for tenth in [-8.0, -6, -4, -2, 2, 4, 6, 8] {
            let level = 2 * tenth / 10
            let angle = asin(level / 2) / (2 * Double.pi)
            places += [angle < 0 ? angle + 1 : angle, 0.5 - angle]
        }
        let expected = places.map { panel.x + $0 * panel.side }.sorted()
        let zeros = [0, 0.5, 1].map { panel.x + $0 * panel.side }
        let starts = pieces.compactMap { Double($0.prefix { $0 != " " }) }
        let found = starts.filter { x in zeros.allSatisfy { abs(x - $0) > 1 } }.sorted()
        #expect(found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= 0.35 }, "\(found)")
        #expect(path.points.allSatisfy { $0.y >= panel.y - 0.1 && $0.y <= panel.y + panel.side + 0.1 })
    }

    /// Arrows point along (-∂ψ/∂y, ∂ψ/∂x), and the longest of all panels has 0.9 of its cell.
    @Test func arrowsShowTheVelocity() throws {
        let markup = ParsedMarkup(Self.figure().svg), panels = try Self.panels(markup)
        let arrows = markup.all("path", class: "arrow").dropFirst()  // The first belongs to the legend.
        #expect(arrows.count == 3 * 16)
        let longest = 0.9 / 4 * panels[0].side
        for (index, arrow) in arrows.enumerated() {
            let (tail, head) = (arrow.points[0], arrow.points[1]), panel = panels[index / 16]
            let x = ((tail.x + head.x) / 2 - panel.x) / panel.side
            let speed = [2, -0.5, 1][index / 16] * cos(2 * Double.pi * x) / (2 * cos(Double.pi / 4))
            #expect(abs(head.x - tail.x) <= 0.11)
            // Upwards is negative in the drawing.
            #expect(abs(tail.y - head.y - speed * longest) <= 0.25, "\(index)")
        }
        #expect(ParsedMarkup(Self.figure(.streamFunction(arrows: 0)).svg).all("path", class: "arrow").isEmpty)
    }

    @Test func driftersAreDrawnInTheSquare() throws {
        let markup = ParsedMarkup(Self.figure().svg), panel = try Self.panels(markup)[0]
        func place(_ x: Double, _ y: Double) -> (Double, Double) {
            (panel.x + x * panel.side, panel.y + (1 - y) * panel.side)
        }
        let track = try #require(markup.all("path", class: "track").last)
        // The first drifter leaves at x = 1 and goes on at x = 0.
        let expected = [(0.5, 0.5), (1, 0.5), (0, 0.5), (0.25, 0.5), (0.25, 0.25), (0.25, 0.75)].map(place)
        #expect(track.attributes["d"]?.filter { $0 == "M" }.count == 3 && track.points.count == 6)
        #expect(zip(track.points, expected).allSatisfy { abs($0.x - $1.0) <= 0.11 && abs($0.y - $1.1) <= 0.11 })
        for (name, expected) in [
            ("start", [place(0.5, 0.5), place(0.25, 0.25)]), ("observed", [place(0.3, 0.6), place(0.3, 0.8)]),
        ] {
            let marks = markup.all("circle", class: name).dropFirst()
            #expect(marks.count == expected.count)
            for (mark, point) in zip(marks, expected) {
                #expect(abs((mark.number("cx") ?? .nan) - point.0) <= 0.11, "\(name)")
                #expect(abs((mark.number("cy") ?? .nan) - point.1) <= 0.11, "\(name)")
            }
        }
        #expect(
            Self.figure().legend.map(\.text) == ["path", "start", "observed position", "velocity", "right", "wrong"])
    }

    @Test func magnitudesHaveTheOtherScale() throws {
        let values = (0..<16).map { Float($0) }
        let figure = FlowFigure(
            "spread", panels: [.init("", field: values, side: 4)], valueLabel: "deviation", content: .magnitude)
        let markup = ParsedMarkup(figure.svg)
        #expect(markup.problem == nil && figure.legend.isEmpty && markup.all("path", class: "arrow").isEmpty)
        #expect(markup.all("rect").contains { $0.attributes["fill"] == ColorMap.sequential.color(1) })
    }

    @Test(arguments: [Float.nan, .infinity, 0, 1e30, 1e-30]) func anyValuesGiveADrawing(_ value: Float) {
        for content in [FlowFigure.Content.streamFunction(arrows: 5), .magnitude] {
            let figure = FlowFigure(
                "f",
                panels: [
                    .init("", field: [value, 0, 1, value], side: 2),
                    .init("", field: [value], side: 1, drifters: .init(count: 1, paths: [0.5, 0.5])),
                ], valueLabel: "ψ", content: content)
            let text = figure.svg
            #expect(ParsedMarkup(text).problem == nil && !text.contains("nan") && !text.contains("inf "))
            #expect(text == figure.svg)
        }
        #expect(ParsedMarkup(FlowFigure("none", panels: [], valueLabel: "ψ").svg).problem == nil)
    }
}
