import CCoupletKernels
import CoupletFiles

extension Picture {
    /// Reads a PNG or JPEG file, and gives the picture this format.
    /// - Throws: `FileError` as `init(reading:)`.
    public init(reading path: String, as format: PictureFormat) throws {
        try self.init(decoding: FileSystem.contents(of: path), name: path, as: format)
    }

    /// Decodes the bytes of a PNG or JPEG file, and gives the picture this format.
    /// - Throws: `FileError` as `init(reading:)`.
    public init(decoding file: [UInt8], name: String, as format: PictureFormat) throws {
        let decoded = try DecodedPicture(file, name: name).converted(toChannels: format.channels)
        self.init(decoded, as: format)
    }

    /// The picture in this format, with antialiasing (couplet_resizing.h). Pixels are means of pixels with a triangle
    /// as the filter, as Pillow's `Image.BILINEAR` computes them.
    public func resized(to format: PictureFormat) -> Picture {
        let source = converted(toChannels: format.channels)
        return source.pixels.withUnsafeBufferPointer { pixels in
            Picture(format: format) { target in
                for channel in 0..<format.channels {
                    let plane = channel * height * width
                    Resizing(height: height, width: width, channels: 1, format).run(
                        pixels.baseAddress! + plane,
                        into: target.baseAddress! + channel * format.height * format.width)
                }
            }
        }
    }

    /// A picture whose channels come one after another from a decoded one.
    init(_ decoded: borrowing DecodedPicture, as format: PictureFormat) {
        let plane = format.height * format.width
        self.init(format: format) { target in
            Resizing(height: decoded.height, width: decoded.width, channels: decoded.channels, format).run(
                decoded.pixels, into: target.baseAddress!)
            for channel in decoded.channels..<max(decoded.channels, format.channels) {
                (target.baseAddress! + channel * plane).update(from: target.baseAddress!, count: plane)
            }
        }
    }

    private init(format: PictureFormat, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        let pixels = [UInt8](unsafeUninitializedCapacity: format.bytes) { target, count in
            target.initialize(repeating: 255)
            write(target)
            count = format.bytes
        }
        self.init(channels: format.channels, height: format.height, width: format.width, pixels: pixels)
    }
}

/// Scales a picture of interleaved channels into a format; the channels of the result come one after another.
private struct Resizing {
    let shape: couplet_resizing
    /// Bytes before the first pixel that is read, and before the first one that is written.
    let offset: Int, targetOffset: Int

    init(height: Int, width: Int, channels: Int, _ format: PictureFormat) {
        let placement = format.placement(height: height, width: width)
        offset = (placement.rows.lowerBound * width + placement.columns.lowerBound) * channels
        targetOffset = placement.targetRows.lowerBound * format.width + placement.targetColumns.lowerBound
        shape = couplet_resizing(
            height: placement.rows.count, width: placement.columns.count, channels: channels,
            row_bytes: width * channels, target_height: placement.targetRows.count,
            target_width: placement.targetColumns.count, target_row_bytes: format.width,
            target_channel_bytes: format.height * format.width)
    }

    func run(_ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) {
        withUnsafePointer(to: shape) { shape in
            withUnsafeTemporaryAllocation(byteCount: couplet_resizing_memory(shape), alignment: 64) { memory in
                couplet_resize(shape, source + offset, memory.baseAddress!, target + targetOffset)
            }
        }
    }
}
