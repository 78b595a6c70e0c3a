import CCoupletKernels
import CoupletTensors

/// The changes of pictures of one shape: part, mirror image, colours, grey, blur, in this order.
struct PictureAugmentation: Sendable {
    let channels: Int, height: Int, width: Int
    /// The numbers of black and white.
    private let range: ClosedRange<Float>
    private let changes: ModalityAugmentation

    /// - Parameter shape: channels × height × width.
    init(_ changes: ModalityAugmentation, shape: [Int], range: ClosedRange<Float>) {
        (channels, height, width) = (shape[0], shape[1], shape[2])
        self.range = range
        self.changes = changes
    }

    private var pixels: Int { height * width }
    private var count: Int { channels * pixels }

    /// Number of floats that `apply` works with.
    var workCount: Int { count + pixels + 4 * width + 2 * (changes.blur?.radius(height: height) ?? 0) }

    /// Changes a picture in place.
    /// - Parameter work: `workCount` floats.
    /// - Returns: the first number that is not within black … white; nil if all are.
    func apply(
        _ draw: AugmentationDraw, to sample: UnsafeMutablePointer<Float>, work: UnsafeMutablePointer<Float>
    ) -> Float? {
        let picture = work, rest = work + count, extent = range.upperBound - range.lowerBound
        let wrong = couplet_picture_pixels(count, sample, range.lowerBound, 1 / extent, picture)
        if wrong < count { return sample[wrong] }
        let part = changes.crop.map { self.part($0, draw) } ?? Part(top: 0, left: 0, height: height, width: width)
        let isMirrored = draw.happens(AugmentationDraw.Place.flip, changes.flip)
        // The part goes from one buffer to the other; the other changes are made in place.
        var changed = picture
        if isMirrored || part.height < height || part.width < width {
            couplet_picture_crop(
                channels, height, width, picture, part.top, part.left, part.height, part.width, isMirrored ? 1 : 0,
                rest, sample)
            changed = sample
        }
        if let jitter = changes.colorJitter, draw.happens(AugmentationDraw.Place.jitter, jitter.probability) {
            change(colorsOf: changed, jitter, draw)
        }
        if channels == 3, draw.happens(AugmentationDraw.Place.gray, changes.gray) {
            couplet_picture_gray(pixels, changed)
        }
        if let blur = changes.blur, draw.happens(AugmentationDraw.Place.blur, blur.probability) {
            let radius = blur.radius(height: height)
            let sigma = draw.uniform(AugmentationDraw.Place.sigma, blur.sigma[0], blur.sigma[1])
            Self.withWeights(radius: radius, sigma: sigma) {
                couplet_picture_blur(channels, height, width, radius, $0, rest, changed)
            }
        }
        couplet_picture_numbers(count, changed, range.lowerBound, extent, sample)
        return nil
    }

    // MARK: - The part

    /// A rectangle of a picture.
    struct Part: Equatable {
        let top: Int, left: Int, height: Int, width: Int
    }

    private static let tries = 10

    /// Draws the part of a picture.
    func part(_ crop: RandomResizedCrop, _ draw: AugmentationDraw) -> Part {
        let logarithms = crop.ratio.map { log($0) }
        for attempt in 0..<Self.tries {
            let place = AugmentationDraw.Place.crop + 4 * attempt
            let area = Double(pixels) * draw.uniform(place, crop.scale[0], crop.scale[1])
            let ratio = exp(draw.uniform(place + 1, logarithms[0], logarithms[1]))
            let partWidth = Self.rounded((area * ratio).squareRoot(), limit: width)
            let partHeight = Self.rounded((area / ratio).squareRoot(), limit: height)
            guard (1...width).contains(partWidth), (1...height).contains(partHeight) else { continue }
            return Part(
                top: draw.integer(place + 2, below: height - partHeight + 1),
                left: draw.integer(place + 3, below: width - partWidth + 1), height: partHeight, width: partWidth)
        }
        var (partHeight, partWidth) = (height, width)
        let ratio = Double(width) / Double(height)
        if ratio < crop.ratio[0] {
            partHeight = max(1, Self.rounded(Double(width) / crop.ratio[0], limit: height))
        } else if ratio > crop.ratio[1] {
            partWidth = max(1, Self.rounded(Double(height) * crop.ratio[1], limit: width))
        }
        return Part(
            top: (height - partHeight) / 2, left: (width - partWidth) / 2, height: partHeight, width: partWidth)
    }

    /// The nearest whole number, halves up; limit + 1 for all that are larger.
    private static func rounded(_ value: Double, limit: Int) -> Int {
        value < Double(limit) + 0.5 ? Int(value + 0.5) : limit + 1
    }

    // MARK: - Colours

    private func change(
        colorsOf picture: UnsafeMutablePointer<Float>, _ jitter: ColorJitter, _ draw: AugmentationDraw
    ) {
        func factor(_ index: Int, _ strength: Double) -> Float {
            Float(draw.uniform(AugmentationDraw.Place.jitterFactors + index, max(0, 1 - strength), 1 + strength))
        }
        let order = Self.order(draw.integer(AugmentationDraw.Place.jitterOrder, below: 24))
        for place in 0..<4 {
            switch order[place] {
            case 0 where jitter.brightness > 0:
                couplet_picture_brightness(count, factor(0, jitter.brightness), picture)
            case 1 where jitter.contrast > 0:
                couplet_picture_contrast(channels, pixels, factor(1, jitter.contrast), picture)
            case 2 where jitter.saturation > 0 && channels == 3:
                couplet_picture_saturation(pixels, factor(2, jitter.saturation), picture)
            case 3 where jitter.hue > 0 && channels == 3:
                let turn = draw.uniform(AugmentationDraw.Place.jitterFactors + 3, -jitter.hue, jitter.hue)
                couplet_picture_hue(pixels, Float(turn), picture)
            default: break
            }
        }
    }

    /// Permutation `number` of 0, 1, 2, 3, of 24.
    static func order(_ number: Int) -> SIMD4<Int> {
        var order = SIMD4(0, 1, 2, 3), rest = number
        for last in [3, 2, 1] {
            let other = rest % (last + 1)
            rest /= last + 1
            (order[last], order[other]) = (order[other], order[last])
        }
        return order
    }

    // MARK: - Blur

    /// Calls `body` with the weights e^(-i²/2σ²), i = -radius … radius, divided by their sum.
    private static func withWeights(radius: Int, sigma: Double, _ body: (UnsafePointer<Float>) -> Void) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * radius + 1) { exact in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * radius + 1) { weights in
                var sum = 0.0
                for place in 0...2 * radius {
                    let distance = Double(place - radius) / sigma
                    exact[place] = exp(-0.5 * distance * distance)
                    sum += exact[place]
                }
                for place in 0...2 * radius { weights[place] = Float(exact[place] / sum) }
                body(UnsafePointer(weights.baseAddress!))
            }
        }
    }
}
