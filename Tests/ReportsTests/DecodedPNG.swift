import CPNG
import CoupletReports
import Foundation

/// A PNG file as libpng reads it.
struct DecodedPNG {
    let width: Int
    let height: Int
    /// 1 or 3.
    let channels: Int
    /// height × width × channels.
    let pixels: [UInt8]

    /// - Returns: nil if libpng does not accept the file.
    init?(file: [UInt8]) {
        var image = png_image()
        image.version = couplet_PNG_IMAGE_VERSION()
        guard png_image_begin_read_from_memory(&image, file, file.count) != 0 else { return nil }
        width = Int(image.width)
        height = Int(image.height)
        channels = image.format == couplet_PNG_FORMAT_GRAY() ? 1 : 3
        image.format = channels == 1 ? couplet_PNG_FORMAT_GRAY() : couplet_PNG_FORMAT_RGB()
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        guard png_image_finish_read(&image, nil, &pixels, png_int_32(width * channels), nil) != 0 else { return nil }
        self.pixels = pixels
    }

    /// - Parameter address: The address of an image in a page, "data:image/png;base64,…".
    init?(address: String?) {
        let prefix = "data:image/png;base64,"
        guard let address, address.hasPrefix(prefix),
            let data = Data(base64Encoded: String(address.dropFirst(prefix.count)))
        else { return nil }
        self.init(file: [UInt8](data))
    }

    /// The channels of a pixel.
    func pixel(row: Int, column: Int) -> [UInt8] {
        let first = (row * width + column) * channels
        return Array(pixels[first..<first + channels])
    }
}
