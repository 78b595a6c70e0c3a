import CCoupletKernels
import CoupletTensors

/// A linear map of rows, y = M x for each row x, whose bits do not depend on the batch.
///
/// The result of a row has the same bits at every position and with any other rows. A BLAS product does not guarantee
/// that.
struct RowwiseLinearMap: Sendable {
    /// Number of elements of an input row x and of an output row y.
    let inputs: Int, outputs: Int
    /// Mᵀ, inputs × outputs, in blocks of 16 columns, the layout of `couplet_map_rows`.
    private let blockedMatrix: Tensor

    /// - Parameter matrix: M, outputs × inputs; its elements are rounded to Float.
    init(_ matrix: Matrix) {
        let lanes = 16
        (inputs, outputs) = (matrix.columns, matrix.rows)
        blockedMatrix = Tensor([(outputs + lanes - 1) / lanes, inputs, lanes])
        for row in 0..<outputs {
            for k in 0..<inputs {
                blockedMatrix[(row / lanes * inputs + k) * lanes + row % lanes] = Float(matrix[row, k])
            }
        }
    }

    /// Maps rows.
    /// - Parameters:
    ///   - x: `rows` rows of `inputs` elements; row i begins at i · `stride`.
    ///   - y: rows × outputs.
    func apply(rows: Int, _ x: UnsafePointer<Float>, stride: Int, to y: UnsafeMutablePointer<Float>) {
        couplet_map_rows(rows, inputs, outputs, x, stride, blockedMatrix.pointer, y)
    }
}
