import CCoupletKernels
import CoupletTensors

/// The block of the second set that this worker holds at a step of the schedule. It belongs to this worker at the first
/// and the last step and to other workers in between. The encodings h, rows × d, are read where the owner has them. A
/// second tensor holds, in this order:
///
/// - ½ |h|² log₂e / τ of each column, rows
/// - if pairs of a group or equal samples are treated apart: the numbers of each pair that are compared
///   (`GroupScores.keyCount`), 8 bytes each
/// - from the second pass on: the exponent and the weight of each column (`SoftmaxWeights`), rows each
/// - for the maximum mean discrepancy only: the features ψ of the second modality, rows × F₂; in the third pass the
///   residuals of the columns' conditional means, rows × F₁, and the columns' centres, rows
///
/// A pass sends what it reads. What a pass has read does not change before the last pass.
final class RemoteBlock {
    let ring: RingBlock
    private let schedule: PairwiseSchedule
    private let features: FeatureCounts?
    private let keyCount: Int
    /// The second tensor of this worker's own block.
    private let columns: Tensor
    private var ownEncodings = Tensor([0])

    /// - Parameter keyCount: number of lists of numbers.
    init(schedule: PairwiseSchedule, dimension: Int, features: FeatureCounts?, keyCount: Int) {
        self.schedule = schedule
        self.features = features
        self.keyCount = keyCount
        let width = Self.columnCount(features, keyCount: keyCount)
        ring = RingBlock(
            largestShards: schedule.largestShards, largestFloats: schedule.shardRows * (dimension + width))
        columns = Tensor([schedule.rows * width])
    }

    /// Number of floats of a column in the second tensor.
    private static func columnCount(_ features: FeatureCounts?, keyCount: Int) -> Int {
        3 + 2 * keyCount + (features.map { $0.first + $0.second + 1 } ?? 0)
    }

    /// Number of floats that an instance allocates.
    /// - Parameters:
    ///   - rows: the most rows of a worker.
    ///   - receives: whether blocks come from other processes.
    static func memory(
        rows: Int, dimension: Int, features: FeatureCounts?, keyCount: Int, receives: Bool
    ) -> Int {
        let width = columnCount(features, keyCount: keyCount)
        return rows * (width + (receives ? 2 * (dimension + width) : 0))
    }

    /// Sets the numbers of this worker's own block that are compared, list after list.
    func setKeys(_ keys: [[Int]]) {
        let start = UnsafeMutableRawPointer(columns.pointer + schedule.rows)
        Array(keys.joined()).withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { start.copyMemory(from: source, byteCount: bytes.count) }
        }
    }

    /// Sets this worker's own block for the first pass.
    /// - Parameter squareFactor: ½ log₂e / τ.
    func load(_ encodings: Tensor, squareFactor: Float) {
        ownEncodings = encodings
        let rows = schedule.rows
        couplet_row_squares(rows, encodings.count / rows, encodings.pointer, squareFactor, columns.pointer)
        setOwn(width: 1 + 2 * keyCount)
    }

    /// Adds the weights of this worker's columns, for the second pass.
    func load(_ weights: SoftmaxWeights) {
        let start = schedule.rows * (1 + 2 * keyCount), rows = schedule.rows
        columns.flat(start..<start + rows).copy(from: weights.columnExponent)
        columns.flat(start + rows..<start + 2 * rows).copy(from: weights.columnWeight)
        setOwn(width: 3 + 2 * keyCount)
    }

    /// Adds the features ψ of this worker's own block, rows × F₂.
    func load(features: Tensor) {
        let start = schedule.rows * (3 + 2 * keyCount)
        columns.flat(start..<start + features.count).copy(from: features)
        setOwn(width: 3 + 2 * keyCount + features.columns)
    }

    /// Adds the residuals of this worker's columns, rows × F₁, and their centres.
    func load(residuals: Tensor, centres: Tensor) {
        let end = columns.count - centres.count
        columns.flat(end - residuals.count..<end).copy(from: residuals)
        columns.flat(end..<columns.count).copy(from: centres)
        setOwn(width: Self.columnCount(self.features, keyCount: keyCount))
    }

    private func setOwn(width: Int) {
        ring.setOwn(
            [ownEncodings, columns.flat(0..<schedule.rows * width)], shards: schedule.localShards.count)
    }

    /// Number of columns of the block.
    var count: Int { ring.shards * schedule.shardRows }
    var encodings: UnsafeMutablePointer<Float> { ring.current[0].pointer }
    var squares: UnsafeMutablePointer<Float> { ring.current[1].pointer }
    var exponents: UnsafeMutablePointer<Float> { squares + count * (1 + 2 * keyCount) }
    var weights: UnsafeMutablePointer<Float> { exponents + count }
    var secondFeatures: UnsafeMutablePointer<Float> { weights + count }
    var residuals: UnsafeMutablePointer<Float> { secondFeatures + count * (features?.second ?? 0) }
    var centres: UnsafeMutablePointer<Float> { residuals + count * (features?.first ?? 0) }

    /// The squares of this worker's own block.
    var localSquares: UnsafeMutablePointer<Float> { columns.pointer }

    /// A number of a pair of the block, by the index of its list; negative for none.
    func key(_ list: Int, _ i: Int) -> Int {
        UnsafeRawPointer(squares + count).loadUnaligned(
            fromByteOffset: (list * count + i) * MemoryLayout<Int>.stride, as: Int.self)
    }
}
