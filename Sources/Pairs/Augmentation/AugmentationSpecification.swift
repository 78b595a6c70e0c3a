import CoupletSchema

/// The block `data.augment`: how training samples of each modality are changed at random, anew in each draw.
public struct AugmentationSpecification: Equatable, Sendable {
    public var first = ModalityAugmentation()
    public var second = ModalityAugmentation()

    public init(first: ModalityAugmentation = .init(), second: ModalityAugmentation = .init()) {
        self.first = first
        self.second = second
    }

    subscript(modality: Modality) -> ModalityAugmentation { modality == .first ? first : second }

    /// Whether nothing is changed.
    var isEmpty: Bool { first == ModalityAugmentation() && second == ModalityAugmentation() }

    static let table = ConfigurationTable(
        AugmentationSpecification(), help: "Random changes of training samples, anew in each draw.",
        Modality.allCases.map { modality in
            .key(
                modality.rawValue, modality == .first ? \.first : \.second,
                .block(ModalityAugmentation.table, example: "{random_resized_crop: {}, flip: 0.5}", isInline: true),
                "Changes of the \(modality) modality.")
        })
}

/// The changes of one modality: of pictures, in this order, or of token ids.
public struct ModalityAugmentation: Equatable, Sendable {
    public var crop: RandomResizedCrop?
    /// Probability of swapping left and right.
    public var flip = 0.0
    public var colorJitter: ColorJitter?
    /// Probability of losing all colour.
    public var gray = 0.0
    public var blur: RandomBlur?
    /// Probability with which each token id is left out.
    public var wordDropout = 0.0

    public init(
        crop: RandomResizedCrop? = nil, flip: Double = 0, colorJitter: ColorJitter? = nil, gray: Double = 0,
        blur: RandomBlur? = nil, wordDropout: Double = 0
    ) {
        self.crop = crop
        self.flip = flip
        self.colorJitter = colorJitter
        self.gray = gray
        self.blur = blur
        self.wordDropout = wordDropout
    }

    /// Whether pictures are changed.
    var changesPictures: Bool { crop != nil || flip > 0 || colorJitter != nil || gray > 0 || blur != nil }

    static let table = ConfigurationTable(
        ModalityAugmentation(), help: "Changes of pictures, in this order, or of token ids.",
        [
            .key(
                "random_resized_crop", \.crop,
                .optional(
                    .block(RandomResizedCrop.table, example: "{scale: [0.08, 1]}", isInline: true), isOmitted: true),
                "Pictures: a part of random size, shape and place, resized to the whole."),
            .key(
                "flip", \.flip, .number(.probability, example: 0.5),
                "Pictures: probability of swapping left and right."),
            .key(
                "color_jitter", \.colorJitter,
                .optional(.block(ColorJitter.table, example: "{brightness: 0.8}", isInline: true), isOmitted: true),
                "Pictures: random brightness, contrast, saturation and hue, in random order."),
            .key("gray", \.gray, .number(.probability, example: 0.2), "Pictures: probability of losing all colour."),
            .key(
                "blur", \.blur,
                .optional(.block(RandomBlur.table, example: "{sigma: [0.1, 2]}", isInline: true), isOmitted: true),
                "Pictures: a Gaussian blur of random width."),
            .key(
                "word_dropout", \.wordDropout, .number(.belowOne, example: 0.1),
                "Token ids: probability of leaving out each id; at least one stays."),
        ],
        complete: { augmentation, block in
            if augmentation.changesPictures, augmentation.wordDropout > 0 {
                block.note(
                    "word_dropout",
                    "is for token ids, and the other keys are for pictures; one modality holds either of them")
            }
        })
}

/// `random_resized_crop`: a part of the picture whose area is the share `scale` of the whole and whose width / height
/// is `ratio`, resized to the size of the picture (Szegedy et al. 2015, as torchvision has it).
///
/// The share is uniform between its limits, the logarithm of the ratio is, and so is the place. If ten draws do not fit
/// into the picture, the part is the largest in the middle with a ratio within the limits.
public struct RandomResizedCrop: Equatable, Sendable {
    /// The smallest and the largest share of the area.
    public var scale = [0.08, 1]
    /// The smallest and the largest width / height.
    public var ratio = [0.75, 4.0 / 3]

    public init(scale: [Double] = [0.08, 1], ratio: [Double] = [0.75, 4.0 / 3]) {
        self.scale = scale
        self.ratio = ratio
    }

    static let table = ConfigurationTable(
        RandomResizedCrop(), help: "A part of random size, shape and place, resized to the whole.",
        [
            .key(
                "scale", \.scale, .limits(.upToOne, example: "[0.08, 1]"),
                "Smallest and largest share of the picture's area."),
            .key(
                "ratio", \.ratio, .limits(.positive, example: "[0.75, 1.3333333333333333]"),
                "Smallest and largest width / height of the part."),
        ])
}

/// `color_jitter`: random brightness, contrast, saturation and hue, in random order (torchvision's `ColorJitter`, with
/// the strengths and the probability of SimCLR: Chen, Kornblith, Norouzi, Hinton 2020).
///
/// Each factor is uniform in max(0, 1 - s) … 1 + s for the strength s; the turn of the hue in -s … s of the circle.
public struct ColorJitter: Equatable, Sendable {
    public var probability: Double
    public var brightness: Double
    public var contrast: Double
    public var saturation: Double
    public var hue: Double

    public init(
        probability: Double = 0.8, brightness: Double = 0.8, contrast: Double = 0.8, saturation: Double = 0.8,
        hue: Double = 0.2
    ) {
        self.probability = probability
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
    }

    static let table = ConfigurationTable(
        ColorJitter(), help: "Random brightness, contrast, saturation and hue.",
        [
            .key(
                "probability", \.probability, .number(.probability, example: 0.8),
                "Probability of changing the colours of a sample."),
            .key(
                "brightness", \.brightness, .number(.nonNegative, example: 0.8),
                "The factor of the brightness differs from 1 by at most so much."),
            .key(
                "contrast", \.contrast, .number(.nonNegative, example: 0.8),
                "The factor of the contrast differs from 1 by at most so much."),
            .key(
                "saturation", \.saturation, .number(.nonNegative, example: 0.8),
                "The factor of the saturation differs from 1 by at most so much."),
            .key(
                "hue", \.hue, .number(.upToHalf, example: 0.2),
                "Largest turn of the hue, as a part of the colour circle."),
        ])
}

/// `blur`: convolution with a Gaussian kernel of `kernel` × `kernel` pixels. Along each axis its weights are
/// e^(-i²/2σ²), scaled to the sum 1. σ is uniform between its limits, which are SimCLR's by default.
public struct RandomBlur: Equatable, Sendable {
    public var probability: Double
    /// The smallest and the largest σ, in pixels.
    public var sigma: [Double]
    /// Extent of the kernel in pixels, odd. Nil: a tenth of the picture's height, to the next odd number.
    public var kernel: Int?

    public init(probability: Double = 0.5, sigma: [Double] = [0.1, 2], kernel: Int? = nil) {
        self.probability = probability
        self.sigma = sigma
        self.kernel = kernel
    }

    /// Half the extent of the kernel for pictures of this height, without the middle.
    func radius(height: Int) -> Int { (kernel ?? max(3, height / 10)) / 2 }

    static let table = ConfigurationTable(
        RandomBlur(), help: "A Gaussian blur of random width.",
        [
            .key(
                "probability", \.probability, .number(.probability, example: 0.5), "Probability of blurring a sample."),
            .key(
                "sigma", \.sigma, .limits(.positive, example: "[0.1, 2]"),
                "Smallest and largest standard deviation of the blur, in pixels."),
            .key(
                "kernel", \.kernel,
                .optional(
                    .integer(3...ConfigurationLimits.extent, example: 3).checked { kernel in
                        kernel % 2 == 1 ? nil : "wanted an odd number of pixels, such as \(kernel + 1); found \(kernel)"
                    }, isOmitted: true),
                "Extent of the blur's kernel in pixels, odd.", defaultText: "a tenth of the height, odd, at least 3"),
        ])
}

extension NumberConstraint {
    /// (0, 1]
    fileprivate static let upToOne = NumberConstraint(description: "a number above 0 and up to 1") { $0 > 0 && $0 <= 1 }
    /// [0, 1/2]
    fileprivate static let upToHalf = NumberConstraint(description: "a number from 0 to 0.5") { $0 >= 0 && $0 <= 0.5 }
}

extension ConfigurationType where Value == [Double] {
    /// A smallest and a largest number.
    fileprivate static func limits(_ constraint: NumberConstraint, example: String) -> Self {
        .list(.number(constraint, example: 1), example: example).checked { limits in
            guard limits.count == 2 else {
                return "wanted two numbers, the smallest and the largest, such as \(example); found \(limits.count)"
            }
            return limits[0] <= limits[1]
                ? nil
                : "wanted the smallest number first, such as \(example); found \(limits[0]) before \(limits[1])"
        }
    }
}
