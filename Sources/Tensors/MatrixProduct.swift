import COpenBLAS

/// Matrix products in single precision, computed by OpenBLAS on the calling thread.
///
/// On one core type OpenBLAS gives equal bits for equal sizes on any thread and at any alignment. A row block of a
/// product does *not* always have the bits of the whole product, so callers multiply shards, never a worker's whole
/// block.
public enum MatrixProduct {
    /// The operation op on an operand of a product.
    public enum Form: Sendable {
        case asIs, transposed
    }

    /// `c = alpha · op(a) · op(b) + beta · c`.
    ///
    /// A tensor is read as the matrix `rows × columns`. Shapes: `op(a)` m × k, `op(b)` k × n, `c` m × n.
    /// - Parameters:
    ///   - aForm: whether `a` is transposed.
    ///   - bForm: whether `b` is transposed.
    ///   - c: receives the result.
    ///   - beta: 0 overwrites `c`, even if it contains a NaN; 1 adds to it.
    public static func multiply(
        _ a: Tensor, _ aForm: Form = .asIs, _ b: Tensor, _ bForm: Form = .asIs, into c: Tensor, alpha: Float = 1,
        beta: Float = 0
    ) {
        let (m, k) = aForm == .asIs ? (a.rows, a.columns) : (a.columns, a.rows)
        let (k2, n) = bForm == .asIs ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(k == k2 && c.rows == m && c.columns == n, "product of \(a.shape) and \(b.shape) into \(c.shape)")
        multiply(
            m: m, n: n, k: k, alpha: alpha, a.pointer, aForm, stride: a.columns, b.pointer, bForm, stride: b.columns,
            beta: beta, c.pointer, stride: c.columns)
    }

    /// `c = alpha · op(a) · op(b) + beta · c` on pointers, for blocks of larger matrices.
    ///
    /// Shapes: `op(a)` m × k, `op(b)` k × n, `c` m × n. A stride is the number of floats from one row in memory to the
    /// next.
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
