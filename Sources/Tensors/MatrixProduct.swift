import COpenBLAS

/// Matrix products in single precision, by OpenBLAS on the calling thread alone.
///
/// OpenBLAS gives equal bits for equal sizes from any thread and at any alignment, on one core type; a part of a product is *not*
/// always the bits of the whole. So callers multiply shards, never a worker's whole block.
public enum MatrixProduct {
    /// How an operand enters a product.
    public enum Form: Sendable {
        case asIs, transposed
    }

    /// `c = alpha · op(a) · op(b) + beta · c`.
    ///
    /// A tensor counts as the matrix `rows × columns`. Shapes: `op(a)` m × k, `op(b)` k × n, `c` m × n.
    /// - Parameters:
    ///   - a, aForm: the left operand and how it enters.
    ///   - b, bForm: the right operand and how it enters.
    ///   - c: where the product goes.
    ///   - beta: 0 to overwrite `c` (whatever it holds, NaN included), 1 to add to it.
    public static func multiply(
        _ a: Tensor, _ aForm: Form = .asIs, _ b: Tensor, _ bForm: Form = .asIs, into c: Tensor, alpha: Float = 1,
        beta: Float = 0
    ) {
        let (m, k) = aForm == .asIs ? (a.rows, a.columns) : (a.columns, a.rows)
        let (k2, n) = bForm == .asIs ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(k == k2 && c.rows == m && c.columns == n, "product of \(a.shape) and \(b.shape) into \(c.shape)")
        multiply(
            m: m, n: n, k: k, alpha: alpha, a.pointer, aForm, stride: a.columns, b.pointer, bForm, stride: b.columns,
            beta: beta,
            c.pointer, stride: c.columns)
    }

    /// The same over pointers with row strides, for sub-tiles.
    package static func multiply(
        m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, _ aForm: Form, stride aStride: Int,
        _ b: UnsafePointer<Float>, _ bForm: Form, stride bStride: Int, beta: Float, _ c: UnsafeMutablePointer<Float>,
        stride cStride: Int
    ) {
        if m == 0 || n == 0 { return }
        OpenBLAS.useOneThread
        cblas_sgemm(
            CblasRowMajor, aForm == .asIs ? CblasNoTrans : CblasTrans, bForm == .asIs ? CblasNoTrans : CblasTrans,
            blasint(m), blasint(n), blasint(k), alpha, a, blasint(aStride), b, blasint(bStride), beta, c,
            blasint(cStride))
    }
}
