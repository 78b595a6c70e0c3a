import CoupletInference
import CoupletReports
import TestSupport
import Testing

@Suite struct SampleCardsTests {
    /// Pictures keep their pixels, texts their direction, and right answers are told by form and by name.
    @Test func cards() throws {
        let values: [Float] = [0, 1, 0.5, 0.2, 0.4, 0.6]
        let picture = try #require(SamplePicture(shape: [1, 2, 3], values, range: 0...1))
        let page = ReportPage(title: "t") {
            SampleCards([
                .init(
                    .init(.text("וجه <&> \u{202E}顔")),
                    [
                        .init(.picture(picture), label: "93 %", tooltip: "score 2", answer: .right),
                        .init(.label(7), answer: .wrong), .init(.number(12)),
                    ])
            ])
        }
        let markup = ParsedMarkup(page.html)
        #expect(markup.problem == nil)
        let text = try #require(markup.all("bdi").first)
        #expect(text.attributes["dir"] == "auto")
        #expect(page.html.contains("<bdi class=\"words\" dir=\"auto\">וجه &lt;&amp;&gt; \u{202E}顔</bdi>"))
        let image = try #require(markup.all("img").first),
            png = try #require(
                DecodedPNG(address: image.attributes["src"]))
        #expect(png.pixels == [0, 255, 128, 51, 102, 153] && png.width == 3)
        #expect(image.attributes["width"] == "63" && image.attributes["height"] == "42")
        #expect(image.attributes["alt"] == "score 2")
        #expect(markup.all("li", class: "is-right").count == 1 && markup.all("li", class: "is-wrong").count == 1)
        #expect(markup.all("span", class: "tick").count == 1 && page.html.contains("<small>93 %</small>"))
        #expect(page.html.contains(">7</span>") && page.html.contains(">sample 12</span>"))
    }

    /// The mean of each block of a large picture is shown.
    @Test func largePicturesAreReduced() throws {
        let values = (0..<256 * 300).map { Float($0 % 2) }
        let picture = try #require(SamplePicture(shape: [1, 256, 300], values, range: 0...1))
        let page = ReportPage(title: "t") { SampleCards([.init(.init(.picture(picture)), [])]) }
        let image = try #require(ParsedMarkup(page.html).all("img").first)
        let png = try #require(DecodedPNG(address: image.attributes["src"]))
        #expect(png.width == 100 && png.height == 85)
        #expect(png.pixels.allSatisfy { (84...171).contains($0) })
    }
}
