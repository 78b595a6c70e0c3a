/// The channels and the size that all pictures of a set have, and how a picture gets them.
public struct PictureFormat: Equatable, Sendable {
    /// What becomes of a picture whose sides have another ratio than those of the format.
    public enum Fit: String, CaseIterable, Sendable {
        /// The sides are scaled by different factors.
        case stretch
        /// The middle of the picture is kept: the largest part with the ratio of the format.
        case crop
        /// The whole picture is kept, in the middle; the rest is white.
        case pad
    }

    /// 1 for grey, 3 for RGB.
    public var channels: Int
    public var height: Int
    public var width: Int
    public var fit: Fit

    public init(channels: Int = 3, height: Int, width: Int, fit: Fit = .stretch) {
        precondition(
            (channels == 1 || channels == 3) && (1...Self.largestSide).contains(height)
                && (1...Self.largestSide).contains(width), "a format of \(channels) × \(height) × \(width)")
        self.channels = channels
        self.height = height
        self.width = width
        self.fit = fit
    }

    /// The largest height and width.
    public static let largestSide = 1 << 14

    /// The number of bytes of a picture.
    public var bytes: Int { channels * height * width }

    /// The libraries that decode files, with their versions: "libjpeg-turbo 2.1.5, libpng 1.6.39".
    public static var decoder: String { DecodedPicture.libraries }

    /// The part of a picture that is scaled, and the part of the format that it fills.
    struct Placement: Equatable {
        /// Rows and columns of the picture.
        var rows: Range<Int>, columns: Range<Int>
        /// Rows and columns of the result.
        var targetRows: Range<Int>, targetColumns: Range<Int>
    }

    /// Where a picture of this size goes. Divisions are rounded to the nearest; an odd rest is to the right and below.
    func placement(height sourceHeight: Int, width sourceWidth: Int) -> Placement {
        var (rows, columns, targetRows, targetColumns) = (0..<sourceHeight, 0..<sourceWidth, 0..<height, 0..<width)
        // Whether the picture is wider than the format, relative to its height.
        let (across, down) = (sourceWidth * height, sourceHeight * width)
        func middle(_ part: Int, of whole: Int) -> Range<Int> { (whole - part) / 2..<(whole - part) / 2 + part }
        func scaled(_ side: Int, _ numerator: Int, _ denominator: Int, limit: Int) -> Int {
            min(limit, max(1, (2 * side * numerator + denominator) / (2 * denominator)))
        }
        switch fit {
        case .stretch: break
        case .crop where across > down:
            columns = middle(scaled(sourceHeight, width, height, limit: sourceWidth), of: sourceWidth)
        case .crop: rows = middle(scaled(sourceWidth, height, width, limit: sourceHeight), of: sourceHeight)
        case .pad where across > down:
            targetRows = middle(scaled(sourceHeight, width, sourceWidth, limit: height), of: height)
        case .pad:
            targetColumns = middle(scaled(sourceWidth, height, sourceHeight, limit: width), of: width)
        }
        return Placement(rows: rows, columns: columns, targetRows: targetRows, targetColumns: targetColumns)
    }
}
