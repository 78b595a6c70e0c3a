import Synchronization

/// The images and labels of one of MNIST's two parts. Labels and headers are read and checked at once, images when first asked
/// for: a run that only trains never unpacks the test images before it evaluates, and one that only evaluates never unpacks the
/// training images.
final class MNISTDigits: Sendable {
    static let side = 28, pixels = side * side

    let count: Int
    let labels: [UInt8]
    let path: String
    private enum Images {
        case packed(IDXFile)
        case unpacked(ArraySlice<UInt8>)
    }
    private let images: Mutex<Images>

    /// - Parameter prefix: "train" or "t10k".
    /// - Throws: `DataError` naming the file, what was found and what was expected.
    init(folder: String, prefix: String) throws {
        let imageFile = try IDXFile(folder: folder, name: "\(prefix)-images-idx3-ubyte", rank: 3)
        let labelFile = try IDXFile(folder: folder, name: "\(prefix)-labels-idx1-ubyte", rank: 1)
        path = imageFile.path
        guard imageFile.extents[1...] == [Self.side, Self.side] else {
            throw DataError(
                place: imageFile.path,
                reason: "its images have \(imageFile.extents[1]) × \(imageFile.extents[2]) pixels, not 28 × 28",
                remedy: "images of another size can be read with data.source hdf5")
        }
        guard imageFile.extents[0] > 0 else {
            throw DataError(place: imageFile.path, reason: "holds no images", remedy: "fetch the file again")
        }
        guard imageFile.extents[0] == labelFile.extents[0] else {
            throw DataError(
                place: labelFile.path,
                reason: "has \(labelFile.extents[0]) labels, but \(imageFile.path) has \(imageFile.extents[0]) images",
                remedy: "the two files do not belong together: fetch both again")
        }
        count = imageFile.extents[0]
        labels = Array(try labelFile.bytes())
        if let wrong = labels.firstIndex(where: { $0 > 9 }) {
            throw DataError(
                place: labelFile.path,
                reason: "label number \(wrong) is \(labels[wrong]), where MNIST has the digits 0 to 9",
                remedy: "data with other classes can be read with data.source hdf5")
        }
        images = Mutex(.packed(imageFile))
    }

    /// The bytes of all images, 784 each.
    func imageBytes() throws -> ArraySlice<UInt8> {
        try images.withLock { images in
            switch images {
            case .unpacked(let bytes): return bytes
            case .packed(let file):
                let bytes = try file.bytes()
                images = .unpacked(bytes)
                return bytes
            }
        }
    }
}
