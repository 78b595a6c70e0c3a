import COpenBLAS

/// OpenBLAS's matrix products in single precision, the yardstick of `MatrixProduct`. Nothing else may use them: their
/// bits depend on the CPU.
package enum OpenBLASProduct {
    /// `c = op(a) · op(b)` on the calling thread, for shapes see `MatrixProduct.multiply`.
    package static func multiply(
        _ a: Tensor, _ aForm: MatrixProduct.Form, _ b: Tensor, _ bForm: MatrixProduct.Form, into c: Tensor
    ) {
        let (m, k) = aForm == .asIs ? (a.rows, a.columns) : (a.columns, a.rows)
        let (k2, n) = bForm == .asIs ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(k == k2 && c.rows == m && c.columns == n, "product of \(a.shape) and \(b.shape) into \(c.shape)")
        OpenBLAS.useOneThread
        cblas_sgemm(
            CblasRowMajor, aForm == .asIs ? CblasNoTrans : CblasTrans, bForm == .asIs ? CblasNoTrans : CblasTrans,
            blasint(m), blasint(n), blasint(k), 1, a.pointer, blasint(a.columns), b.pointer, blasint(b.columns), 0,
            c.pointer, blasint(c.columns))
    }
}
