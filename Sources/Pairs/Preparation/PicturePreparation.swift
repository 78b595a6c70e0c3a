import CoupletImages
import CoupletText

/// How picture files became rows: the shape of a row, and how a picture of another shape was fitted into it.
public struct PicturePreparation: Equatable, Sendable {
    public let format: PictureFormat
    /// The libraries that decoded the files: "libjpeg-turbo 2.1.5, libpng 1.6.39". It is for information.
    public let decoder: String

    public init(_ format: PictureFormat, decoder: String = PictureFormat.decoder) {
        self.format = format
        self.decoder = decoder
    }

    /// The shape of a row: channels × height × width.
    public var shape: [Int] { [format.channels, format.height, format.width] }

    var settings: [(String, JSONValue)] {
        [
            ("channels", .integer(format.channels)), ("height", .integer(format.height)),
            ("width", .integer(format.width)), ("fit", .string(format.fit.rawValue)),
        ]
    }

    /// - Parameter json: an object with the members of `settings`, and `decoder`.
    /// - Returns: nil if a member is missing or wrong.
    init?(_ json: JSONValue) {
        guard let channels = json["channels"]?.integer, let height = json["height"]?.integer,
            let width = json["width"]?.integer,
            let fit = json["fit"]?.string.flatMap(PictureFormat.Fit.init(rawValue:)), [1, 3].contains(channels),
            (1...PictureFormat.largestSide).contains(height), (1...PictureFormat.largestSide).contains(width)
        else { return nil }
        self.init(
            PictureFormat(channels: channels, height: height, width: width, fit: fit),
            decoder: json["decoder"]?.string ?? "")
    }
}
