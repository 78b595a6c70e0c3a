import CCoupletKernels
import CoupletFiles
import CoupletSchema
import CoupletTensors
import Glibc
import Synchronization

/// MNIST (LeCun, Cortes, Burges): the image of a handwritten digit with its label. The training samples are the
/// training files, the held-out samples the t10k files.
///
/// The first modality is the image [1, 28, 28], (x/255 - 0.1307) / 0.3081 of the bytes x, so that the training images
/// have mean 0 and standard deviation 1. The second modality is the label, 0 … 9.
public struct MNISTSource: PairSource {
    /// Mean and standard deviation of the training images' pixels, scaled to 0 … 1.
    public static let mean: Float = 0.1307, standardDeviation: Float = 0.3081
    private static let classes = 10
    /// The prepared value of a byte x is scale · x + shift.
    private static let scale = 1 / (255 * standardDeviation), shift = -mean / standardDeviation

    private let path: String
    private let training: MNISTDigits, heldOut: MNISTDigits

    /// Opens the four files, and checks their headers and lengths and all labels. The first read of an image detects
    /// damage inside compressed images.
    /// - Parameter path: the folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    ///   t10k-labels-idx1-ubyte, each with or without ".gz", with "." or "-" before "idx"; or the folder above
    ///   MNIST/raw.
    /// - Throws: `DataError` that names the file, what was found and what was expected.
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

    public var residentBytes: Int { (training.count + heldOut.count) * (MNISTDigits.pixels + 1) }

    /// Covers the uncompressed content of the four files.
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
        if let first { try scaleImages(split, numbers, Self.scale, Self.shift, into: first) }
        if let second { try copyLabels(split, numbers, into: second) }
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let result = Tensor([numbers.count] + description(of: modality).shape)
        switch modality {
        case .first: try scaleImages(split, numbers, 1, 0, into: result)
        case .second: try copyLabels(split, numbers, into: result)
        }
        return result
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        let digits = digits(split)
        try requireNumbers(numbers, below: digits.count, of: split, in: path)
        return numbers.map { Int(digits.labels[Int($0)]) }
    }

    /// - Parameter raw: for the first modality images, N × 784 numbers from 0 to 255 in any shape; for the second
    ///   labels, N or N × 1 integers from 0 to 9.
    /// - Throws: `DataError` if a number is outside this range.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source mnist")
        guard modality == .first else {
            try requireClasses(rows, Self.classes, of: "data.source mnist")
            return rows
        }
        return try Self.scaled(rows)
    }

    /// Scales images of bytes as in training.
    /// - Throws: `DataError` if a number is not a byte.
    static func scaled(_ rows: Tensor) throws -> Tensor {
        if let wrong = (0..<rows.count).first(where: { !(0...255).contains(rows.pointer[$0]) }) {
            throw DataError(
                at: "data.source mnist",
                reason: "row \(wrong / MNISTDigits.pixels) of the images holds \(rows.pointer[wrong])",
                remedy: "give the pixels as bytes, 0 to 255: the run scales them as in training")
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

    /// Writes scale · x + shift of the images' bytes x into the rows of the tensor.
    private func scaleImages(
        _ split: Split, _ numbers: [UInt64], _ scale: Float, _ shift: Float, into tensor: Tensor
    ) throws {
        let digits = digits(split), pixels = MNISTDigits.pixels
        try requireNumbers(numbers, below: digits.count, of: split, in: path)
        if numbers.isEmpty { return }
        try digits.imageBytes().withUnsafeBufferPointer { bytes in
            for (row, number) in numbers.enumerated() {
                couplet_scale_bytes(
                    pixels, bytes.baseAddress! + Int(number) * pixels, scale, shift, tensor.pointer + row * pixels)
            }
        }
    }
}

/// `data: {source: mnist, path: …}`.
public struct MNISTSpecification: PairSourceKind {
    public static let name = "mnist"
    public static let hasLabels = true
    public static let table = ConfigurationTable(
        MNISTSpecification(path: ""), help: "MNIST: the image of a handwritten digit, and its label.",
        [.required("path", \.path, .path(example: "data/mnist"), "Folder with the four IDX files.")])

    /// The folder with the four IDX files.
    public var path: String

    public init(path: String) { self.path = path }

    public var dependsOnSeed: Bool { false }

    public func makeSource(seed: UInt64) throws -> any PairSource { try MNISTSource(path: path) }
}

/// Images and labels of the training part or the t10k part of MNIST.
///
/// `init` reads and checks headers and labels. The first use decompresses the images, so a run does not decompress the
/// test images before it evaluates, and an evaluation alone does not decompress the training images.
private final class MNISTDigits: Sendable {
    static let side = 28, pixels = side * side

    private enum Images {
        case compressed(IDXFile)
        case decompressed(ArraySlice<UInt8>)
    }

    let count: Int
    let labels: [UInt8]
    private let images: Mutex<Images>

    /// - Parameter prefix: "train" or "t10k".
    /// - Throws: `DataError` that names the file, what was found and what was expected.
    init(folder: String, prefix: String) throws {
        let imageFile = try IDXFile(folder: folder, name: "\(prefix)-images-idx3-ubyte", rank: 3)
        let labelFile = try IDXFile(folder: folder, name: "\(prefix)-labels-idx1-ubyte", rank: 1)
        guard imageFile.extents[1...] == [Self.side, Self.side] else {
            throw DataError(
                at: imageFile.path,
                reason: "its images have \(imageFile.extents[1]) × \(imageFile.extents[2]) pixels, not 28 × 28",
                remedy: "read images of another size with data.source hdf5")
        }
        guard imageFile.extents[0] > 0 else {
            throw DataError(at: imageFile.path, reason: "holds no images", remedy: "download the file again")
        }
        guard imageFile.extents[0] == labelFile.extents[0] else {
            throw DataError(
                at: labelFile.path,
                reason: "has \(labelFile.extents[0]) labels, but \(imageFile.path) has \(imageFile.extents[0]) images",
                remedy: "the two files do not belong together: download both again")
        }
        count = imageFile.extents[0]
        labels = Array(try labelFile.bytes())
        if let wrong = labels.firstIndex(where: { $0 > 9 }) {
            throw DataError(
                at: labelFile.path,
                reason: "label number \(wrong) is \(labels[wrong]), where MNIST has the digits 0 to 9",
                remedy: "read data with other classes with data.source hdf5")
        }
        images = Mutex(.compressed(imageFile))
    }

    /// Returns the bytes of all images, 784 each.
    func imageBytes() throws -> ArraySlice<UInt8> {
        try images.withLock { images in
            switch images {
            case .decompressed(let bytes): return bytes
            case .compressed(let file):
                let bytes = try file.bytes()
                images = .decompressed(bytes)
                return bytes
            }
        }
    }
}

/// A file of unsigned bytes in the IDX format of the MNIST data (LeCun, Cortes, Burges), compressed by gzip or not.
///
/// The format: two zero bytes, the type (8: unsigned byte), the number of extents, each extent as a big-endian 32-bit
/// number, outermost first, then the bytes, row-major.
private struct IDXFile {
    let path: String
    /// Outermost first.
    let extents: [Int]
    private let file: DecompressedFile
    private var headerCount: Int { 4 + 4 * extents.count }

    /// Finds a file by its name, with or without ".gz", and checks its header against its length.
    /// - Parameters:
    ///   - name: such as "train-images-idx3-ubyte".
    ///   - rank: the number of extents that it must have.
    /// - Throws: `DataError` that names the file, what was found and what was expected.
    init(folder: String, name: String, rank: Int) throws {
        guard let path = Self.find(name, in: folder) else {
            let names = FileSystem.names(in: folder)
            let listed =
                names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
            let reason =
                !FileSystem.isFolder(folder)
                ? "there is no such folder"
                : "holds neither \(name) nor \(name).gz; it has \(names.isEmpty ? "no files" : listed)"
            throw DataError(
                at: folder, reason: reason, remedy: "data.path names the folder with the four IDX files of MNIST")
        }
        self.path = path
        file = try rethrowingAsDataError { try DecompressedFile(reading: path) }
        let file = file
        let header = try rethrowingAsDataError { try file.prefix(4 + 4 * rank) }
        let expected: [UInt8] = [0, 0, 8, UInt8(rank)]
        guard header.count >= 4 else {
            throw DataError(
                at: path, reason: "has \(header.count) bytes, too few for a header", remedy: "download the file again")
        }
        guard Array(header[..<4]) == expected else {
            throw DataError(
                at: path,
                reason: "begins with \(Self.hexadecimal(header[..<4])), where \(name) begins with "
                    + Self.hexadecimal(expected[...]),
                remedy: "the file is of another kind: give unsigned bytes with \(rank) "
                    + "\(rank == 1 ? "extent" : "extents") in the IDX format")
        }
        guard header.count == 4 + 4 * rank else {
            throw DataError(
                at: path, reason: "ends inside its header, after \(header.count) bytes",
                remedy: "download the file again")
        }
        extents = (1...rank).map { extent in
            header[(4 * extent)..<(4 * extent + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
        // In a file of several gzip members, `claimedCount` is the length of the last member only. So another count
        // is not always an error; `bytes` decompresses the file and throws if its length is wrong.
        if try UInt32(truncatingIfNeeded: byteCount()) != file.claimedCount { _ = try bytes() }
    }

    /// Finds a file in a folder, or in its MNIST/raw, where torchvision puts it. The name may have a dot before "idx",
    /// as 7-Zip and Kaggle write it, and ".gz" at its end; Kaggle puts the file into a folder of its name.
    private static func find(_ name: String, in folder: String) -> String? {
        let base = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        let names = [name, name.replacing("-idx", with: ".idx")]
        var emptyFolder: String?
        for place in [base, base + "/MNIST/raw", base + "/raw"] {
            for candidate in names.flatMap({ [$0, $0 + ".gz"] }) {
                let path = "\(place)/\(candidate)"
                if !FileSystem.isFolder(path) {
                    if access(path, F_OK) == 0 { return path }
                } else if let inner = names.map({ "\(path)/\($0)" }).first(where: {
                    access($0, F_OK) == 0 && !FileSystem.isFolder($0)
                }) {
                    return inner
                } else {
                    emptyFolder = emptyFolder ?? path
                }
            }
        }
        // Reading a folder is an error that names it.
        return emptyFolder
    }

    /// Returns the length of the decompressed file that its header implies.
    /// - Throws: `DataError` if the length overflows.
    private func byteCount() throws -> Int {
        var count = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow {
                throw DataError(
                    at: path, reason: "the extents \(extents) of its header are too large",
                    remedy: "download the file again")
            }
            count = product
        }
        return count + headerCount
    }

    /// Returns the bytes after the header.
    /// - Throws: `DataError` if their number is not the header's, or the compressed data are damaged.
    func bytes() throws -> ArraySlice<UInt8> {
        let count = try byteCount()
        return try rethrowingAsDataError { try file.content(expected: count)[headerCount...] }
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Runs `body` and rethrows its `FileError` as a `DataError`.
private func rethrowingAsDataError<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as FileError {
        throw DataError(at: error.location, reason: error.reason, remedy: error.remedy)
    }
}
