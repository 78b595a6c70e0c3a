import COpenBLAS

extension Matrix {
    /// `self = op(a) op(b)`, or added to it, op being the matrix or its transpose: by BLAS in Double.
    package mutating func setProduct(
        _ a: Matrix, _ b: Matrix, firstTransposed: Bool = false, secondTransposed: Bool = false, adding: Bool = false
    ) {
        let (inner, ownRows) = firstTransposed ? (a.rows, a.columns) : (a.columns, a.rows)
        let (otherInner, ownColumns) = secondTransposed ? (b.columns, b.rows) : (b.rows, b.columns)
        precondition(
            inner == otherInner && ownRows == rows && ownColumns == columns,
            "a product of \(ownRows) × \(inner) and \(otherInner) × \(ownColumns) into \(rows) × \(columns)")
        if elements.isEmpty { return }
        guard inner > 0 else {
            if !adding { for i in elements.indices { elements[i] = 0 } }
            return
        }
        OpenBLAS.useOneThread
        let left = AlignedDoubles(a.elements), right = AlignedDoubles(b.elements), result = AlignedDoubles(elements)
        cblas_dgemm(
            CblasRowMajor, firstTransposed ? CblasTrans : CblasNoTrans, secondTransposed ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns),
            blasint(inner), 1, left.pointer, blasint(a.columns), right.pointer, blasint(b.columns), adding ? 1 : 0,
            result.pointer, blasint(columns))
        result.copy(to: &elements)
    }
}
