import CCoupletKernels

extension Matrix {
    /// `A = U diag(s) Vᵀ`: U is rows × r, V is columns × r, r = min(rows, columns); s is descending. Of each column of
    /// U the entry of the largest magnitude (the first of equals) is positive.
    /// - Throws: `LinearAlgebraError` if the iteration does not converge or the matrix contains a NaN or an infinity.
    public func singularValueDecomposition() throws -> (u: Matrix, singularValues: [Double], v: Matrix) {
        let name = "singular value decomposition"
        try requireFinite(name)
        if elements.isEmpty { return (Matrix(rows: rows, columns: 0), [], Matrix(rows: columns, columns: 0)) }
        if rows < columns {
            let (v, values, u) = try transposed.singularValueDecomposition()
            let signed = Self.arranged(u.transposed.elements, v.transposed.elements, by: Array(values.indices))
            return (signed.0, values, signed.1)
        }
        if rows >= 2 * columns {
            // The iterations then work on short columns.
            let (q, r) = try qrDecomposition(), (u, values, v) = try r.singularValueDecomposition()
            let signed = Self.arranged(
                (q * u).transposed.elements, v.transposed.elements, by: Array(values.indices))
            return (signed.0, values, signed.1)
        }
        let (left, values, right) = try unsignedSingularValues(name)
        let (u, v) = Self.arranged(left, right, by: Self.descending(values))
        return (u, values.sorted(by: >), v)
    }

    /// `A = Q R` for rows ≥ columns: the columns of Q, rows × columns, are orthonormal; R is upper triangular, and its
    /// diagonal is not negative.
    /// - Throws: `LinearAlgebraError` if the matrix contains a NaN or an infinity.
    public func qrDecomposition() throws -> (q: Matrix, r: Matrix) {
        precondition(rows >= columns, "QR decomposition of a \(rows) × \(columns) matrix")
        try requireFinite("QR decomposition")
        var reduced = elements
        var q = Matrix(rows: columns, columns: rows)
        Workspace.with((columns + 1) * rows + columns) { couplet_qr(rows, columns, &reduced, &q.elements, $0) }
        return (
            q.transposed, Matrix(rows: columns, columns: columns, elements: Array(reduced[..<(columns * columns)]))
        )
    }

    /// `A = Q diag(w) Qᵀ` of a symmetric matrix: w is ascending, the columns of Q are the eigenvectors. Of each column
    /// the entry of the largest magnitude (the first of equals) is positive. Only the lower triangle is read.
    /// - Throws: `LinearAlgebraError` if the iteration does not converge or the matrix contains a NaN or an infinity.
    public func symmetricEigenvalues() throws -> (values: [Double], vectors: Matrix) {
        precondition(rows == columns, "eigenvalues of a \(rows) × \(columns) matrix")
        let name = "eigenvalue decomposition"
        try requireFinite(name)
        var vectors = elements, values = [Double](repeating: 0, count: rows)
        let failed = Workspace.with((rows + 5) * rows) { work in
            vectors.withUnsafeMutableBufferPointer { a in
                for i in 0..<rows { for j in 0..<i { a[j * rows + i] = a[i * rows + j] } }
                return couplet_symmetric_eigenvalues(rows, a.baseAddress, &values, work)
            }
        }
        if failed != 0 { throw LinearAlgebraError(routine: name, reason: noConvergence) }
        let order = values.indices.sorted { values[$0] < values[$1] || (values[$0] == values[$1] && $0 < $1) }
        var result = Matrix(rows: rows, columns: rows)
        couplet_arrange_vectors(rows, rows, order, vectors, &result.elements, 0, nil, nil)
        return (order.map { values[$0] }, result)
    }

    /// The lower triangular L with `A = L Lᵀ`. Only the lower triangle of A is read.
    /// - Throws: `LinearAlgebraError` if the matrix is not positive definite or contains a NaN or an infinity.
    public func choleskyFactor() throws -> Matrix {
        precondition(rows == columns, "Cholesky factor of a \(rows) × \(columns) matrix")
        let name = "Cholesky factorisation"
        try requireFinite(name)
        var factor = self
        let failed = couplet_cholesky(rows, &factor.elements)
        if failed != 0 {
            throw LinearAlgebraError(
                routine: name, reason: "not positive definite (leading minor \(failed) of \(rows))")
        }
        return factor
    }

    /// Solves `A X = B` by LU factorisation with pivoting.
    /// - Parameter right: B, rows × any number of columns.
    /// - Throws: `LinearAlgebraError` if the matrix is singular or contains a NaN or an infinity.
    public func solve(_ right: Matrix) throws -> Matrix {
        precondition(
            rows == columns && right.rows == rows, "solving \(rows) × \(columns) for \(right.rows) × \(right.columns)")
        let name = "LU factorisation"
        try requireFinite(name)
        var factors = elements, pivots = [Int](repeating: 0, count: rows), solution = right
        let failed = couplet_lu(rows, &factors, &pivots)
        if failed != 0 {
            throw LinearAlgebraError(routine: name, reason: "singular (pivot \(failed) of \(rows) is zero)")
        }
        couplet_lu_solve(rows, factors, pivots, right.columns, &solution.elements)
        return solution
    }

    /// A⁻¹.
    /// - Throws: `LinearAlgebraError` if the matrix is singular.
    public func inverse() throws -> Matrix { try solve(.identity(rows)) }

    /// A^½ of a symmetric positive definite matrix.
    /// - Throws: `LinearAlgebraError` if an eigenvalue is not positive.
    public func squareRoot() throws -> Matrix { try mapEigenvalues { $0.squareRoot() } }

    /// A^-½ of a symmetric positive definite matrix.
    /// - Throws: `LinearAlgebraError` if an eigenvalue is not positive.
    public func inverseSquareRoot() throws -> Matrix { try mapEigenvalues { 1 / $0.squareRoot() } }

    /// `Q diag(f(w)) Qᵀ` of a symmetric positive definite matrix.
    private func mapEigenvalues(_ function: (Double) -> Double) throws -> Matrix {
        let (values, vectors) = try symmetricEigenvalues()
        if let smallest = values.first, !(smallest > 0) {
            throw LinearAlgebraError(
                routine: "matrix square root", reason: "not positive definite (smallest eigenvalue \(smallest))")
        }
        return vectors * .diagonal(values.map(function)) * vectors.transposed
    }

    // MARK: - Parts

    /// The singular value decomposition for rows ≥ columns, with the vectors in rows, of any sign and order.
    private func unsignedSingularValues(_ name: String) throws -> (left: [Double], values: [Double], right: [Double]) {
        var a = elements, left = [Double](repeating: 0, count: rows * columns)
        var values = [Double](repeating: 0, count: columns), right = [Double](repeating: 0, count: columns * columns)
        let failed = Workspace.with(columns * (rows + columns + 8) + rows) {
            couplet_singular_values(rows, columns, &a, &left, &values, &right, $0)
        }
        if failed != 0 { throw LinearAlgebraError(routine: name, reason: noConvergence) }
        return (left, values, right)
    }

    /// The numbers of the values in descending order; equal values keep their order.
    private static func descending(_ values: [Double]) -> [Int] {
        values.indices.sorted { values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1) }
    }

    /// The matrices whose columns are the given rows, in the given order. The signs are those of the first matrix.
    private static func arranged(_ first: [Double], _ second: [Double], by order: [Int]) -> (Matrix, Matrix) {
        let count = order.count
        var u = Matrix(rows: first.count / count, columns: count)
        var v = Matrix(rows: second.count / count, columns: count)
        couplet_arrange_vectors(u.rows, count, order, first, &u.elements, v.rows, second, &v.elements)
        return (u, v)
    }

    private var noConvergence: String { "no convergence for a \(rows) × \(columns) matrix" }

    private func requireFinite(_ name: String) throws {
        if !elements.allSatisfy(\.isFinite) {
            throw LinearAlgebraError(routine: name, reason: "the matrix contains a NaN or an infinity")
        }
    }
}
