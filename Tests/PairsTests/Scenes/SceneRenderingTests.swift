import CoupletImages
import Foundation
import Testing

import CoupletPairs

/// The renderer once more, in Double: short equal steps along each ray in place of sphere tracing, and distances that
/// are written down from their geometry.
private struct NaiveScene {
    let factors: SceneFactors
    let rotation: [[Double]]
    let center: SIMD3<Double>

    init(_ factors: SceneFactors) {
        self.factors = factors
        center = SIMD3(3 * Double(factors.xPosition - 1), 3 * Double(1 - factors.yPosition), 0)
        func turned(_ share: Double, _ axis: Int) -> [[Double]] {
            let angle = (share - 0.5) * Double.pi, c = Foundation.cos(angle), s = Foundation.sin(angle)
            let (i, j) = [(1, 2), (2, 0), (0, 1)][axis]
            var matrix = (0..<3).map { row in (0..<3).map { $0 == row ? 1.0 : 0 } }
            (matrix[i][i], matrix[i][j], matrix[j][i], matrix[j][j]) = (c, -s, s, c)
            return matrix
        }
        func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
            (0..<3).map { i in (0..<3).map { j in (0..<3).reduce(0) { $0 + a[i][$1] * b[$1][j] } } }
        }
        rotation = product(
            turned(factors.rotation.z, 2), product(turned(factors.rotation.y, 1), turned(factors.rotation.x, 0)))
    }

    /// Whether a point, in the object's axes, is inside of the shape.
    private func isInside(_ p: SIMD3<Double>) -> Bool {
        let q = p / 1.3, r = (q.x * q.x + q.z * q.z).squareRoot()
        func box(_ x: Double, _ y: Double, _ z: Double) -> Bool { abs(q.x) < x && abs(q.y) < y && abs(q.z) < z }
        func ball(_ y: Double) -> Bool { (q.x * q.x + (q.y - y) * (q.y - y) + q.z * q.z).squareRoot() < 0.48 }
        switch factors.shape {
        case 0:
            // A cube of half side 0.72 with edges rounded by 0.04.
            let d = [abs(q.x) - 0.72, abs(q.y) - 0.72, abs(q.z) - 0.72].map { max($0, 0) }
            return d.reduce(0) { $0 + $1 * $1 }.squareRoot() < 0.04
        case 1: return r < 0.62 && abs(q.y) < 0.95
        case 2: return q.y > -0.95 && q.y < 0.95 && r < 0.9 * (0.95 - q.y) / 1.9
        case 3: return ((r - 0.85) * (r - 0.85) + q.y * q.y).squareRoot() < 0.33
        case 4: return box(1.05, 0.3, 0.3) || box(0.3, 1.05, 0.3) || box(0.3, 0.3, 1.05)
        case 5:
            let cup = r < 0.62 && abs(q.y) < 0.8 && !(r < 0.48 && abs(q.y - 0.25) < 0.8)
            let ring = ((q.x - 0.66) * (q.x - 0.66) + q.y * q.y).squareRoot() - 0.42
            return cup || ((ring * ring + q.z * q.z).squareRoot() < 0.12 && r > 0.55)
        default: return ball(0.8) || ball(-0.8) || (r < 0.2 && abs(q.y) < 0.8)
        }
    }

    /// Whether the ray through a point of the plane z = 0 meets the object.
    func meetsObject(_ x: Double, _ y: Double) -> Bool {
        let camera = SIMD3(0, 0, 20.0), way = SIMD3(x, y, 0) - camera
        let direction = way / (way * way).sum().squareRoot()
        return stride(from: 17.0, to: 23.0, by: 0.004).contains { t in
            let p = camera + t * direction - center
            return isInside(
                SIMD3(
                    (0..<3).reduce(0) { $0 + rotation[$1][0] * p[$1] },
                    (0..<3).reduce(0) { $0 + rotation[$1][1] * p[$1] },
                    (0..<3).reduce(0) { $0 + rotation[$1][2] * p[$1] }))
        }
    }
}

@Suite struct SceneRenderingTests {
    private static func factors(_ shape: Int, _ number: UInt64) -> SceneFactors {
        var factors = SceneFactors(seed: 5, part: 0, number: number)
        factors.shape = shape
        return factors
    }

    /// The pixels of the object are those whose rays meet it, but for some at its edge. A dark object before a bright
    /// wall tells them apart.
    @Test(arguments: SceneFactors.Shape.allCases) func theObjectIsWhereRaysMeetIt(shape: SceneFactors.Shape) {
        let size = 32
        for number in 0..<3 as Range<UInt64> {
            let factors = Self.factors(shape.rawValue, number), naive = NaiveScene(factors)
            // The same scene with another color of the object differs in the object's pixels alone.
            var other = factors
            other.objectColor = factors.objectColor < 0.5 ? factors.objectColor + 0.5 : factors.objectColor - 0.5
            let (a, b) = (factors.rendered(size: size).pixels, other.rendered(size: size).pixels)
            var wrong = 0, met = 0
            for row in 0..<size {
                for column in 0..<size {
                    let differs = (0..<3).contains {
                        a[($0 * size + row) * size + column] != b[($0 * size + row) * size + column]
                    }
                    // The four rays of the pixel.
                    let meets = (0..<2).contains { i in
                        (0..<2).contains { j in
                            let step = 9.6 / Double(2 * size)
                            return naive.meetsObject(
                                (Double(2 * column + j) + 0.5) * step - 4.8, 4.8 - (Double(2 * row + i) + 0.5) * step)
                        }
                    }
                    if meets { met += 1 }
                    if meets != differs { wrong += 1 }
                }
            }
            #expect(met >= 10 && wrong <= max(2, met / 25), "\(shape) \(number): \(wrong) of \(met)")
        }
    }

    /// Light from the right throws the shadow to the left, and a colored spotlight colors what it lights.
    @Test func lightAndShadow() {
        var factors = Self.factors(0, 1)
        (factors.xPosition, factors.yPosition) = (1, 1)
        (factors.backgroundColor, factors.objectColor) = (0.5, 0.5)
        func brightness(_ light: Double, columns: Range<Int>) -> Int {
            factors.spotlightPosition = light
            let picture = factors.rendered(size: 64)
            return (24..<40).reduce(0) { sum, row in
                sum
                    + columns.reduce(0) {
                        $0 + Int(picture.pixels[row * 64 + $1]) + Int(picture.pixels[(64 + row) * 64 + $1])
                    }
            }
        }
        let (left, right) = (14..<22, 42..<50)
        #expect(brightness(1, columns: left) < brightness(0, columns: left) * 9 / 10)
        #expect(brightness(0, columns: right) < brightness(1, columns: right) * 9 / 10)
    }

    /// Colors are those of HSV, as Foundation's arithmetic gives them.
    @Test func colorsAreThoseOfHSV() {
        for (hue, color) in [
            (0.0, [1.0, 0, 0]), (1 / 6, [1, 1, 0]), (1 / 3, [0, 1, 0]), (0.5, [0, 1, 1]), (-1 / 3, [0, 0, 1]),
        ] {
            let found = SceneFactors.linearColor(hue: hue, saturation: 1)
            for (a, b) in zip([found.0, found.1, found.2], color) { #expect(abs(Double(a) - b) < 1e-6) }
        }
        let pale = SceneFactors.linearColor(hue: 0, saturation: 0.5)
        #expect(pale.0 == 1 && pale.1 == 0.25 && pale.2 == 0.25)
    }

    /// Factors are independent and uniform; the parts of a set and other seeds have others.
    @Test func factorsAreUniform() {
        let count = 20_000
        let all = (0..<UInt64(count)).map { SceneFactors(seed: 3, part: 0, number: $0) }
        for (values, classes) in [
            (all.map(\.shape), 7), (all.map(\.xPosition), 3), (all.map(\.yPosition), 3), (all.map(\.phrasing), 5),
        ] {
            for value in 0..<classes {
                let share = Double(values.count { $0 == value }) / Double(count), expected = 1 / Double(classes)
                #expect(abs(share - expected) < 4 * (expected * (1 - expected) / Double(count)).squareRoot())
            }
        }
        for values in [
            all.map(\.objectColor), all.map(\.spotlightPosition), all.map(\.spotlightColor), all.map(\.backgroundColor),
            all.map(\.rotation.x), all.map(\.rotation.y), all.map(\.rotation.z),
        ] {
            let mean = values.reduce(0, +) / Double(count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
            #expect(abs(mean - 0.5) < 0.01 && abs(variance - 1 / 12) < 0.003)
        }
        #expect(
            SceneFactors(seed: 3, part: 1, number: 0) != all[0] && SceneFactors(seed: 4, part: 0, number: 0) != all[0])
        for number in 0..<200 as Range<UInt64> {
            let factors = SceneFactors(seed: 3, part: 0, number: number, colorDependsOnPosition: true)
            #expect((Double(factors.xPosition) / 3..<Double(factors.xPosition + 1) / 3).contains(factors.objectColor))
        }
    }

    /// Sentences have at most 31 words with their end, as the authors' encoder of texts wants, and are split as NLTK
    /// splits them.
    @Test func sentencesAreSplitIntoWords() {
        #expect(
            SceneSentences.words("A \"deep\" cone, at the top-left of it.")
                == ["A", "``", "deep", "''", "cone", ",", "at", "the", "top-left", "of", "it", "."])
        #expect(SceneSentences.words("the \"red\".") == ["the", "``", "red", "''", "."])
        let longest = (0..<2000 as Range<UInt64>).map {
            SceneSentences.words(SceneFactors(seed: 1, part: 0, number: $0).sentence).count + 1
        }.max()!
        #expect((20...31).contains(longest), "\(longest)")
        #expect(SceneSentences.vocabulary(of: ["b a", "a c"]) == ["{pad}", "{eos}", "{unk}", "b", "a", "c"])
    }

    @Test func namesHaveTheDigitsOfTheLayout() {
        #expect(SceneFolder.name(7, count: 1000) == "007" && SceneFolder.name(1000, count: 1001) == "1000")
        #expect(SceneFolder.name(0, count: 1001) == "0000" && SceneFolder.name(9, count: 10) == "9")
    }
}
