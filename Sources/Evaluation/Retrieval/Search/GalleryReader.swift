import CCoupletKernels
import CoupletTensors

/// One worker's way to the rows of a gallery.
package protocol GalleryReader: AnyObject {
    /// Prepared rows, d numbers each, valid until the next call. The rows lie within one piece of `Gallery.readRows`.
    func rows(_ range: Range<Int>) throws -> UnsafePointer<Float>
}

/// Rows that lie in memory, prepared.
final class InMemoryGalleryReader: GalleryReader {
    private let encodings: Tensor

    init(_ encodings: Tensor) { self.encodings = encodings }

    func rows(_ range: Range<Int>) -> UnsafePointer<Float> { UnsafePointer(encodings.rows(range).pointer) }
}

/// Rows that are read or encoded a piece at a time.
final class StreamedGalleryReader: GalleryReader {
    private let count: Int, dimension: Int, pieceRows: Int
    private let isNormalized: Bool
    private let read: (Range<Int>, Tensor) throws -> Void
    private let buffer: Tensor
    private var piece = 0..<0

    init(count: Int, dimension: Int, isNormalized: Bool, read: @escaping (Range<Int>, Tensor) throws -> Void) {
        self.count = count
        self.dimension = dimension
        self.isNormalized = isNormalized
        self.read = read
        pieceRows = Gallery.readRows(dimension: dimension)
        buffer = Tensor([pieceRows, dimension])
    }

    func rows(_ range: Range<Int>) throws -> UnsafePointer<Float> {
        if range.lowerBound < piece.lowerBound || range.upperBound > piece.upperBound {
            let start = range.lowerBound / pieceRows * pieceRows
            piece = start..<min(start + pieceRows, count)
            precondition(range.upperBound <= piece.upperBound, "rows \(range) across pieces of \(pieceRows)")
            let target = buffer.rows(0..<piece.count)
            do {
                try read(piece, target)
            } catch {
                piece = 0..<0
                throw error
            }
            let wrong = couplet_first_not_finite(target.count, target.pointer)
            if wrong < target.count {
                throw SearchError(
                    "the encoding of gallery row \(start + wrong / dimension) holds \(target.pointer[wrong]); every number must be finite"
                )
            }
            if isNormalized { couplet_search_unit_rows(piece.count, dimension, target.pointer, target.pointer) }
        }
        return UnsafePointer(buffer.pointer + (range.lowerBound - piece.lowerBound) * dimension)
    }
}
