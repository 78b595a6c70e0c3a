import CCoupletKernels
import Foundation
import Testing

/// The changes of pictures against torchvision, whose results `Tests/Peers/augmentation.txt` stores.
@Suite struct PictureKernelTests {
    private static let height = 6, width = 5
    private static var pixels: Int { height * width }

    /// The lines of the file: name, numbers, result.
    private static let lines: [(name: String, numbers: [Double], result: [Double])] = {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Peers/augmentation.txt")
            .standardizedFileURL
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t"), words = parts[0].split(separator: " ")
            return (
                String(words[0]), words.dropFirst().compactMap { Double($0) },
                parts[1].split(separator: " ").compactMap { Double($0) }
            )
        }
    }()

    private static func weights(_ kernel: Int, _ sigma: Double) -> [Float] {
        let weights = (0..<kernel).map { Foundation.exp(-0.5 * Foundation.pow(Double($0 - kernel / 2) / sigma, 2)) }
        return weights.map { Float($0 / weights.reduce(0, +)) }
    }

    @Test func agreesWithTorchvision() throws {
        let bytes = try #require(Self.lines.first { $0.name == "bytes" }).result.map { Float($0) }
        let count = 3 * Self.pixels, (height, width) = (Self.height, Self.width)
        var picture = [Float](repeating: 0, count: count)
        #expect(couplet_picture_pixels(count, bytes, 0, 1 / 255, &picture) == count)
        for (name, numbers, result) in Self.lines where name != "bytes" {
            var changed = picture, work = [Float](repeating: 0, count: 200)
            let factor = Float(numbers.first ?? 0), whole = numbers.map { Int($0) }
            switch name {
            case "brightness": couplet_picture_brightness(count, factor, &changed)
            case "contrast": couplet_picture_contrast(3, Self.pixels, factor, &changed)
            case "saturation": couplet_picture_saturation(Self.pixels, factor, &changed)
            case "hue": couplet_picture_hue(Self.pixels, factor, &changed)
            case "gray": couplet_picture_gray(Self.pixels, &changed)
            case "flip": couplet_picture_crop(3, height, width, picture, 0, 0, height, width, 1, &work, &changed)
            case "crop":
                couplet_picture_crop(
                    3, height, width, picture, whole[0], whole[1], whole[2], whole[3], 0, &work, &changed)
            case "blur":
                couplet_picture_blur(
                    3, height, width, whole[0] / 2, Self.weights(whole[0], numbers[1]), &work, &changed)
            default: Issue.record("\(name)")
            }
            try #require(result.count == count, "\(name)")
            let error = zip(changed, result).map { abs(Double($0) - $1) }.max()!
            #expect(error <= 2e-6, "\(name) \(numbers): \(error)")
        }
        #expect(Self.lines.count == 18)
    }

    /// One channel, and pictures whose rows are no multiple of a vector.
    @Test func contrastOfGreyPictures() {
        let count = 23 * 17, values = (0..<count).map { Float(($0 * 7_919) % 256) / 255 }
        var changed = values
        couplet_picture_contrast(1, count, 0.4, &changed)
        let mean = values.map(Double.init).reduce(0, +) / Double(count)
        for (value, new) in zip(values, changed) {
            #expect(abs(Double(new) - (0.4 * Double(value) + 0.6 * mean)) <= 1e-6)
        }
    }

    /// The first number that is no pixel, also among many; a little beyond black and white is rounding.
    @Test func numbersThatAreNoPixels() {
        var values = [Float](repeating: 0.5, count: 100), pixels = values
        (values[3], values[4]) = (-0.001, 1.001)
        #expect(couplet_picture_pixels(100, values, 0, 1, &pixels) == 100)
        #expect(pixels[3] == 0 && pixels[4] == 1)
        for (index, wrong) in [(77, Float.nan), (60, 1.01), (41, -0.01), (40, .infinity)] {
            values[index] = wrong
            #expect(couplet_picture_pixels(100, values, 0, 1, &pixels) == index)
        }
    }
}
