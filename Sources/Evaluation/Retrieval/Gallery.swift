import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// The encodings that a `GallerySearch` searches: N rows of d numbers. A search reads them block by block, so memory
/// does not limit N.
///
/// Rows are *prepared* for a similarity: for the cosine they have length 1, for the others they are unchanged.
public struct Gallery: Sendable {
    /// N.
    public let count: Int
    /// d.
    public let dimension: Int
    /// Makes the reader of one worker, on the worker's thread.
    package let makeReader: @Sendable () throws -> any GalleryReader

    package init(count: Int, dimension: Int, makeReader: @escaping @Sendable () throws -> any GalleryReader) {
        self.count = count
        self.dimension = dimension
        self.makeReader = makeReader
    }

    /// Makes a gallery of rows in memory.
    /// - Parameters:
    ///   - encodings: N × d.
    ///   - isPrepared: whether the rows have length 1 already; it matters for the cosine only.
    public init(_ encodings: Tensor, similarity: Similarity, isPrepared: Bool = false) {
        let dimension = encodings.columns
        if isPrepared || similarity != .cosine {
            self.init(count: encodings.rows, dimension: dimension) { InMemoryGalleryReader(encodings) }
        } else {
            self.init(count: encodings.rows, dimension: dimension, similarity: similarity) {
                { rows, block in block.copy(from: encodings.rows(rows)) }
            }
        }
    }

    /// Makes a gallery that is read or encoded block by block.
    /// - Parameter makeReading: each worker calls it once, on its thread. The function that it returns writes the
    ///   encodings of a range of rows into a tensor rows × d. Ranges have at most `readRows(dimension:)` rows and begin
    ///   at a multiple of that.
    public init(
        count: Int, dimension: Int, similarity: Similarity,
        makeReading: @escaping @Sendable () throws -> (Range<Int>, Tensor) throws -> Void
    ) {
        self.init(count: count, dimension: dimension) {
            StreamedGalleryReader(
                count: count, dimension: dimension, isNormalized: similarity == .cosine, read: try makeReading())
        }
    }

    /// Returns the number of rows of a block. A block has at most 256 KiB, so it stays in the second-level cache while
    /// all queries are scored against it.
    package static func blockRows(dimension: Int) -> Int {
        var rows = 1_024
        while rows > 32, rows * dimension * MemoryLayout<Float>.stride > 256 << 10 { rows /= 2 }
        return rows
    }

    /// Returns the number of rows that are read or encoded at once. It is a multiple of a block and of the rows of an
    /// encoder's batch, and parts consist of such units.
    public static func readRows(dimension: Int) -> Int { max(256, blockRows(dimension: dimension)) }

    /// Number of parts of a gallery. A search sums over parts, and then over their sums, so that the totals have the
    /// same bits for every number of workers.
    private static let parts = 64

    /// Returns the rows of a part. The parts are nearly equal, and begin at a multiple of `readRows(dimension:)`.
    package func rows(ofPart part: Int) -> Range<Int> {
        let unit = Self.readRows(dimension: dimension), units = (count + unit - 1) / unit
        return min(count, units * part / Self.parts * unit)..<min(count, units * (part + 1) / Self.parts * unit)
    }

    /// Returns the parts of a worker; consecutive workers have consecutive parts.
    package static func parts(ofWorker worker: Int, of workers: Int) -> Range<Int> {
        (worker * parts / workers)..<((worker + 1) * parts / workers)
    }
}

/// Reads the rows of a gallery for one worker.
package protocol GalleryReader: AnyObject {
    /// Returns prepared rows, d numbers each, valid until the next call.
    /// - Parameter range: rows within one unit of `Gallery.readRows(dimension:)`.
    func rows(_ range: Range<Int>) throws -> UnsafePointer<Float>
}

/// Reads prepared rows that are in memory.
private final class InMemoryGalleryReader: GalleryReader {
    private let encodings: Tensor

    init(_ encodings: Tensor) { self.encodings = encodings }

    func rows(_ range: Range<Int>) -> UnsafePointer<Float> { UnsafePointer(encodings.rows(range).pointer) }
}

/// Reads or encodes rows one unit at a time, checks them and prepares them.
private final class StreamedGalleryReader: GalleryReader {
    private let count: Int, dimension: Int, unitRows: Int
    private let isNormalized: Bool
    private let read: (Range<Int>, Tensor) throws -> Void
    private let buffer: Tensor
    /// The rows in the buffer.
    private var unit = 0..<0

    init(count: Int, dimension: Int, isNormalized: Bool, read: @escaping (Range<Int>, Tensor) throws -> Void) {
        self.count = count
        self.dimension = dimension
        self.isNormalized = isNormalized
        self.read = read
        unitRows = Gallery.readRows(dimension: dimension)
        buffer = Tensor([unitRows, dimension])
    }

    func rows(_ range: Range<Int>) throws -> UnsafePointer<Float> {
        if range.lowerBound < unit.lowerBound || range.upperBound > unit.upperBound {
            let start = range.lowerBound / unitRows * unitRows
            unit = start..<min(start + unitRows, count)
            precondition(range.upperBound <= unit.upperBound, "rows \(range) span two units of \(unitRows) rows")
            do {
                try fillBuffer()
            } catch {
                unit = 0..<0
                throw error
            }
        }
        return UnsafePointer(buffer.pointer + (range.lowerBound - unit.lowerBound) * dimension)
    }

    private func fillBuffer() throws {
        let target = buffer.rows(0..<unit.count)
        try read(unit, target)
        let wrong = couplet_first_not_finite(target.count, target.pointer)
        if wrong < target.count {
            throw SearchError(
                "the encoding of gallery row \(unit.lowerBound + wrong / dimension) holds \(target.pointer[wrong]); "
                    + "every number must be finite")
        }
        if isNormalized { couplet_search_unit_rows(unit.count, dimension, target.pointer, target.pointer) }
    }
}
