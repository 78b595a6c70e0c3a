import CCoupletKernels
import CoupletFiles
import CoupletTensors

/// MNIST (LeCun, Cortes, Burges): a handwritten digit's image with its label. Training samples are the training files, held-out
/// samples the t10k files.
///
/// The first modality is the image [1, 28, 28], (x/255 - 0.1307) / 0.3081 of the bytes x, which makes the training images' mean 0
/// and their standard deviation 1; the second is the label, 0 … 9.
public struct MNISTSource: PairSource {
    /// Mean and standard deviation of the training images' pixels, with 1 for a byte of 255.
    public static let mean: Float = 0.1307, standardDeviation: Float = 0.3081
    private static let classes = 10
    private static let scale = 1 / (255 * standardDeviation), shift = -mean / standardDeviation

    private let path: String
    private let training: MNISTDigits, heldOut: MNISTDigits

    /// - Parameter path: the folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    ///   t10k-labels-idx1-ubyte, each with or without ".gz".
    /// - Throws: `DataError` naming the file, what was found and what was expected. All four headers, lengths and all labels are
    ///   checked here; damage inside compressed images is found when the first of them is read.
    public init(path: String) throws {
        self.path = path
        training = try MNISTDigits(folder: path, prefix: "train")
        heldOut = try MNISTDigits(folder: path, prefix: "t10k")
    }

    private func digits(_ split: Split) -> MNISTDigits { split == .training ? training : heldOut }

    public func description(of modality: Modality) -> ModalityDescription {
        switch modality {
        case .first: ModalityDescription(shape: [1, MNISTDigits.side, MNISTDigits.side])
        case .second: ModalityDescription(shape: [1], classes: Self.classes)
        }
    }

    public func count(of split: Split) -> Int? { digits(split).count }

    public var gaussianCovariance: GaussianCovariance? { nil }

    public var residentBytes: Int { (training.count + heldOut.count) * (MNISTDigits.pixels + 1) }

    /// Over the four files' contents, unpacked.
    public func dataDigest() throws -> String? {
        var digest = Digest()
        for digits in [training, heldOut] {
            digest.update([digits.count])
            try digits.imageBytes().withUnsafeBytes { digest.update($0) }
            digits.labels.withUnsafeBytes { digest.update($0) }
        }
        return digest.hexadecimal
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        if let first {
            try forEachImage(split, numbers) { row, bytes in
                couplet_scale_bytes(
                    MNISTDigits.pixels, bytes, Self.scale, Self.shift, first.pointer + row * MNISTDigits.pixels)
            }
        }
        if let second { try copyLabels(split, numbers, into: second) }
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let result = Tensor([numbers.count] + description(of: modality).shape)
        switch modality {
        case .first:
            try forEachImage(split, numbers) { row, bytes in
                couplet_scale_bytes(MNISTDigits.pixels, bytes, 1, 0, result.pointer + row * MNISTDigits.pixels)
            }
        case .second: try copyLabels(split, numbers, into: result)
        }
        return result
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        let digits = digits(split)
        try requireNumbers(numbers, below: digits.count, of: split, in: path)
        return numbers.map { Int(digits.labels[Int($0)]) }
    }

    /// Images are bytes as numbers from 0 to 255, N × 784 in any shape; labels are integers from 0 to 9, N or N × 1.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rawRows(raw, modality, of: "data.source mnist")
        guard modality == .first else {
            try requireClasses(rows, Self.classes, of: "data.source mnist")
            return rows
        }
        if let wrong = (0..<rows.count).first(where: { !(0...255).contains(rows.pointer[$0]) }) {
            throw DataError(
                place: "data.source mnist",
                reason: "row \(wrong / MNISTDigits.pixels) of the images holds \(rows.pointer[wrong])",
                remedy: "give the pixels as bytes, 0 to 255: the run's own preparation is applied to them")
        }
        let result = Tensor(rows.shape)
        couplet_scale_shift(rows.count, rows.pointer, Self.scale, Self.shift, result.pointer)
        return result
    }

    private func copyLabels(_ split: Split, _ numbers: [UInt64], into tensor: Tensor) throws {
        let digits = digits(split)
        try requireNumbers(numbers, below: digits.count, of: split, in: path)
        for (row, number) in numbers.enumerated() { tensor.pointer[row] = Float(digits.labels[Int(number)]) }
    }

    private func forEachImage(_ split: Split, _ numbers: [UInt64], _ body: (Int, UnsafePointer<UInt8>) -> Void) throws {
        let digits = digits(split)
        try requireNumbers(numbers, below: digits.count, of: split, in: path)
        if numbers.isEmpty { return }
        try digits.imageBytes().withUnsafeBufferPointer { bytes in
            for (row, number) in numbers.enumerated() {
                body(row, bytes.baseAddress! + Int(number) * MNISTDigits.pixels)
            }
        }
    }
}
