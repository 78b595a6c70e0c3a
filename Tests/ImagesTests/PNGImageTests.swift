import CoupletImages
import Foundation
import Testing

@Suite struct PNGImageTests {
    @Test(arguments: [(1, 1, 1), (1, 28, 14), (3, 5, 7), (3, 64, 64)])
    func libpngReadsThePixelsBack(channels: Int, width: Int, height: Int) throws {
        let pixels = (0..<channels * width * height).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 &+ $0) }
        let image = PNGImage(channels: channels, width: width, height: height, pixels: pixels)
        let decoded = try Picture(decoding: image.file, name: "")
        #expect(decoded.width == width && decoded.height == height && decoded.channels == channels)
        let planes = (0..<channels).flatMap { channel in
            stride(from: channel, to: pixels.count, by: channels).map { pixels[$0] }
        }
        #expect(decoded.pixels == planes)
        #expect(image.file == image.file)
    }

    @Test(arguments: 0...17) func base64IsThatOfFoundation(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 251 &- $0 &* 37) }
        #expect(PNGImage.base64(bytes) == Data(bytes).base64EncodedString())
    }
}
