import CoupletImages
import CoupletText

/// Rows of pictures, such as a query and what was retrieved for it. Each picture is drawn with sharp pixels. A row
/// has a title and may begin with a picture that stands apart, its query.
///
/// A solid frame with a check mark is around the right answers, a dashed one around the wrong answers.
///
///     let grid = PictureGrid(
///         "Right half, given the left half",
///         rows: [
///             .init("7", query: .init(left, channels: 1, width: 14, height: 28),
///                 pictures: found.map { .init($0.pixels, channels: 1, width: 14, height: 28, answer: .right) })
///         ])
public struct PictureGrid: Figure {
    /// Whether a picture is the right answer to its row's query.
    public enum Answer: Equatable, Sendable { case right, wrong }

    /// A picture with pixels from 0 to 1.
    public struct Picture: Equatable, Sendable {
        let image: CoupletImages.Picture
        /// The text below the picture, such as its probability; may be empty.
        public var label: String
        /// The tooltip; may be empty.
        public var tooltip: String
        /// Nil for a picture without a frame.
        public var answer: Answer?

        /// - Parameters:
        ///   - values: channels × height × width; the first row is the uppermost.
        ///   - channels: 1 for grey, 3 for RGB.
        ///   - range: The values of black and of white. Values outside are cut, and NaN is black.
        public init(
            _ values: [Float], channels: Int, width: Int, height: Int, range: ClosedRange<Float> = 0...1,
            label: String = "", tooltip: String = "", answer: Answer? = nil
        ) {
            precondition(
                values.count == channels * width * height,
                "\(values.count) values for \(channels) × \(height) × \(width) pixels")
            precondition(range.lowerBound < range.upperBound, "pixels from \(range.lowerBound) to \(range.upperBound)")
            let factor = 255 / (range.upperBound - range.lowerBound)
            let pixels = values.map { number -> UInt8 in
                let value = (number - range.lowerBound) * factor
                return value > 0 ? UInt8(min(value, 255).rounded()) : 0
            }
            image = CoupletImages.Picture(channels: channels, height: height, width: width, pixels: pixels)
            self.label = label
            self.tooltip = tooltip
            self.answer = answer
        }
    }

    /// A row of pictures.
    public struct Row: Equatable, Sendable {
        public var title: String
        /// The picture that stands apart, at the row's beginning.
        public var query: Picture?
        public var pictures: [Picture]

        public init(_ title: String, query: Picture? = nil, pictures: [Picture]) {
            self.title = title
            self.query = query
            self.pictures = pictures
        }
    }

    public var title: String
    public var caption: String
    public var rows: [Row]
    /// The side of a pixel, in units of the drawing.
    public var pixelSize: Double

    public init(_ title: String, caption: String = "", rows: [Row], pixelSize: Double = 1.5) {
        precondition(pixelSize > 0, "pixels of \(pixelSize) units")
        self.title = title
        self.caption = caption
        self.rows = rows
        self.pixelSize = pixelSize
    }

    public var legend: [LegendEntry] {
        let answers = rows.flatMap { $0.pictures.compactMap(\.answer) }
        return (answers.contains(.right) ? [LegendEntry("right", sample: .frame(.right))] : [])
            + (answers.contains(.wrong) ? [LegendEntry("wrong", sample: .frame(.wrong))] : [])
    }

    public var summary: String {
        let answers = rows.flatMap { $0.pictures.compactMap(\.answer) }, right = answers.count { $0 == .right }
        return "\(rows.reduce(0) { $0 + $1.pictures.count }) pictures in \(rows.count) rows"
            + (answers.isEmpty ? "" : ", \(right) of \(answers.count) right")
    }

    private static let gap = 6.0, labelHeight = 13.0, labelSize = 10.5

    private func width(of picture: Picture) -> Double { Double(picture.image.width) * pixelSize }
    private func height(of picture: Picture) -> Double { Double(picture.image.height) * pixelSize }

    /// The width of the column of titles.
    private var titleWidth: Double {
        let widest = rows.map { $0.title.isEmpty ? 0 : TextWidth.of($0.title, size: FigureSize.textSize) + 8 }.max()
        return min(110, widest ?? 0)
    }
    /// The width of the column of queries; 0 without queries.
    private var queryWidth: Double {
        rows.compactMap { $0.query.map(width(of:)) }.max().map { $0 + 3 * Self.gap } ?? 0
    }
    private var columnWidth: Double { (rows.flatMap { $0.pictures.map(width(of:)) }.max() ?? 0) + Self.gap }

    public var width: Double {
        let columns = rows.map(\.pictures.count).max() ?? 0
        return max(FigureSize.width, 4 + titleWidth + queryWidth + Double(columns) * columnWidth + 4)
    }

    public func draw(into drawing: inout Drawing, top: Double) -> Double {
        let first = 4 + titleWidth
        var y = top + 4
        for row in rows {
            let pictures = (row.query.map { [$0] } ?? []) + row.pictures
            let rowHeight = pictures.map(height(of:)).max() ?? FigureSize.textSize
            if !row.title.isEmpty {
                drawing.text(row.title, x: 4, y: y + rowHeight / 2 + 4, fitting: titleWidth - 4)
            }
            if let query = row.query { draw(query, x: first, y: y, rowHeight: rowHeight, into: &drawing) }
            for (column, picture) in row.pictures.enumerated() {
                draw(
                    picture, x: first + queryWidth + Double(column) * columnWidth, y: y, rowHeight: rowHeight,
                    into: &drawing)
            }
            let hasLabels = pictures.contains { !$0.label.isEmpty }
            y += rowHeight + (hasLabels ? Self.labelHeight : 0) + Self.gap
        }
        if rows.isEmpty { drawing.text("no pictures", x: width / 2, y: y + 12, class: "middle muted") }
        return y + (rows.isEmpty ? 20 : 0)
    }

    /// Draws a picture in the middle of its row's height.
    private func draw(_ picture: Picture, x: Double, y: Double, rowHeight: Double, into drawing: inout Drawing) {
        let (width, height) = (width(of: picture), height(of: picture)), upper = y + (rowHeight - height) / 2
        drawing.image(
            picture.image, x: x, y: upper, width: width, height: height, class: "pixels",
            title: picture.tooltip.isEmpty ? picture.label : picture.tooltip)
        if let answer = picture.answer {
            drawing.answer(answer, x: x - 1.5, y: upper - 1.5, width: width + 3, height: height + 3)
        }
        if !picture.label.isEmpty {
            drawing.text(
                TextWidth.fitted(picture.label, size: Self.labelSize, within: max(width + Self.gap, 24)),
                x: x + width / 2, y: y + rowHeight + Self.labelHeight - 2, class: "middle small muted")
        }
    }
}

extension Drawing {
    /// Draws the frame of an answer: solid with a check mark if it is right, dashed if it is wrong.
    mutating func answer(_ answer: PictureGrid.Answer, x: Double, y: Double, width: Double, height: Double) {
        let corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        switch answer {
        case .right:
            path([corners], class: "framed right")
            mark(0, x: x + width - 3.5, y: y + 3.5, radius: 5, class: "badge right")
            path([[(x + width - 6, y + 3.6), (x + width - 4.2, y + 5.6), (x + width - 1.2, y + 1.6)]], class: "check")
        case .wrong: path([corners], class: "framed wrong")
        }
    }
}
