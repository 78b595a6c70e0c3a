import CKernels
import Tensors

/// The block of the second side that visits a worker: encodings and what the weights of its columns are made of, in one travelling buffer.
///
/// Layout: encodings rows × d; ½ |h|² log₂e / τ; exponents; weights (one a row each).
final class VisitingBlock {
    let buffer: TravellingBuffer
    /// The squares of this worker's own block, kept at home.
    let homeSquares: Tensor
    private let rows: Int
    private let dimension: Int

    init(rows: Int, dimension: Int) {
        self.rows = rows
        self.dimension = dimension
        buffer = TravellingBuffer(count: rows * (dimension + 3))
        homeSquares = Tensor([rows])
    }

    /// Puts this worker's own block in.
    func load(_ encodings: Tensor, squareFactor: Float?, weights: PairWeights?) {
        buffer.current.flat(0..<(rows * dimension)).copy(from: encodings)
        if let squareFactor { couplet_row_squares(rows, dimension, encodings.pointer, squareFactor, homeSquares.pointer) }
        part(0).copy(from: homeSquares)
        if let weights {
            part(1).copy(from: weights.columnExponent)
            part(2).copy(from: weights.columnWeight)
        }
    }

    var encodings: UnsafeMutablePointer<Float> { buffer.current.pointer }
    var squares: UnsafeMutablePointer<Float> { encodings + rows * dimension }
    var exponents: UnsafeMutablePointer<Float> { squares + rows }
    var weights: UnsafeMutablePointer<Float> { exponents + rows }

    private func part(_ number: Int) -> Tensor {
        let start = rows * dimension + number * rows
        return buffer.current.flat(start..<(start + rows))
    }
}
