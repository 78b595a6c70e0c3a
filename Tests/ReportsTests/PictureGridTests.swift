import CoupletReports
import TestSupport
import Testing

@Suite struct PictureGridTests {
    private static let grey: [Float] = [0, 0.5, 1, 2, -1, .nan]
    private static let colored: [Float] = [1, 0, 0, 0.2, 0, 1, 0, 0.4, 0, 0, 1, 0.6]

    private static let grid = PictureGrid(
        "pictures <&>",
        rows: [
            .init(
                "a \"row\"", query: .init(grey, channels: 1, width: 3, height: 2),
                pictures: [
                    .init(colored, channels: 3, width: 2, height: 2, label: "0.83", tooltip: "first", answer: .right),
                    .init(grey, channels: 1, width: 3, height: 2, range: -1...3, answer: .wrong),
                    .init(grey, channels: 1, width: 3, height: 2),
                ]),
            .init("", pictures: []),
        ], pixelSize: 10)

    @Test func picturesKeepTheirPixels() throws {
        let markup = ParsedMarkup(Self.grid.svg)
        #expect(markup.problem == nil)
        let images = markup.all("image", class: "pixels")
        try #require(images.count == 4)
        // Half of 255 is rounded up. Values outside the range are cut, and NaN is black.
        let query = try #require(DecodedPNG(address: images[0].attributes["href"]))
        #expect(query.channels == 1 && query.width == 3 && query.height == 2)
        #expect(query.pixels == [0, 128, 255, 255, 0, 0])
        // The channels lie apart in the array and together in a pixel.
        let color = try #require(DecodedPNG(address: images[1].attributes["href"]))
        #expect(color.channels == 3)
        #expect(color.pixel(row: 0, column: 0) == [255, 0, 0] && color.pixel(row: 1, column: 0) == [0, 0, 255])
        #expect(color.pixel(row: 1, column: 1) == [51, 102, 153])
        let ranged = try #require(DecodedPNG(address: images[2].attributes["href"]))
        #expect(ranged.pixels == [64, 96, 128, 191, 0, 0])
    }

    @Test func picturesHaveTheirSizeAndDoNotOverlap() throws {
        let images = ParsedMarkup(Self.grid.svg).all("image")
        #expect(images.map { $0.number("width") } == [30, 20, 30, 30])
        #expect(images.allSatisfy { $0.number("height") == 20 })
        for (one, next) in zip(images, images.dropFirst()) {
            let (x, width) = try (#require(one.number("x")), #require(one.number("width")))
            #expect(x + width < (next.number("x") ?? 0))
        }
        let last = try #require(images.last)
        #expect((last.number("x") ?? .infinity) + 30 <= Self.grid.width)
    }

    /// Form, not only colour, tells right from wrong.
    @Test func framesShowTheAnswers() {
        let markup = ParsedMarkup(Self.grid.svg)
        // One sample of each lies in the legend.
        #expect(markup.all("path", class: "framed").count == 4)
        #expect(markup.all("path", class: "wrong").count == 2 && markup.all("path", class: "check").count == 2)
        #expect(Self.grid.legend.map(\.text) == ["right", "wrong"])
        #expect(Self.grid.summary == "3 pictures in 2 rows, 1 of 2 right")
        let plain = PictureGrid(
            "p", rows: [.init("", pictures: [.init([0.5], channels: 1, width: 1, height: 1)])])
        #expect(plain.legend.isEmpty && ParsedMarkup(plain.svg).all("path", class: "framed").isEmpty)
        #expect(ParsedMarkup(PictureGrid("none", rows: []).svg).problem == nil)
    }

    @Test func manyPicturesMakeAWideGrid() {
        let picture = PictureGrid.Picture([Float](repeating: 1, count: 784), channels: 1, width: 28, height: 28)
        let grid = PictureGrid("p", rows: [.init("7", pictures: Array(repeating: picture, count: 20))])
        #expect(grid.width >= 20 * 28 * 1.5 && PictureGrid("p", rows: []).width == 420)
        let html = ReportPage(title: "t") { FigureGroup(grid) }.html
        #expect(ParsedMarkup(html).problem == nil && ParsedMarkup(html).all("figure", class: "wide").count == 1)
    }
}
