import CCoupletKernels
import CoupletTensors

/// The block of the second side that visits a worker: encodings and what the weights of its columns are made of, in one travelling buffer.
///
/// Layout: encodings rows × d; ½ |h|² log₂e / τ; exponents; weights (one a row each); for the maximum mean discrepancy the features ψ of the second
/// side, rows × F₂, the residuals of the columns' means, rows × F₁, and their centres.
final class RemoteBlock {
    let buffer: ExchangeBuffer
    /// The squares of this worker's own block, kept at home.
    let homeSquares: Tensor
    private let rows: Int
    private let dimension: Int
    private let features: FeatureCounts?

    init(rows: Int, dimension: Int, features: FeatureCounts?) {
        self.rows = rows
        self.dimension = dimension
        self.features = features
        buffer = ExchangeBuffer(count: rows * (dimension + 3 + (features.map { $0.first + $0.second + 1 } ?? 0)))
        homeSquares = Tensor([rows])
    }

    /// Puts this worker's own block in.
    func load(_ encodings: Tensor, squareFactor: Float?, weights: SoftmaxWeights?) {
        buffer.current.flat(0..<(rows * dimension)).copy(from: encodings)
        if let squareFactor {
            couplet_row_squares(rows, dimension, encodings.pointer, squareFactor, homeSquares.pointer)
        }
        part(0).copy(from: homeSquares)
        if let weights {
            part(1).copy(from: weights.columnExponent)
            part(2).copy(from: weights.columnWeight)
        }
    }

    /// Adds ψ of this worker's own block, and once they are known its columns' residuals and centres.
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

    private func part(_ number: Int) -> Tensor {
        let start = rows * dimension + number * rows
        return buffer.current.flat(start..<(start + rows))
    }
}
