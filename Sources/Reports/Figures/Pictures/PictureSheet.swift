import CoupletImages
import CoupletInference

/// Rows of pictures in one PNG file: a query and what was found for it, or its samples. A line of digits below a
/// picture has its probability. What is no picture is a number: a label, or the number of a row.
///
/// A solid green frame is around right answers, a dashed grey one around wrong ones.
public struct PictureSheet: Sendable {
    public enum Content: Sendable {
        case picture(SamplePicture)
        /// Digits and the characters ". - % <".
        case number(String)
    }

    public struct Cell: Sendable {
        public let content: Content
        /// Digits below the cell; may be empty.
        public let label: String
        public let answer: PictureGrid.Answer?

        public init(_ content: Content, label: String = "", answer: PictureGrid.Answer? = nil) {
            self.content = content
            self.label = label
            self.answer = answer
        }
    }

    public struct Row: Sendable {
        public let query: Cell
        public let cells: [Cell]

        public init(_ query: Cell, _ cells: [Cell]) {
            self.query = query
            self.cells = cells
        }
    }

    public let rows: [Row]

    public init(_ rows: [Row]) { self.rows = rows }

    private static let gap = 10, labelHeight = 16, smallest = 64
    private static let ink: [UInt8] = [27, 32, 40], right: [UInt8] = [0, 160, 120], wrong: [UInt8] = [154, 163, 176]

    /// The bytes of the file.
    public var file: [UInt8] { image.png }

    package var image: Picture {
        let shown = rows.map { ([$0.query] + $0.cells).map { ($0, Self.image(of: $0)) } }
        let images = shown.flatMap { $0.compactMap(\.1) }
        // Whole multiples keep pixels sharp.
        let largest = images.map { max($0.width, $0.height) }.max() ?? Self.smallest
        let scale = max(1, Self.smallest / largest)
        let width = max(Self.smallest, scale * (images.map(\.width).max() ?? 0))
        let height = max(24, scale * (images.map(\.height).max() ?? 0))
        let columns = max(1, shown.map(\.count).max() ?? 0)
        // A query stands apart.
        var canvas = Canvas(
            width: 3 * Self.gap + columns * (width + Self.gap),
            height: Self.gap + max(1, rows.count) * (height + Self.labelHeight + Self.gap))
        for (row, cells) in shown.enumerated() {
            let top = Self.gap + row * (height + Self.labelHeight + Self.gap)
            for (column, (cell, image)) in cells.enumerated() {
                let left = Self.gap + column * (width + Self.gap) + (column > 0 ? 2 * Self.gap : 0)
                if let image {
                    canvas.draw(
                        image, x: left + (width - scale * image.width) / 2,
                        y: top + (height - scale * image.height) / 2,
                        scale: scale)
                } else if case .number(let text) = cell.content {
                    canvas.write(text, middle: left + width / 2, y: top + height / 2 - 7, color: Self.ink)
                }
                switch cell.answer {
                case .right: canvas.frame(x: left, y: top, width: width, height: height, Self.right, isDashed: false)
                case .wrong: canvas.frame(x: left, y: top, width: width, height: height, Self.wrong, isDashed: true)
                case nil: break
                }
                canvas.write(cell.label, middle: left + width / 2, y: top + height + 4, color: Self.ink, scale: 1)
            }
        }
        return Picture(channels: 3, height: canvas.height, width: canvas.width, pixels: canvas.pixels)
    }

    private static func image(of cell: Cell) -> Picture? {
        if case .picture(let picture) = cell.content { picture.shown.image } else { nil }
    }
}

/// RGB pixels on white, channel after channel.
private struct Canvas {
    let width: Int
    let height: Int
    private(set) var pixels: [UInt8]

    init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = [UInt8](repeating: 255, count: 3 * width * height)
    }

    private mutating func set(_ x: Int, _ y: Int, _ color: [UInt8]) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        for channel in 0..<3 { pixels[(channel * height + y) * width + x] = color[channel] }
    }

    /// Draws an image whose pixels become squares of `scale` × `scale`.
    mutating func draw(_ image: Picture, x: Int, y: Int, scale: Int) {
        let image = image.converted(toChannels: 3), plane = image.height * image.width
        for row in 0..<scale * image.height {
            for column in 0..<scale * image.width {
                let place = row / scale * image.width + column / scale
                set(x + column, y + row, (0..<3).map { image.pixels[$0 * plane + place] })
            }
        }
    }

    /// Draws a frame of two pixels around a rectangle.
    mutating func frame(x: Int, y: Int, width: Int, height: Int, _ color: [UInt8], isDashed: Bool) {
        for thickness in 2...3 {
            for place in -thickness..<width + thickness where !isDashed || place % 8 < 4 {
                set(x + place, y - thickness, color)
                set(x + place, y + height - 1 + thickness, color)
            }
            for place in -thickness..<height + thickness where !isDashed || place % 8 < 4 {
                set(x - thickness, y + place, color)
                set(x + width - 1 + thickness, y + place, color)
            }
        }
    }

    /// Writes digits; characters without a glyph are left out.
    mutating func write(_ text: String, middle: Int, y: Int, color: [UInt8], scale: Int = 2) {
        let glyphs = text.compactMap { Self.glyphs[$0] }
        var x = middle - (glyphs.count * 6 - 1) * scale / 2
        for glyph in glyphs {
            for (row, bits) in glyph.enumerated() {
                for column in 0..<5 where bits >> (4 - column) & 1 == 1 {
                    for dy in 0..<scale {
                        for dx in 0..<scale { set(x + column * scale + dx, y + row * scale + dy, color) }
                    }
                }
            }
            x += 6 * scale
        }
    }

    /// Digits of 5 × 7 pixels, row by row.
    private static let glyphs: [Character: [UInt8]] = [
        "0": [14, 17, 19, 21, 25, 17, 14], "1": [4, 12, 4, 4, 4, 4, 14], "2": [14, 17, 1, 2, 4, 8, 31],
        "3": [31, 2, 4, 2, 1, 17, 14], "4": [2, 6, 10, 18, 31, 2, 2], "5": [31, 16, 30, 1, 1, 17, 14],
        "6": [6, 8, 16, 30, 17, 17, 14], "7": [31, 1, 2, 4, 8, 8, 8], "8": [14, 17, 17, 14, 17, 17, 14],
        "9": [14, 17, 17, 15, 1, 2, 12], ".": [0, 0, 0, 0, 0, 12, 12], "-": [0, 0, 0, 31, 0, 0, 0],
        "%": [24, 25, 2, 4, 8, 19, 3], "<": [2, 4, 8, 16, 8, 4, 2], " ": [0, 0, 0, 0, 0, 0, 0],
        "#": [10, 10, 31, 10, 31, 10, 10],
    ]
}
