import CPNG

extension Picture {
    /// The pixels of a picture, height × width × channels.
    private var interleaved: [UInt8] {
        if channels == 1 { return pixels }
        let plane = height * width
        return [UInt8](unsafeUninitializedCapacity: 3 * plane) { target, count in
            for point in 0..<plane {
                for channel in 0..<3 { target[3 * point + channel] = pixels[channel * plane + point] }
            }
            count = 3 * plane
        }
    }

    /// The bytes of a PNG file, by libpng's simplified interface.
    public var png: [UInt8] {
        var image = png_image()
        image.version = couplet_PNG_IMAGE_VERSION()
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = channels == 1 ? couplet_PNG_FORMAT_GRAY() : couplet_PNG_FORMAT_RGB()
        let stride = png_int_32(width * channels), pixels = interleaved
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

    /// The PNG file as the address of an image: "data:image/png;base64,…".
    package var dataURI: String { "data:image/png;base64," + Self.base64(png) }

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
