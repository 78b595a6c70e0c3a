import CCoupletImages
import CoupletFiles
import Glibc

/// A picture as the libraries decode it: height × width × channels. It owns memory of C.
struct DecodedPicture: ~Copyable {
    private(set) var pixels: UnsafeMutablePointer<UInt8>
    private(set) var height: Int, width: Int
    /// 1 for grey, 3 for RGB.
    private(set) var channels: Int

    /// A larger picture is refused: a file of some kilobytes can announce more pixels than any memory holds.
    private static let largestPixelCount = 1 << 28

    static let libraries =
        "\(String(cString: couplet_jpeg_library())), \(String(cString: couplet_png_library()))"

    /// Decodes a PNG or JPEG file, and turns it by its EXIF orientation.
    /// - Throws: `FileError(.badData)` with the reason.
    init(_ file: [UInt8], name: String) throws {
        let kind = try PictureFileKind(of: file, name: name)
        var picture = couplet_picture()
        let decode = kind == .png ? couplet_decode_png : couplet_decode_jpeg
        decode(file, file.count, Self.largestPixelCount, &picture)
        guard let pixels = picture.pixels else {
            let message = withUnsafeBytes(of: picture.message) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw FileError(
                .badData, at: name, reason: "cannot be decoded: \(message) (\(kind.library))",
                remedy: "the file is cut short or damaged: write or fetch it again")
        }
        self.pixels = pixels
        (height, width, channels) = (picture.height, picture.width, picture.channels)
        turn(PictureOrientation(of: file, kind))
    }

    deinit { free(pixels) }

    /// The picture in grey if `channels` is 1; otherwise as it is.
    consuming func converted(toChannels channels: Int) -> DecodedPicture {
        if channels == 1, self.channels == 3 {
            for point in 0..<height * width {
                pixels[point] = Picture.grey(pixels[3 * point], pixels[3 * point + 1], pixels[3 * point + 2])
            }
            self.channels = 1
        }
        return self
    }

    /// The picture with its channels one after another.
    var picture: Picture {
        let plane = height * width
        return Picture(
            channels: channels, height: height, width: width,
            pixels: [UInt8](unsafeUninitializedCapacity: channels * plane) { target, count in
                for channel in 0..<channels {
                    for point in 0..<plane { target[channel * plane + point] = pixels[point * channels + channel] }
                }
                count = channels * plane
            })
    }

    /// Turns and mirrors the picture, so that it is upright.
    private mutating func turn(_ orientation: PictureOrientation) {
        guard orientation != .upright else { return }
        let (newHeight, newWidth) = orientation.swapsSides ? (width, height) : (height, width)
        guard let memory = malloc(height * width * channels) else { preconditionFailure("no memory for a picture") }
        let turned = memory.assumingMemoryBound(to: UInt8.self)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                let (row, column) = orientation.source(y, x, height: height, width: width)
                for channel in 0..<channels {
                    turned[(y * newWidth + x) * channels + channel] =
                        pixels[(row * width + column) * channels + channel]
                }
            }
        }
        free(pixels)
        (pixels, height, width) = (turned, newHeight, newWidth)
    }
}
