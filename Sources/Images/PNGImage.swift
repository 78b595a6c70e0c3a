import CPNG

/// An image of 8-bit pixels, grey or RGB, and its PNG file.
package struct PNGImage: Equatable, Sendable {
    /// 1 for grey, 3 for RGB (sRGB).
    package let channels: Int
    package let width: Int
    package let height: Int
    /// height × width × channels; the first row is the uppermost.
    package let pixels: [UInt8]

    package init(channels: Int, width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            (channels == 1 || channels == 3) && width > 0 && height > 0 && pixels.count == channels * width * height,
            "\(pixels.count) numbers for \(channels) × \(height) × \(width) pixels")
        self.channels = channels
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// The bytes of a PNG file, by libpng's simplified interface.
    package var file: [UInt8] {
        var image = png_image()
        image.version = couplet_PNG_IMAGE_VERSION()
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = channels == 1 ? couplet_PNG_FORMAT_GRAY() : couplet_PNG_FORMAT_RGB()
        let stride = png_int_32(width * channels)
        // The first call finds the size.
        var size: png_alloc_size_t = 0
        let isMeasured = png_image_write_to_memory(&image, nil, &size, 0, pixels, stride, nil) != 0
        precondition(isMeasured, "png_image_write_to_memory: \(Self.message(of: image))")
        return [UInt8](unsafeUninitializedCapacity: Int(size)) { bytes, count in
            let isWritten =
                png_image_write_to_memory(&image, bytes.baseAddress, &size, 0, pixels, stride, nil) != 0
            precondition(isWritten, "png_image_write_to_memory: \(Self.message(of: image))")
            count = Int(size)
        }
    }

    /// The file as the address of an image: "data:image/png;base64,…".
    package var dataURI: String { "data:image/png;base64," + Self.base64(file) }

    private static func message(of image: png_image) -> String {
        withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Bytes in base 64 (RFC 4648, section 4): three bytes are four letters, and "=" fills up the last four.
    package static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for first in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - first)
            let word = (0..<3).reduce(0) { $0 << 8 | ($1 < count ? Int(bytes[first + $1]) : 0) }
            for k in 0..<4 { result.append(k <= count ? letters[word >> (18 - 6 * k) & 63] : UInt8(ascii: "=")) }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
