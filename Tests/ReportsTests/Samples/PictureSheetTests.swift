import CoupletInference
import CoupletReports
import TestSupport
import Testing

@Suite struct PictureSheetTests {
    private static func picture(_ values: [Float], shape: [Int] = [3, 2, 2], range: ClosedRange<Float> = 0...1) throws
        -> SamplePicture
    { try #require(SamplePicture(shape: shape, values, range: range)) }

    /// Sharp pixels at their places, frames that tell right from wrong, and digits.
    @Test func sheet() throws {
        let colors = try Self.picture([1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1])
        let grey = try Self.picture([0, 51, 102, 255], shape: [1, 2, 2], range: 0...255)
        let sheet = PictureSheet([
            .init(
                .init(.number("7")),
                [.init(.picture(colors), label: "0.93", answer: .right), .init(.picture(grey), answer: .wrong)]),
            .init(.init(.picture(colors)), []),
        ])
        let image = try #require(DecodedPNG(file: sheet.file))
        // Cells of 64 with gaps of 10, 16 for digits; two pixels become 64.
        #expect(image.channels == 3 && image.width == 30 + 3 * 74 && image.height == 10 + 2 * 90)
        let left = 10 + 74 + 20, top = 10
        func pixel(_ x: Int, _ y: Int) -> [UInt8] { image.pixel(row: y, column: x) }
        #expect(pixel(left, top) == [255, 0, 0] && pixel(left + 31, top + 31) == [255, 0, 0])
        #expect(pixel(left + 32, top) == [0, 255, 0] && pixel(left, top + 32) == [0, 0, 255])
        #expect(pixel(left + 63, top + 63) == [255, 255, 255])
        #expect(pixel(left + 74, top) == [0, 0, 0] && pixel(left + 74 + 63, top) == [51, 51, 51])
        // The right frame has no gaps, the wrong one has.
        let frame = (0..<64).map { pixel(left + $0, top - 2) }
        #expect(frame.allSatisfy { $0 == [0, 160, 120] })
        let dashes = (0..<64).map { pixel(left + 74 + $0, top - 2) }
        #expect(dashes.filter { $0 == [255, 255, 255] }.count == 32 && dashes[0] == [154, 163, 176])
        // The digit 7 in its cell: a bar of five pixels of two, then one pixel.
        let digit = (0..<14).map { y in (0..<64).count { pixel(10 + $0, top + 32 - 7 + y) == [27, 32, 40] } }
        #expect(digit == [10, 10] + [Int](repeating: 2, count: 12))
        #expect((0..<64).contains { pixel(left + $0, top + 64 + 7) == [27, 32, 40] }, "digits below")
        #expect(DecodedPNG(file: PictureSheet([]).file) != nil)
    }

    @Test func pictures() throws {
        #expect(SamplePicture(shape: [2, 2, 2], [Float](repeating: 0, count: 8), range: 0...1) == nil)
        #expect(SamplePicture(shape: [8], [Float](repeating: 0, count: 8), range: 0...1) == nil)
        #expect(SamplePicture(shape: [1, 2, 4], [Float](repeating: 0, count: 8), range: 0...1)?.width == 4)
    }
}
