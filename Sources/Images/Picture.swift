import CoupletFiles

/// A picture of 8-bit pixels, grey or RGB (sRGB).
public struct Picture: Equatable, Sendable {
    /// 1 for grey, 3 for RGB.
    public let channels: Int
    public let height: Int
    public let width: Int
    /// channels × height × width; the first row is the uppermost.
    public let pixels: [UInt8]

    public init(channels: Int, height: Int, width: Int, pixels: [UInt8]) {
        precondition(
            (channels == 1 || channels == 3) && width > 0 && height > 0 && pixels.count == channels * width * height,
            "\(pixels.count) numbers for \(channels) × \(height) × \(width) pixels")
        self.channels = channels
        self.height = height
        self.width = width
        self.pixels = pixels
    }

    /// Reads a PNG or JPEG file.
    ///
    /// - JPEG: by libjpeg with the slow integer transform. CMYK and YCCK become RGB.
    /// - PNG: by libpng. Palettes become RGB; 1, 2, 4 and 16 bits become 8; transparent pixels are blended on white.
    /// - The EXIF orientation is applied. Color profiles and gamma are left out.
    /// - Throws: `FileError`: `.inputOutput` if the file cannot be read, `.badData` with the reason if it is no PNG or
    ///   JPEG file, cut short or damaged.
    public init(reading path: String) throws {
        try self.init(decoding: FileSystem.contents(of: path), name: path)
    }

    /// Decodes the bytes of a PNG or JPEG file, as `init(reading:)`.
    /// - Parameter name: what errors call the file.
    public init(decoding file: [UInt8], name: String) throws {
        self = try DecodedPicture(file, name: name).picture
    }

    /// The picture in grey (1) or RGB (3). Grey is that of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded.
    public func converted(toChannels channels: Int) -> Picture {
        precondition(channels == 1 || channels == 3, "\(channels) channels")
        if channels == self.channels { return self }
        let plane = height * width
        var pixels = self.pixels
        if channels == 3 {
            for _ in 0..<2 { pixels += self.pixels }
        } else {
            for point in 0..<plane {
                pixels[point] = Self.grey(pixels[point], pixels[plane + point], pixels[2 * plane + point])
            }
            pixels.removeLast(2 * plane)
        }
        return Picture(channels: channels, height: height, width: width, pixels: pixels)
    }

    /// The grey of a color, in multiples of 2⁻¹⁶.
    @inline(__always) static func grey(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        var sum: UInt32 = 19_595 * UInt32(red)
        sum += 38_470 * UInt32(green)
        sum += 7_471 * UInt32(blue)
        return UInt8((sum + 0x8000) >> 16)
    }
}
