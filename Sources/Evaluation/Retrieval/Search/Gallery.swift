import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// The encodings in which a `GallerySearch` searches: N rows of d numbers, handed out block by block, so that N may be any.
///
/// Rows are *prepared* for a similarity: for the cosine they have length 1, else they are as they are.
public struct Gallery: Sendable {
    public let count: Int
    public let dimension: Int
    package let makeReader: @Sendable () throws -> any GalleryReader

    package init(count: Int, dimension: Int, makeReader: @escaping @Sendable () throws -> any GalleryReader) {
        self.count = count
        self.dimension = dimension
        self.makeReader = makeReader
    }

    /// A gallery in memory.
    /// - Parameters:
    ///   - encodings: N × d.
    ///   - isPrepared: whether the rows have length 1 already, where the similarity is the cosine.
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

    /// A gallery that is read or made block by block.
    /// - Parameter makeReading: is called once by each worker, on its thread; what it gives is then called for at most
    ///   `Gallery.readRows(dimension:)` rows at a time, which begin at a multiple of that, and writes their encodings into a tensor rows × d.
    public init(
        count: Int, dimension: Int, similarity: Similarity,
        makeReading: @escaping @Sendable () throws -> (Range<Int>, Tensor) throws -> Void
    ) {
        self.init(count: count, dimension: dimension) {
            StreamedGalleryReader(
                count: count, dimension: dimension, isNormalized: similarity == .cosine, read: try makeReading())
        }
    }

    /// Rows of a block that is scored at once: of at most 256 KiB, so that it stays in the second cache while all queries meet it.
    package static func blockRows(dimension: Int) -> Int {
        var rows = 1_024
        while rows > 32, rows * dimension * MemoryLayout<Float>.stride > 256 << 10 { rows /= 2 }
        return rows
    }

    /// Rows that are read or encoded at once, and the unit of which parts are made: a multiple of a block and of the rows that an encoder takes.
    public static func readRows(dimension: Int) -> Int { max(256, blockRows(dimension: dimension)) }

    /// The parts over which all sums of a search are defined, so that they are the same bits for every number of workers.
    static let parts = 64

    /// The rows of a part: nearly equally many, and whole pieces of `readRows` but for the gallery's end.
    package func rows(ofPart part: Int) -> Range<Int> {
        let unit = Self.readRows(dimension: dimension), units = (count + unit - 1) / unit
        return min(count, units * part / Self.parts * unit)..<min(count, units * (part + 1) / Self.parts * unit)
    }

    /// The parts of a worker, neighbours in the order of the workers.
    package static func parts(ofWorker worker: Int, of workers: Int) -> Range<Int> {
        (worker * parts / workers)..<((worker + 1) * parts / workers)
    }
}
