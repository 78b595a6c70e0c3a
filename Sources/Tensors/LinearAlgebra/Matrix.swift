import COpenBLAS

/// A dense row-major matrix of Double with value semantics, for closed forms and evaluation.
///
/// Training uses `Tensor`. Products and factorisations are computed by BLAS and LAPACK on one thread.
public struct Matrix: Equatable, Sendable {
    public let rows: Int
    public let columns: Int
    /// The entries, row-major.
    public var elements: [Double]

    /// A matrix of zeros.
    public init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, elements: [Double](repeating: 0, count: rows * columns))
    }

    public init(rows: Int, columns: Int, elements: [Double]) {
        precondition(elements.count == rows * columns, "\(elements.count) entries for \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// Converts a tensor, read as the matrix `rows × columns`, to Double.
    public init(_ tensor: Tensor) {
        self.init(rows: tensor.rows, columns: tensor.columns, elements: tensor.values.map(Double.init))
    }

    public static func identity(_ size: Int) -> Matrix { diagonal([Double](repeating: 1, count: size)) }

    /// The matrix with these entries on its diagonal and zeros elsewhere; square unless other extents are given.
    public static func diagonal(_ entries: [Double], rows: Int? = nil, columns: Int? = nil) -> Matrix {
        var result = Matrix(rows: rows ?? entries.count, columns: columns ?? entries.count)
        for (i, entry) in entries.enumerated() { result[i, i] = entry }
        return result
    }

    public subscript(_ row: Int, _ column: Int) -> Double {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    public var transposed: Matrix {
        var result = Matrix(rows: columns, columns: rows)
        for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
        return result
    }

    public var diagonal: [Double] { (0..<min(rows, columns)).map { self[$0, $0] } }

    /// √Σ a².
    public var frobeniusNorm: Double { elements.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// The first `count` columns.
    public func columns(first count: Int) -> Matrix {
        var result = Matrix(rows: rows, columns: count)
        for i in 0..<rows { for j in 0..<count { result[i, j] = self[i, j] } }
        return result
    }

    /// The first `count` rows.
    public func rows(first count: Int) -> Matrix {
        Matrix(rows: count, columns: columns, elements: Array(elements[..<(count * columns)]))
    }

    public static func + (a: Matrix, b: Matrix) -> Matrix { combine(a, b, +) }
    public static func - (a: Matrix, b: Matrix) -> Matrix { combine(a, b, -) }
    public static func * (factor: Double, a: Matrix) -> Matrix {
        Matrix(rows: a.rows, columns: a.columns, elements: a.elements.map { factor * $0 })
    }

    private static func combine(_ a: Matrix, _ b: Matrix, _ operation: (Double, Double) -> Double) -> Matrix {
        precondition(
            a.rows == b.rows && a.columns == b.columns, "\(a.rows) × \(a.columns) with \(b.rows) × \(b.columns)")
        return Matrix(rows: a.rows, columns: a.columns, elements: zip(a.elements, b.elements).map(operation))
    }
}

// MARK: - Products

extension Matrix {
    /// The matrix product, computed by BLAS in Double.
    public static func * (a: Matrix, b: Matrix) -> Matrix {
        precondition(a.columns == b.rows, "product of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns)")
        var result = Matrix(rows: a.rows, columns: b.columns)
        if result.elements.isEmpty || a.columns == 0 { return result }
        result.setProduct(a, b)
        return result
    }

    /// `self = op(a) op(b)`, or `self += op(a) op(b)` if `adding`; op is the identity or the transpose. Computed by
    /// BLAS in Double.
    package mutating func setProduct(
        _ a: Matrix, _ b: Matrix, firstTransposed: Bool = false, secondTransposed: Bool = false, adding: Bool = false
    ) {
        let (inner, resultRows) = firstTransposed ? (a.rows, a.columns) : (a.columns, a.rows)
        let (secondInner, resultColumns) = secondTransposed ? (b.columns, b.rows) : (b.rows, b.columns)
        precondition(
            inner == secondInner && resultRows == rows && resultColumns == columns,
            "a product of \(resultRows) × \(inner) and \(secondInner) × \(resultColumns) into \(rows) × \(columns)")
        if elements.isEmpty { return }
        guard inner > 0 else {
            if !adding { for i in elements.indices { elements[i] = 0 } }
            return
        }
        OpenBLAS.useOneThread
        let left = AlignedDoubles(a.elements), right = AlignedDoubles(b.elements)
        let result = adding ? AlignedDoubles(elements) : AlignedDoubles(count: elements.count)
        cblas_dgemm(
            CblasRowMajor, firstTransposed ? CblasTrans : CblasNoTrans, secondTransposed ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns), blasint(inner), 1, left.pointer, blasint(a.columns), right.pointer,
            blasint(b.columns), adding ? 1 : 0, result.pointer, blasint(columns))
        result.copy(to: &elements)
    }
}

// MARK: - Factorisations

extension Matrix {
    /// `A = U diag(s) Vᵀ`: U is rows × r, V is columns × r, r = min(rows, columns); s is descending.
    /// - Throws: `LinearAlgebraError` if the iteration does not converge or the matrix contains a NaN or an infinity.
    public func singularValueDecomposition() throws -> (u: Matrix, singularValues: [Double], v: Matrix) {
        let rank = min(rows, columns)
        if rank == 0 { return (Matrix(rows: rows, columns: 0), [], Matrix(rows: columns, columns: 0)) }
        try requireFinite("dgesdd")
        // LAPACK is column-major: it reads Aᵀ, so its left singular vectors are the right ones of A.
        let a = AlignedDoubles(elements), s = AlignedDoubles(count: rank)
        let left = AlignedDoubles(count: columns * rank), right = AlignedDoubles(count: rank * rows)
        var m = Int32(columns), n = Int32(rows), r = Int32(rank), info: Int32 = 0
        var job = CChar(UInt8(ascii: "S")), integers = [Int32](repeating: 0, count: 8 * rank)
        var size: Int32 = -1, optimal = [0.0]
        dgesdd_(
            &job, &m, &n, a.pointer, &m, s.pointer, left.pointer, &m, right.pointer, &r, &optimal, &size, &integers,
            &info)
        size = Int32(optimal[0])
        let workspace = AlignedDoubles(count: Int(size))
        dgesdd_(
            &job, &m, &n, a.pointer, &m, s.pointer, left.pointer, &m, right.pointer, &r, workspace.pointer, &size,
            &integers, &info)
        if info != 0 {
            throw LinearAlgebraError(
                routine: "dgesdd", reason: "no convergence (info \(info)) for a \(rows) × \(columns) matrix")
        }
        // Read as row-major matrices, `left` is Vᵀ and `right` is U.
        return (
            Matrix(rows: rows, columns: rank, elements: right.numbers), s.numbers,
            Matrix(rows: rank, columns: columns, elements: left.numbers).transposed
        )
    }

    /// `A = Q diag(w) Qᵀ` of a symmetric matrix: w is ascending, the columns of Q are the eigenvectors.
    /// - Throws: `LinearAlgebraError` if the iteration does not converge or the matrix contains a NaN or an infinity.
    public func symmetricEigenvalues() throws -> (values: [Double], vectors: Matrix) {
        precondition(rows == columns, "eigenvalues of a \(rows) × \(columns) matrix")
        if rows == 0 { return ([], self) }
        try requireFinite("dsyevd")
        let a = AlignedDoubles(elements), w = AlignedDoubles(count: rows)
        var n = Int32(rows), info: Int32 = 0
        var job = CChar(UInt8(ascii: "V")), triangle = CChar(UInt8(ascii: "L"))
        var size: Int32 = -1, integerSize: Int32 = -1, optimal = [0.0], optimalIntegers: [Int32] = [0]
        dsyevd_(&job, &triangle, &n, a.pointer, &n, w.pointer, &optimal, &size, &optimalIntegers, &integerSize, &info)
        size = Int32(optimal[0])
        integerSize = optimalIntegers[0]
        let workspace = AlignedDoubles(count: Int(size))
        var integers = [Int32](repeating: 0, count: Int(integerSize))
        dsyevd_(&job, &triangle, &n, a.pointer, &n, w.pointer, workspace.pointer, &size, &integers, &integerSize, &info)
        if info != 0 {
            throw LinearAlgebraError(
                routine: "dsyevd", reason: "no convergence (info \(info)) for a matrix of order \(rows)")
        }
        return (w.numbers, Matrix(rows: rows, columns: columns, elements: a.numbers).transposed)
    }

    /// The lower triangular L with `A = L Lᵀ`.
    /// - Throws: `LinearAlgebraError` if the matrix is not positive definite. A NaN may pass unnoticed.
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

    /// Solves `A X = B` by LU factorisation with pivoting.
    /// - Parameter right: B, rows × any number of columns.
    /// - Throws: `LinearAlgebraError` if the matrix is singular. A NaN may pass unnoticed.
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
                routine: "dsyevd", reason: "not positive definite (smallest eigenvalue \(smallest))")
        }
        return vectors * .diagonal(values.map(function)) * vectors.transposed
    }

    private func requireFinite(_ routine: String) throws {
        if !elements.allSatisfy(\.isFinite) {
            throw LinearAlgebraError(routine: routine, reason: "the matrix contains a NaN or an infinity")
        }
    }
}
