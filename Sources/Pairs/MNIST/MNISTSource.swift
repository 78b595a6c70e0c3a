import CCoupletKernels
import CoupletFiles
import CoupletSchema
import CoupletTensors

/// MNIST (LeCun, Cortes, Burges): the image of a handwritten digit with its label, or one half of the image with the
/// other. The training samples are the training files, the held-out samples the t10k files. A fraction of the training
/// files may be for validation. Every sample has its digit as label, also where no modality is the label.
///
/// Pixels reach the encoders as (x/255 - 0.1307) / 0.3081 of the bytes x, so that the training images have mean 0 and
/// standard deviation 1. An image is [1, 28, 28]. A half is [1, 28, 14]: the columns 0 to 13 or 14 to 27. A label is 0
/// … 9.
public struct MNISTSource: PairSource {
    /// Mean and standard deviation of the training images' pixels, scaled to 0 … 1.
    public static let mean: Float = 0.1307, standardDeviation: Float = 0.3081
    private static let classes = 10
    /// The prepared value of a byte x is scale · x + shift.
    private static let scale = 1 / (255 * standardDeviation), shift = -mean / standardDeviation

    private let path: String
    private let views: PerModality<MNISTView>
    private let largestShift: Int
    private let seed: UInt64
    private let training: MNISTDigits, heldOut: MNISTDigits
    /// The images of the training files that are for training, and those for validation, ascending; nil if all are for
    /// training.
    private let parts: (training: [UInt32], validation: [UInt32])?

    /// Opens the four files, and checks their headers and lengths and all labels. The first read of an image detects
    /// damage inside compressed images.
    /// - Parameters:
    ///   - path: the folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    ///     t10k-labels-idx1-ubyte, each with or without ".gz", with "." or "-" before "idx"; or the folder above
    ///     MNIST/raw.
    ///   - first: what the first modality is.
    ///   - second: what the second modality is.
    ///   - largestShift: the largest shift of a training image in pixels, see `MNISTSpecification.shift`.
    ///   - validation: the fraction of the training images that is for validation, 0 ≤ validation < 1.
    ///   - splitSeed: determines which ones.
    ///   - seed: determines the shifts.
    /// - Throws: `DataError` that names the file, what was found and what was expected.
    public init(
        path: String, first: MNISTView = .image, second: MNISTView = .label, largestShift: Int = 0,
        validation: Double = 0, splitSeed: UInt64 = 0, seed: UInt64 = 0
    ) throws {
        precondition((0..<MNISTDigits.side).contains(largestShift), "shifts of up to \(largestShift) of 28 pixels")
        self.path = path
        views = PerModality(first: first, second: second)
        self.largestShift = largestShift
        self.seed = seed
        training = try MNISTDigits(folder: path, prefix: "train")
        heldOut = try MNISTDigits(folder: path, prefix: "t10k")
        guard validation > 0 else {
            parts = nil
            return
        }
        let images = Array(0..<UInt32(training.count))
        let chosen = try SplitFraction(
            key: "data.validation", fraction: validation, seed: splitSeed, number: 1, path: nil
        ).rows(of: images, groups: nil)
        let isChosen = Set(chosen)
        parts = (images.filter { !isChosen.contains($0) }, chosen.sorted())
    }

    /// The files with the samples of a split, and the images with these sample numbers in them.
    private func images(_ split: Split, _ numbers: [UInt64]) throws -> (MNISTDigits, [Int]) {
        try requireNumbers(numbers, below: count(of: split)!, of: split, in: path)
        switch split {
        case .heldOut: return (heldOut, numbers.map { Int($0) })
        case .training: return (training, numbers.map { Int(parts?.training[Int($0)] ?? UInt32($0)) })
        case .validation: return (training, numbers.map { Int(parts!.validation[Int($0)]) })
        }
    }

    public func description(of modality: Modality) -> ModalityDescription {
        views[modality].columns.map { ModalityDescription(shape: [1, MNISTDigits.side, $0.count]) }
            ?? ModalityDescription(shape: [1], classes: Self.classes)
    }

    public func count(of split: Split) -> Int? {
        switch split {
        case .training: parts?.training.count ?? training.count
        case .heldOut: heldOut.count
        case .validation: parts?.validation.count ?? 0
        }
    }

    public var hasValidation: Bool { parts != nil }

    public func pictureRange(of modality: Modality) -> ClosedRange<Float>? {
        views[modality] == .label ? nil : Self.pictureRange
    }

    /// The prepared values of black and white.
    static let pictureRange = shift...255 * scale + shift

    public var residentBytes: Int { (training.count + heldOut.count) * (MNISTDigits.pixels + 1) }

    /// Covers the uncompressed content of the four files, and which images are for validation.
    public func dataDigest() throws -> String? {
        var digest = Digest()
        for digits in [training, heldOut] {
            digest.update([digits.count])
            try digits.imageBytes().withUnsafeBytes { digest.update($0) }
            digits.labels.withUnsafeBytes { digest.update($0) }
        }
        if let parts { digest.update(parts.validation.map { Int($0) }) }
        return digest.hexadecimal
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try read(split, numbers, draws: nil, first: first, second: second)
    }

    /// Shifts each image by as many pixels as its draw determines.
    public func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try read(.training, numbers, draws: largestShift > 0 ? draws : nil, first: first, second: second)
    }

    /// - Parameter draws: determine the shifts of the images; nil for none.
    private func read(_ split: Split, _ numbers: [UInt64], draws: [UInt64]?, first: Tensor?, second: Tensor?) throws {
        let outputs = PerModality(first: first, second: second)
        for modality in Modality.allCases {
            guard let output = outputs[modality] else { continue }
            requireRows(output, numbers, modality)
            if let columns = views[modality].columns {
                try scaleImages(split, numbers, draws, columns, Self.scale, Self.shift, into: output)
            } else {
                try copyLabels(split, numbers, into: output)
            }
        }
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let result = Tensor([numbers.count] + description(of: modality).shape)
        if let columns = views[modality].columns {
            try scaleImages(split, numbers, nil, columns, 1, 0, into: result)
        } else {
            try copyLabels(split, numbers, into: result)
        }
        return result
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        let (digits, images) = try images(split, numbers)
        return images.map { Int(digits.labels[$0]) }
    }

    /// - Parameter raw: for images, N × 784 numbers from 0 to 255 in any shape; for halves, N × 392; for labels, N or
    ///   N × 1 integers from 0 to 9.
    /// - Throws: `DataError` if a number is outside this range.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source mnist")
        guard views[modality] != .label else {
            try requireClasses(rows, Self.classes, of: "data.source mnist")
            return rows
        }
        return try Self.scaled(rows)
    }

    public func preparationScaling(of modality: Modality) -> InputScaling? {
        views[modality] == .label ? nil : Self.scaling(shape: description(of: modality).shape)
    }

    /// `scaled` as (x - m) · s.
    static func scaling(shape: [Int]) -> InputScaling? {
        InputScaling(mean: [-shift / scale], scale: [scale], .none, shape: shape)
    }

    /// Scales images of bytes as in training.
    /// - Throws: `DataError` if a number is not a byte.
    static func scaled(_ rows: Tensor) throws -> Tensor {
        if let wrong = (0..<rows.count).first(where: { !(0...255).contains(rows.pointer[$0]) }) {
            throw DataError(
                at: "data.source mnist",
                reason: "row \(wrong / rows.columns) of the images holds \(rows.pointer[wrong])",
                remedy: "give the pixels as bytes, 0 to 255: the run scales them as in training")
        }
        let result = Tensor(rows.shape)
        couplet_scale_shift(rows.count, rows.pointer, Self.scale, Self.shift, result.pointer)
        return result
    }

    private func copyLabels(_ split: Split, _ numbers: [UInt64], into tensor: Tensor) throws {
        let (digits, images) = try images(split, numbers)
        for (row, image) in images.enumerated() { tensor.pointer[row] = Float(digits.labels[image]) }
    }

    /// Writes scale · x + shift of the images' bytes x into the rows of the tensor.
    /// - Parameters:
    ///   - draws: determine the shift of each image; nil for none.
    ///   - columns: those of the image that the rows hold.
    private func scaleImages(
        _ split: Split, _ numbers: [UInt64], _ draws: [UInt64]?, _ columns: Range<Int>, _ scale: Float, _ shift: Float,
        into tensor: Tensor
    ) throws {
        let (digits, places) = try images(split, numbers), pixels = MNISTDigits.side * columns.count
        if numbers.isEmpty { return }
        let philox = Philox(seed: seed), images = try digits.imageBytes()
        var cut = [UInt8](repeating: 0, count: pixels)
        images.withUnsafeBufferPointer { bytes in
            for (row, place) in places.enumerated() {
                let image = bytes.baseAddress! + place * MNISTDigits.pixels,
                    output = tensor.pointer + row * pixels
                if draws == nil && columns.count == MNISTDigits.side {
                    couplet_scale_bytes(pixels, image, scale, shift, output)
                } else {
                    let moved = draws.map { self.shift(philox, draw: $0[row]) } ?? (down: 0, right: 0)
                    MNISTDigits.cut(image, columns, down: moved.down, right: moved.right, into: &cut)
                    couplet_scale_bytes(pixels, cut, scale, shift, output)
                }
            }
        }
    }

    /// The shift of a draw, in pixels: two independent uniform integers from -largestShift to largestShift.
    private func shift(_ philox: Philox, draw: UInt64) -> (down: Int, right: Int) {
        let words = philox.words(.augmentation, number: draw), choices = 2 * largestShift + 1
        func integer(_ word: UInt32) -> Int { Philox.integer(word, below: choices) - largestShift }
        return (integer(words[0]), integer(words[1]))
    }
}

/// What a modality of `MNISTSource` is.
public enum MNISTView: String, CaseIterable, Sendable {
    case image
    case leftHalf = "left_half"
    case rightHalf = "right_half"
    case label

    /// The columns of the image; nil for the label.
    var columns: Range<Int>? {
        switch self {
        case .image: 0..<MNISTDigits.side
        case .leftHalf: 0..<MNISTDigits.side / 2
        case .rightHalf: MNISTDigits.side / 2..<MNISTDigits.side
        case .label: nil
        }
    }
}

/// `data: {source: mnist, path: …}`.
public struct MNISTSpecification: ValidationFraction {
    public static let name = "mnist"
    public static let hasLabels = true
    public static let table = ConfigurationTable(
        MNISTSpecification(path: ""), help: "MNIST: the image of a handwritten digit, and its label, or halves of it.",
        [
            .required("path", \.path, .path(example: "data/mnist"), "Folder with the four IDX files."),
            .key("first", \.first, .choice("view of a digit"), "The first modality."),
            .key("second", \.second, .choice("view of a digit"), "The second modality."),
            .key(
                "shift", \.shift, .integer(0...(MNISTDigits.side - 1), example: 2),
                "Largest shift of a training image in pixels, before it is cut into halves."),
            validationKey("Fraction of the training images to choose on; 0 for none."),
            .key(
                "split_seed", \.splitSeed, .optional(.unsigned(example: 0), isOmitted: true),
                "Seed that chooses the validation images; null is 0."),
        ])

    /// The folder with the four IDX files.
    public var path: String
    public var first = MNISTView.image
    public var second = MNISTView.label
    /// Augmentation: each draw of a training image moves it by up to so many pixels, up or down and left or right,
    /// before it is cut into halves. Both modalities move together. Pixels that come in are black.
    public var shift = 0
    /// Fraction of the training images to choose on; nil if nothing is chosen.
    public var validation: Double?
    /// Chooses the validation images; nil is 0.
    public var splitSeed: UInt64?

    public init(
        path: String, first: MNISTView = .image, second: MNISTView = .label, shift: Int = 0, validation: Double? = nil,
        splitSeed: UInt64? = nil
    ) {
        self.path = path
        self.first = first
        self.second = second
        self.shift = shift
        self.validation = validation
        self.splitSeed = splitSeed
    }

    public var dependsOnSeed: Bool { shift > 0 }

    public func makeSource(seed: UInt64) throws -> any PairSource {
        try MNISTSource(
            path: path, first: first, second: second, largestShift: shift, validation: validation ?? 0,
            splitSeed: splitSeed ?? 0, seed: seed)
    }

    public func withValidation() -> MNISTSpecification {
        var kind = self
        kind.validation = validation ?? Self.usualValidation
        return kind
    }
}
