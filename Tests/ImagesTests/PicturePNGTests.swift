import CoupletImages
import Foundation
import Testing

@Suite struct PicturePNGTests {
    @Test(arguments: [(1, 1, 1), (1, 28, 14), (3, 5, 7), (3, 64, 64)])
    func libpngReadsThePixelsBack(channels: Int, width: Int, height: Int) throws {
        let pixels = (0..<channels * width * height).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 &+ $0) }
        let picture = Picture(channels: channels, height: height, width: width, pixels: pixels)
        let decoded = try Picture(decoding: picture.png, name: "")
        #expect(decoded == picture)
        #expect(picture.png == picture.png)
    }

    @Test(arguments: 0...17) func base64IsThatOfFoundation(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 251 &- $0 &* 37) }
        #expect(Picture.base64(bytes) == Data(bytes).base64EncodedString())
    }
}
