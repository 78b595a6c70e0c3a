import CoupletFiles
import Glibc
import Synchronization

/// Images and labels of the training part or the t10k part of MNIST.
///
/// `init` reads and checks headers and labels. The first use decompresses the images, so a run does not decompress the
/// test images before it evaluates, and an evaluation alone does not decompress the training images.
final class MNISTDigits: Sendable {
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

    /// Copies columns of an image that is moved by `down` and `right` pixels. Pixels that come in are 0.
    /// - Parameter output: 28 × columns.
    static func cut(
        _ image: UnsafePointer<UInt8>, _ columns: Range<Int>, down: Int, right: Int, into output: inout [UInt8]
    ) {
        for y in 0..<side {
            for (position, x) in columns.enumerated() {
                let row = y - down, column = x - right
                let isInside = (0..<side).contains(row) && (0..<side).contains(column)
                output[y * columns.count + position] = isInside ? image[row * side + column] : 0
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
