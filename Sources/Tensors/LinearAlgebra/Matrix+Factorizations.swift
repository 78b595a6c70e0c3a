import COpenBLAS

extension Matrix {
    /// The product `a b`, by BLAS in Double.
    public static func * (a: Matrix, b: Matrix) -> Matrix {
        precondition(a.columns == b.rows, "product of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns)")
        var result = Matrix(rows: a.rows, columns: b.columns)
        if result.elements.isEmpty || a.columns == 0 { return result }
        result.setProduct(a, b)
        return result
    }

    /// `A = U diag(s) Vᵀ` with `U` rows × r, `V` columns × r, r = min(rows, columns), and s descending.
    /// - Throws: `LinearAlgebraError` where the iteration does not converge or the matrix holds a NaN.
    public func singularValueDecomposition() throws -> (u: Matrix, singularValues: [Double], v: Matrix) {
        let rank = min(rows, columns)
        if rank == 0 { return (Matrix(rows: rows, columns: 0), [], Matrix(rows: columns, columns: 0)) }
        try requireFinite("dgesdd")
        // LAPACK counts by columns: it is handed Aᵀ, so its left vectors are ours to the right.
        let a = AlignedDoubles(elements), s = AlignedDoubles(count: rank)
        let left = AlignedDoubles(count: columns * rank), right = AlignedDoubles(count: rank * rows)
        var m = Int32(columns), n = Int32(rows), r = Int32(rank), info: Int32 = 0
        var job = CChar(UInt8(ascii: "S")), integers = [Int32](repeating: 0, count: 8 * rank)
        var size: Int32 = -1, wanted = [0.0]
        dgesdd_(
            &job, &m, &n, a.pointer, &m, s.pointer, left.pointer, &m, right.pointer, &r, &wanted, &size, &integers,
            &info)
        size = Int32(wanted[0])
        let work = AlignedDoubles(count: Int(size))
        dgesdd_(
            &job, &m, &n, a.pointer, &m, s.pointer, left.pointer, &m, right.pointer, &r, work.pointer, &size, &integers,
            &info)
        if info != 0 {
            throw LinearAlgebraError(
                routine: "dgesdd", reason: "no convergence (info \(info)) for a \(rows) × \(columns) matrix")
        }
        // `left` holds V by columns, that is Vᵀ by rows; `right` holds Uᵀ by columns, that is U by rows.
        return (
            Matrix(rows: rows, columns: rank, elements: right.numbers), s.numbers,
            Matrix(rows: rank, columns: columns, elements: left.numbers).transposed
        )
    }

    /// `A = Q diag(w) Qᵀ` for a symmetric matrix, w ascending, eigenvectors in the columns of Q.
    /// - Throws: `LinearAlgebraError` where the iteration does not converge or the matrix holds a NaN.
    public func symmetricEigenvalues() throws -> (values: [Double], vectors: Matrix) {
        precondition(rows == columns, "eigenvalues of a \(rows) × \(columns) matrix")
        if rows == 0 { return ([], self) }
        try requireFinite("dsyevd")
        let a = AlignedDoubles(elements), w = AlignedDoubles(count: rows)
        var n = Int32(rows), info: Int32 = 0
        var job = CChar(UInt8(ascii: "V")), triangle = CChar(UInt8(ascii: "L"))
        var size: Int32 = -1, integerSize: Int32 = -1, wanted = [0.0], integerWanted: [Int32] = [0]
        dsyevd_(&job, &triangle, &n, a.pointer, &n, w.pointer, &wanted, &size, &integerWanted, &integerSize, &info)
        size = Int32(wanted[0])
        integerSize = integerWanted[0]
        let work = AlignedDoubles(count: Int(size))
        var integers = [Int32](repeating: 0, count: Int(integerSize))
        dsyevd_(&job, &triangle, &n, a.pointer, &n, w.pointer, work.pointer, &size, &integers, &integerSize, &info)
        if info != 0 {
            throw LinearAlgebraError(
                routine: "dsyevd", reason: "no convergence (info \(info)) for a matrix of order \(rows)")
        }
        return (w.numbers, Matrix(rows: rows, columns: columns, elements: a.numbers).transposed)
    }

    /// The lower triangular L with `A = L Lᵀ`.
    /// - Throws: `LinearAlgebraError` where the matrix is not positive definite.
    public func choleskyFactor() throws -> Matrix {
        precondition(rows == columns, "Cholesky factor of a \(rows) × \(columns) matrix")
        let a = AlignedDoubles(elements)
        var n = Int32(rows), info: Int32 = 0, triangle = CChar(UInt8(ascii: "U"))
        if rows > 0 { dpotrf_(&triangle, &n, a.pointer, &n, &info) }
        if info != 0 {
            throw LinearAlgebraError(
                routine: "dpotrf", reason: "not positive definite (leading minor \(info) of \(rows))")
        }
        var factor = Matrix(rows: rows, columns: columns, elements: a.numbers)
        for i in 0..<rows { for j in (i + 1)..<max(columns, i + 1) { factor[i, j] = 0 } }
        return factor
    }

    /// The X with `A X = B`, by LU factorisation with pivoting.
    /// - Throws: `LinearAlgebraError` where the matrix is singular.
    public func solve(_ right: Matrix) throws -> Matrix {
        precondition(
            rows == columns && right.rows == rows, "solving \(rows) × \(columns) for \(right.rows) × \(right.columns)")
        if right.elements.isEmpty { return right }
        let a = AlignedDoubles(transposed.elements), b = AlignedDoubles(right.transposed.elements)
        var n = Int32(rows), count = Int32(right.columns), info: Int32 = 0
        var pivots = [Int32](repeating: 0, count: rows)
        dgesv_(&n, &count, a.pointer, &n, &pivots, b.pointer, &n, &info)
        if info != 0 {
            throw LinearAlgebraError(routine: "dgesv", reason: "singular (pivot \(info) of \(rows) is zero)")
        }
        return Matrix(rows: right.columns, columns: rows, elements: b.numbers).transposed
    }

    /// A⁻¹. - Throws: `LinearAlgebraError` where the matrix is singular.
    public func inverse() throws -> Matrix { try solve(.identity(rows)) }

    /// A^½ of a symmetric positive definite matrix. - Throws: `LinearAlgebraError` where an eigenvalue is not positive.
    public func squareRoot() throws -> Matrix { try mapEigenvalues { $0.squareRoot() } }

    /// A^-½ of a symmetric positive definite matrix. - Throws: `LinearAlgebraError` where an eigenvalue is not positive.
    public func inverseSquareRoot() throws -> Matrix { try mapEigenvalues { 1 / $0.squareRoot() } }

    /// `Q diag(f(w)) Qᵀ` of a symmetric positive definite matrix.
    private func mapEigenvalues(_ function: (Double) -> Double) throws -> Matrix {
        let (values, vectors) = try symmetricEigenvalues()
        if let smallest = values.first, !(smallest > 0) {
            throw LinearAlgebraError(
                routine: "dsyevd", reason: "not positive definite (smallest eigenvalue \(smallest))")
        }
        return vectors * .diagonal(values.map(function)) * vectors.transposed
    }

    private func requireFinite(_ routine: String) throws {
        if !elements.allSatisfy(\.isFinite) {
            throw LinearAlgebraError(routine: routine, reason: "the matrix holds a NaN or an infinity")
        }
    }
}
