import CCoupletKernels
import CoupletTensors

/// The block of the second set that this worker holds at a step of the schedule. It belongs to this worker at the first
/// step and to another worker at all others. One exchange buffer holds, in this order:
///
/// - the encodings h, rows × d
/// - ½ |h|² log₂e / τ, the exponent and the weight of each column (`SoftmaxWeights`), rows each
/// - for the maximum mean discrepancy only: the features ψ of the second modality, rows × F₂; the residuals of the
///   columns' conditional means, rows × F₁; the columns' centres, rows
/// - if pairs of a group or equal samples are treated apart: the numbers of each pair that are compared
///   (`GroupScores.keyCount`), 8 bytes each
final class RemoteBlock {
    let buffer: ExchangeBuffer
    /// The squares of this worker's own block. They stay on this worker.
    let localSquares: Tensor
    private let rows: Int
    private let dimension: Int
    private let features: FeatureCounts?
    /// The numbers of the pairs of this worker's own block that are compared, list after list.
    private var localKeys: [Int]
    private let keyCount: Int

    /// - Parameter keyCount: number of lists of numbers.
    init(rows: Int, dimension: Int, features: FeatureCounts?, keyCount: Int) {
        self.rows = rows
        self.dimension = dimension
        self.features = features
        let columns = dimension + 3 + (features.map { $0.first + $0.second + 1 } ?? 0)
        buffer = ExchangeBuffer(count: rows * (columns + 2 * keyCount))
        localSquares = Tensor([rows])
        self.keyCount = keyCount
        localKeys = [Int](repeating: -1, count: keyCount * rows)
    }

    /// Sets the numbers of this worker's own block, which the next `load` copies.
    func setKeys(_ keys: [[Int]]) { localKeys = Array(keys.joined()) }

    /// Fills the buffer with this worker's own block.
    /// - Parameters:
    ///   - squareFactor: ½ log₂e / τ, for the quadratic score function; nil keeps the squares of the last call.
    ///   - weights: the weights of this worker's columns; nil if they are not known yet.
    func load(_ encodings: Tensor, squareFactor: Float?, weights: SoftmaxWeights?) {
        buffer.current.flat(0..<(rows * dimension)).copy(from: encodings)
        if let squareFactor {
            couplet_row_squares(rows, dimension, encodings.pointer, squareFactor, localSquares.pointer)
        }
        column(0).copy(from: localSquares)
        localKeys.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { keys.copyMemory(from: start, byteCount: bytes.count) }
        }
        if let weights {
            column(1).copy(from: weights.columnExponent)
            column(2).copy(from: weights.columnWeight)
        }
    }

    /// Fills the buffer with the features ψ of this worker's own block, and with the residuals and centres of its
    /// columns; these are nil if they are not known yet.
    func load(features: Tensor, residuals: Tensor?, centres: Tensor?) {
        let start = rows * (dimension + 3), end = start + features.count
        buffer.current.flat(start..<end).copy(from: features)
        if let residuals, let centres {
            buffer.current.flat(end..<(end + residuals.count)).copy(from: residuals)
            buffer.current.flat((end + residuals.count)..<(end + residuals.count + rows)).copy(from: centres)
        }
    }

    var encodings: UnsafeMutablePointer<Float> { buffer.current.pointer }
    var squares: UnsafeMutablePointer<Float> { encodings + rows * dimension }
    var exponents: UnsafeMutablePointer<Float> { squares + rows }
    var weights: UnsafeMutablePointer<Float> { exponents + rows }
    var secondFeatures: UnsafeMutablePointer<Float> { weights + rows }
    var residuals: UnsafeMutablePointer<Float> { secondFeatures + rows * (features?.second ?? 0) }
    var centres: UnsafeMutablePointer<Float> { residuals + rows * (features?.first ?? 0) }

    /// The numbers of the block, behind all floats.
    private var keys: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(encodings + buffer.current.count - 2 * keyCount * rows)
    }
    /// A number of a pair of the block, by the index of its list; negative for none.
    func key(_ list: Int, _ i: Int) -> Int {
        keys.loadUnaligned(fromByteOffset: (list * rows + i) * MemoryLayout<Int>.stride, as: Int.self)
    }

    /// One of the three columns of `rows` numbers behind the encodings.
    private func column(_ number: Int) -> Tensor {
        let start = rows * dimension + number * rows
        return buffer.current.flat(start..<(start + rows))
    }
}
