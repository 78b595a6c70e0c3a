import CoupletInference

/// Rows of samples in a page: a query and what was found for it, or a sample and its draws. Pictures have sharp pixels;
/// texts keep the direction of their script. A row that is wider than the screen goes on in the next line.
///
/// Right answers have a solid frame and a check mark, wrong ones a dashed frame.
public struct SampleCards: PageContent {
    /// A sample with a line below it.
    public struct Card: Sendable {
        public let content: RunSamples.Content
        /// Such as its probability; may be empty.
        public let label: String
        /// The tooltip; may be empty.
        public let tooltip: String
        /// Nil for a sample without a frame.
        public let answer: PictureGrid.Answer?

        public init(
            _ content: RunSamples.Content, label: String = "", tooltip: String = "", answer: PictureGrid.Answer? = nil
        ) {
            self.content = content
            self.label = label
            self.tooltip = tooltip
            self.answer = answer
        }
    }

    public struct Row: Sendable {
        /// The sample that stands apart.
        public let query: Card
        public let cards: [Card]

        public init(_ query: Card, _ cards: [Card]) {
            self.query = query
            self.cards = cards
        }
    }

    public let rows: [Row]

    public init(_ rows: [Row]) { self.rows = rows }

    /// About the width of a picture on the screen, in CSS pixels.
    private static let pictureWidth = 64

    public func write(to page: inout PageWriter) {
        page.markup.element("div", ["class": "samples"]) { markup in
            for row in rows {
                markup.add(markup: "\n")
                markup.element("div", ["class": "samplerow"]) { markup in
                    markup.element("div", ["class": "query"]) { Self.write(row.query, into: &$0) }
                    markup.element("ol") { markup in
                        for card in row.cards {
                            let name = card.answer.map { $0 == .right ? "is-right" : "is-wrong" } ?? ""
                            markup.element("li", ["class": name]) { Self.write(card, into: &$0) }
                        }
                    }
                }
            }
        }
        page.markup.add(markup: "\n")
    }

    private static func write(_ card: Card, into markup: inout Markup) {
        switch card.content {
        case .picture(let picture):
            let image = picture.shown.image
            let scale = max(1, pictureWidth / image.width)
            markup.element(
                "img",
                [
                    "class": scale > 1 ? "pixels" : "", "src": image.dataURI, "width": "\(image.width * scale)",
                    "height": "\(image.height * scale)", "alt": card.tooltip.isEmpty ? "picture" : card.tooltip,
                    "title": card.tooltip,
                ])
        case .text(let text):
            markup.element("bdi", ["class": "words", "dir": "auto", "title": card.tooltip], text: text)
        case .label(let label): markup.element("span", ["class": "words", "title": card.tooltip], text: "\(label)")
        case .number(let number):
            markup.element("span", ["class": "words", "title": card.tooltip], text: "sample \(number)")
        }
        if card.answer == .right { markup.element("span", ["class": "tick", "aria-label": "right"], text: "✓") }
        if !card.label.isEmpty { markup.element("small", text: card.label) }
    }

    /// The CSS rules.
    static let rules = """
        .samples{margin:.6rem 0 1.2rem}
        .samplerow{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:flex-start;padding:.6rem 0;\
        border-top:1px solid var(--grid)}
        .samplerow .query{flex:none;min-width:4.6rem;max-width:100%;padding:3px}
        .samplerow ol{flex:1 1 15rem;display:flex;flex-wrap:wrap;gap:.5rem .6rem;list-style:none;margin:0;padding:0;\
        min-width:0}
        .samplerow li{position:relative;max-width:min(100%,13rem);padding:3px 6px;border:2px solid transparent;\
        border-radius:4px}
        .samplerow .is-right{border-color:var(--hue3)}
        .samplerow .is-wrong{border:2px dashed var(--axis)}
        .samplerow img{display:block;max-width:100%;height:auto;margin:auto;outline:1px solid var(--grid)}
        .samplerow .words{display:block;overflow-wrap:anywhere;line-height:1.4}
        .samplerow .query .words{font-weight:600}
        .samplerow .query bdi{width:11rem;max-width:100%}
        .samplerow small{display:block;text-align:center;color:var(--muted);font-size:.78rem;\
        font-variant-numeric:tabular-nums}
        .samplerow .tick{position:absolute;top:-.5rem;right:-.45rem;width:1.05rem;height:1.05rem;border-radius:50%;\
        background:var(--hue3);color:var(--ground);font-size:.72rem;line-height:1.05rem;text-align:center}
        """
}

extension SamplePicture {
    /// The largest extent of a picture in a page, in pixels. The mean of each block of a larger one is shown.
    private static let largestExtent = 128

    /// The picture for a page.
    var shown: PictureGrid.Picture {
        let factor = (max(width, height) + Self.largestExtent - 1) / Self.largestExtent
        guard factor > 1 else {
            return PictureGrid.Picture(values, channels: channels, width: width, height: height, range: range)
        }
        let (columns, rows) = (max(1, width / factor), max(1, height / factor))
        let across = min(factor, width), down = min(factor, height)
        var means: [Float] = []
        for channel in 0..<channels {
            for row in 0..<rows {
                for column in 0..<columns {
                    var sum: Float = 0
                    for y in 0..<down {
                        for x in 0..<across {
                            sum += values[(channel * height + row * factor + y) * width + column * factor + x]
                        }
                    }
                    means.append(sum / Float(across * down))
                }
            }
        }
        return PictureGrid.Picture(means, channels: channels, width: columns, height: rows, range: range)
    }
}
