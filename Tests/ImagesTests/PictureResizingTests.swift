import CoupletImages
import Testing

@Suite struct PictureResizingTests {
    /// Pillow rounds to 8 bits between the directions.
    @Test(arguments: PillowFixture.stored.resized)
    func pixelsAreThoseOfPillowWithinOne(entry: PillowFixture.Entry) throws {
        let source = try Picture(decoding: PillowFixture.file(entry.name), name: "")
        let format = PictureFormat(channels: source.channels, height: entry.shape[1], width: entry.shape[2])
        let resized = source.resized(to: format)
        let differences = zip(resized.pixels, entry.picture.pixels).map { abs(Int($0) - Int($1)) }
        #expect(resized.pixels.count == entry.pixels.count && differences.max()! <= 1)
        // Most are equal.
        #expect(differences.count { $0 == 1 } <= differences.count / 5)
    }

    /// The mean with a triangle as its filter, in Double.
    private func naive(_ picture: Picture, height: Int, width: Int) -> [Double] {
        func weights(_ n: Int, _ m: Int, _ i: Int) -> [Double] {
            let scale = max(1, Double(n) / Double(m)), center = (Double(i) + 0.5) * Double(n) / Double(m)
            let weights = (0..<n).map { (j: Int) -> Double in max(0, 1 - abs(Double(j) + 0.5 - center) / scale) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        let across = (0..<width).map { weights(picture.width, width, $0) }
        var result: [Double] = []
        for channel in 0..<picture.channels {
            for y in 0..<height {
                let down = weights(picture.height, height, y)
                var row = [Double](repeating: 0, count: picture.width)
                for j in 0..<picture.height {
                    let first = (channel * picture.height + j) * picture.width
                    for x in 0..<picture.width { row[x] += down[j] * Double(picture.pixels[first + x]) }
                }
                for x in 0..<width {
                    var sum = 0.0
                    for j in 0..<picture.width { sum += across[x][j] * row[j] }
                    result.append(sum)
                }
            }
        }
        return result
    }

    @Test(arguments: [(1, 1), (2, 3), (8, 8), (19, 27), (20, 26), (9, 61), (64, 5), (57, 81)])
    func pixelsAreThoseOfTheFormulaInDouble(height: Int, width: Int) throws {
        for name in ["rgb.png", "grey.png", "pixel.png"] {
            let source = try Picture(decoding: PillowFixture.file(name), name: "")
            let format = PictureFormat(channels: source.channels, height: height, width: width)
            let exact = naive(source, height: height, width: width)
            // Half a unit, 1/128 of the rows' rounding, and 2^-19 for each of at most 2 · 27 weights a direction.
            let limit: Double = 0.5 + 0.0079 + 255.0 * 54.0 / 524_288.0
            for (pixel, value) in zip(source.resized(to: format).pixels, exact) {
                let error = abs(Double(pixel) - value)
                #expect(error <= limit, "\(name) \(pixel) \(value)")
            }
        }
    }

    @Test func theSameSizeGivesTheSamePixels() throws {
        let source = try Picture(decoding: PillowFixture.file("rgb.png"), name: "")
        for fit in PictureFormat.Fit.allCases {
            #expect(source.resized(to: PictureFormat(height: source.height, width: source.width, fit: fit)) == source)
        }
    }

    @Test(arguments: [(1, 1), (3, 500), (500, 3), (17, 31)]) func oneColorStaysOne(height: Int, width: Int) {
        for value: UInt8 in [0, 1, 127, 254, 255] {
            let source = Picture(
                channels: 1, height: height, width: width, pixels: [UInt8](repeating: value, count: height * width))
            for (newHeight, newWidth) in [(1, 1), (7, 90), (32, 32)] {
                let resized = source.resized(to: PictureFormat(channels: 1, height: newHeight, width: newWidth))
                #expect(resized.pixels.allSatisfy { $0 == value })
            }
        }
    }

    /// Decoding in a format gives what decoding and resizing give.
    @Test(arguments: PictureFormat.Fit.allCases) func filesAreReadInAFormat(fit: PictureFormat.Fit) throws {
        for name in ["rgb.jpg", "grey.jpg", "alpha.png", "exif-6.jpg", "pixel.png"] {
            for channels in [1, 3] {
                let format = PictureFormat(channels: channels, height: 12, width: 10, fit: fit)
                let file = PillowFixture.file(name)
                let direct = try Picture(decoding: file, name: name, as: format)
                #expect(try direct == Picture(decoding: file, name: name).resized(to: format))
            }
        }
    }

    /// A picture of 4 × 8 pixels, column x with the value 30 x.
    private let wide = Picture(channels: 1, height: 4, width: 8, pixels: (0..<32).map { UInt8($0 % 8 * 30) })

    @Test func cropKeepsTheMiddle() {
        let square = wide.resized(to: PictureFormat(channels: 1, height: 4, width: 4, fit: .crop))
        let middle: [UInt8] = [60, 90, 120, 150]
        #expect(square.pixels == middle + middle + middle + middle)
        let row = wide.resized(to: PictureFormat(channels: 1, height: 2, width: 8, fit: .crop))
        #expect(row.pixels == Array(wide.pixels.prefix(16)))
    }

    @Test func padKeepsAllOnWhite() {
        let square = wide.resized(to: PictureFormat(channels: 1, height: 8, width: 8, fit: .pad))
        let white = [UInt8](repeating: 255, count: 16)
        #expect(square.pixels == white + wide.pixels + white)
        // 4 × 8 in 4 × 9: one column of white, at the right.
        let padded = wide.resized(to: PictureFormat(channels: 1, height: 4, width: 9, fit: .pad))
        let line: [UInt8] = [0, 30, 60, 90, 120, 150, 180, 210, 255]
        #expect(padded.pixels == line + line + line + line)
        // A picture that is much wider than the format keeps a row.
        let strip = Picture(channels: 1, height: 1, width: 1000, pixels: [UInt8](repeating: 7, count: 1000))
        let thin = strip.resized(to: PictureFormat(channels: 1, height: 9, width: 3, fit: .pad))
        #expect(thin.pixels.count { $0 == 7 } == 3)
    }
}
