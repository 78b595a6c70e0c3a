import CoupletReports
import Foundation
import Testing

@Suite struct ColorMapTests {
    private static func luminance(_ hex: String) -> Double {
        let value = Int(hex.dropFirst(), radix: 16) ?? 0
        let parts = [value >> 16, value >> 8 & 255, value & 255].map { part -> Double in
            let share = Double(part) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }

    @Test(arguments: [ColorMap.sequential, .diverging]) func textHasContrastWithEveryColour(map: ColorMap) {
        for k in 0...100 {
            let ground = Self.luminance(map.color(Double(k) / 100)),
                ink = Self.luminance(map.textColor(Double(k) / 100))
            #expect((max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 4.5)
        }
    }

    @Test func lightnessShowsTheOrder() {
        let sequential = (0...100).map { Self.luminance(ColorMap.sequential.color(Double($0) / 100)) }
        #expect(zip(sequential, sequential.dropFirst()).allSatisfy { $0 <= $1 })
        let diverging = (0...100).map { Self.luminance(ColorMap.diverging.color(Double($0) / 100)) }
        #expect(zip(diverging[...50], diverging[1...50]).allSatisfy { $0 < $1 })
        #expect(zip(diverging[50...], diverging[51...]).allSatisfy { $0 > $1 })
        // Both ends are about equally dark.
        #expect(abs(diverging[0] - diverging[100]) < 0.02)
    }

    @Test func bytesAreThoseOfTheColour() {
        #expect(ColorMap.diverging.bytes(0) == [24, 58, 122] && ColorMap.diverging.color(0) == "#183a7a")
        #expect(ColorMap.diverging.bytes(7) == ColorMap.diverging.bytes(1))
        #expect(ColorMap.sequential.bytes(.nan) == ColorMap.sequential.bytes(0))
    }
}
