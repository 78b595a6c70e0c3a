import CCoupletKernels
import CoupletTensors

/// A linear map of rows, y = M x for each: a row has the same bits wherever it stands and whatever stands beside it, which a row of a BLAS product has
/// not.
struct RowwiseLinearMap: Sendable {
    /// How many numbers a row has before and after.
    let inputs: Int, outputs: Int
    /// Mᵀ, inputs × outputs, in the blocks of 16 columns that `couplet_map_rows` reads.
    private let factor: Tensor

    /// - Parameter matrix: M, outputs × inputs, rounded to Float.
    init(_ matrix: Matrix) {
        let lanes = 16
        (inputs, outputs) = (matrix.columns, matrix.rows)
        factor = Tensor([(outputs + lanes - 1) / lanes, inputs, lanes])
        for row in 0..<outputs {
            for k in 0..<inputs { factor[(row / lanes * inputs + k) * lanes + row % lanes] = Float(matrix[row, k]) }
        }
    }

    /// - Parameters:
    ///   - x: `rows` rows of `inputs` numbers, `stride` numbers from one to the next.
    ///   - y: rows × outputs.
    func apply(rows: Int, _ x: UnsafePointer<Float>, stride: Int, to y: UnsafeMutablePointer<Float>) {
        couplet_map_rows(rows, inputs, outputs, x, stride, factor.pointer, y)
    }
}
