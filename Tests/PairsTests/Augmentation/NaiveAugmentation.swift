import CoupletPairs
import CoupletTensors
import Foundation

/// The augmentation of one picture of 3 × height × width numbers from 0 to 1, in Double, number by number, from its
/// definition.
struct NaiveAugmentation {
    let changes: ModalityAugmentation, height: Int, width: Int
    /// The words of the draw.
    private let words: [Double]

    init(_ changes: ModalityAugmentation, height: Int, width: Int, seed: UInt64, draw: UInt64, block: UInt32) {
        (self.changes, self.height, self.width) = (changes, height, width)
        words = (0..<16).flatMap { index -> [Double] in
            let words = Philox(seed: seed).words(.augmentedSamples, number: draw, block: block + UInt32(index))
            return (0..<4).map { Double(words[$0]) / 4_294_967_296 }
        }
    }

    private func between(_ place: Int, _ low: Double, _ high: Double) -> Double { low + words[place] * (high - low) }

    private func clamp(_ value: Double) -> Double { min(1, max(0, value)) }

    /// top, left, height, width
    private var part: (Int, Int, Int, Int) {
        guard let crop = changes.crop else { return (0, 0, height, width) }
        for attempt in 0..<10 {
            let area = Double(height * width) * between(4 * attempt, crop.scale[0], crop.scale[1])
            let ratio = Foundation.exp(
                between(4 * attempt + 1, Foundation.log(crop.ratio[0]), Foundation.log(crop.ratio[1])))
            let w = Int((area * ratio).squareRoot().rounded()), h = Int((area / ratio).squareRoot().rounded())
            if w > 0, h > 0, w <= width, h <= height {
                return (
                    Int(words[4 * attempt + 2] * Double(height - h + 1)),
                    Int(words[4 * attempt + 3] * Double(width - w + 1)), h, w
                )
            }
        }
        var (h, w) = (height, width)
        let ratio = Double(width) / Double(height)
        if ratio < crop.ratio[0] { h = Int((Double(width) / crop.ratio[0]).rounded()) }
        if ratio > crop.ratio[1] { w = Int((Double(height) * crop.ratio[1]).rounded()) }
        return ((height - h) / 2, (width - w) / 2, h, w)
    }

    private func gray(_ x: [Double], _ pixel: Int) -> Double {
        let n = height * width
        return 0.2989 * x[pixel] + 0.587 * x[n + pixel] + 0.114 * x[2 * n + pixel]
    }

    /// The picture after its changes, and their names.
    func apply(_ picture: [Double]) -> (picture: [Double], done: [String]) {
        let n = height * width
        var x = picture, done: [String] = []
        let (top, left, h, w) = part, isMirrored = words[40] < changes.flip
        func pixel(_ channel: Int, _ i: Int, _ j: Int) -> Double {
            picture[channel * n + (top + min(max(i, 0), h - 1)) * width + left + min(max(j, 0), w - 1)]
        }
        for channel in 0..<3 {
            for i in 0..<height {
                for j in 0..<width {
                    let y = (Double(i) + 0.5) * Double(h) / Double(height) - 0.5
                    let z = (Double(j) + 0.5) * Double(w) / Double(width) - 0.5
                    let (i0, j0) = (Int(y.rounded(.down)), Int(z.rounded(.down)))
                    let (a, b) = (y - Double(i0), z - Double(j0))
                    x[channel * n + i * width + (isMirrored ? width - 1 - j : j)] =
                        (1 - a) * ((1 - b) * pixel(channel, i0, j0) + b * pixel(channel, i0, j0 + 1))
                        + a * ((1 - b) * pixel(channel, i0 + 1, j0) + b * pixel(channel, i0 + 1, j0 + 1))
                }
            }
        }
        if isMirrored { done.append("flip") }
        if (h, w) != (height, width) { done.append("crop") }
        if let jitter = changes.colorJitter, words[41] < jitter.probability {
            done.append("jitter")
            for change in Self.permutations[Int(words[42] * 24)] { x = jittered(x, jitter, change) }
        }
        if words[47] < changes.gray {
            done.append("gray")
            let grays = (0..<n).map { gray(x, $0) }
            x = grays + grays + grays
        }
        if let blur = changes.blur, words[48] < blur.probability {
            done.append("blur")
            x = blurred(x, kernel: blur.kernel ?? max(3, height / 10) | 1, between(49, blur.sigma[0], blur.sigma[1]))
        }
        return (x, done)
    }

    /// The orders of 0 … 3: three swaps, of the last with one of four, the last but one with one of three, and so on.
    private static let permutations: [[Int]] = (0..<24).map { number in
        var order = [0, 1, 2, 3]
        order.swapAt(3, number % 4)
        order.swapAt(2, number / 4 % 3)
        order.swapAt(1, number / 12)
        return order
    }

    private func jittered(_ x: [Double], _ jitter: ColorJitter, _ change: Int) -> [Double] {
        let n = height * width
        let strength = [jitter.brightness, jitter.contrast, jitter.saturation][min(change, 2)]
        let factor = between(43 + change, max(0, 1 - strength), 1 + strength)
        switch change {
        case 0: return x.map { clamp($0 * factor) }
        case 1:
            let mean = (0..<n).map { gray(x, $0) }.reduce(0, +) / Double(n)
            return x.map { clamp($0 * factor + (1 - factor) * mean) }
        case 2: return x.indices.map { clamp(x[$0] * factor + (1 - factor) * gray(x, $0 % n)) }
        default:
            let turn = between(46, -jitter.hue, jitter.hue)
            var result = x
            for pixel in 0..<n {
                let new = Self.turned((x[pixel], x[n + pixel], x[2 * n + pixel]), by: turn)
                (result[pixel], result[n + pixel], result[2 * n + pixel]) = new
            }
            return result
        }
    }

    /// By way of hue, saturation and value, sector by sector.
    private static func turned(_ x: (Double, Double, Double), by turn: Double) -> (Double, Double, Double) {
        let (r, g, b) = x, value = max(r, g, b), range = value - min(r, g, b)
        if range == 0 { return x }
        let saturation = range / value
        var hue = value == r ? (g - b) / range : value == g ? 2 + (b - r) / range : 4 + (r - g) / range
        hue = (hue / 6 + turn + 2).truncatingRemainder(dividingBy: 1) * 6
        let sector = Int(hue), f = hue - Double(sector)
        let p = value * (1 - saturation), q = value * (1 - saturation * f), t = value * (1 - saturation * (1 - f))
        switch sector % 6 {
        case 0: return (value, t, p)
        case 1: return (q, value, p)
        case 2: return (p, value, t)
        case 3: return (p, q, value)
        case 4: return (t, p, value)
        default: return (value, p, q)
        }
    }

    private func blurred(_ x: [Double], kernel: Int, _ sigma: Double) -> [Double] {
        let radius = kernel / 2, n = height * width
        func mirrored(_ i: Int, _ count: Int) -> Int { i < 0 ? -i : i >= count ? 2 * (count - 1) - i : i }
        var result = x
        for index in x.indices {
            let (channel, i, j) = (index / n, index % n / width, index % width)
            var sum = 0.0, weights = 0.0
            for di in -radius...radius {
                for dj in -radius...radius {
                    let weight = Foundation.exp(-Double(di * di + dj * dj) / (2 * sigma * sigma))
                    weights += weight
                    sum += weight * x[channel * n + mirrored(i + di, height) * width + mirrored(j + dj, width)]
                }
            }
            result[index] = sum / weights
        }
        return result
    }
}
