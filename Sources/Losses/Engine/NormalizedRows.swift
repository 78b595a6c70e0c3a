import CCoupletKernels
import CoupletTensors

/// Normalises the rows of a matrix to length 1, and computes the gradient through the normalisation, for the cosine.
final class NormalizedRows {
    private let values: Tensor
    private let inverseNorms: Tensor

    init(rows: Int, dimension: Int) {
        values = Tensor([rows, dimension])
        inverseNorms = Tensor([rows])
    }

    /// Returns x / |x| of each row. The result is valid until the next call.
    func normalize(_ encodings: Tensor) -> Tensor {
        couplet_normalize_rows(values.rows, values.columns, encodings.pointer, values.pointer, inverseNorms.pointer)
        return values
    }

    /// Turns ∂loss/∂(normalised rows) into ∂loss/∂(rows), in place.
    func backward(_ gradient: Tensor) {
        couplet_normalize_rows_backward(
            values.rows, values.columns, values.pointer, inverseNorms.pointer, gradient.pointer)
    }
}
