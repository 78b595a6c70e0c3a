import CoupletStorage
import CoupletTensors

extension GaussianSource {
    /// Pairs of a given covariance, from the datasets /uu (d × d), /uv (d × e) and /vv (e × e) of an HDF5 file; in the file of an
    /// export, /covariance/uu and so on.
    ///
    /// The joint matrix may be singular: `(u, v) = D R^½ w`, where D holds the standard deviations and R is the matrix of
    /// correlations, whose eigenvalues below zero, down to -10⁻⁶ of the largest (a matrix kept in Float32 is no better), count as
    /// zero. The symmetric root is unique, so another machine's samples differ by rounding alone.
    /// - Throws: `FileError` where the file cannot be read, `DataError` where the shapes do not fit, a block is not symmetric
    ///   or the joint matrix not positive semidefinite.
    public init(covarianceFile path: String, seed: UInt64) throws {
        let file = try HDF5File(reading: path)
        let exported = try file.dataset("/uu") == nil && file.dataset("/covariance/uu") != nil
        func block(_ name: String) throws -> (Matrix, place: String) {
            let dataset = (exported ? "/covariance/" : "/") + name
            let matrix = try file.readMatrix(dataset), place = "\(path):\(dataset)"
            if let wrong = matrix.elements.firstIndex(where: { !$0.isFinite }) {
                let (row, column) = wrong.quotientAndRemainder(dividingBy: matrix.columns)
                throw DataError(place: place, reason: "row \(row), column \(column) holds \(matrix.elements[wrong])")
            }
            return (matrix, place)
        }
        func square(_ name: String) throws -> Matrix {
            let (matrix, place) = try block(name)
            guard matrix.rows == matrix.columns, (1...Self.largestDimension).contains(matrix.rows) else {
                throw DataError(
                    place: place, reason: "is \(matrix.rows) × \(matrix.columns)",
                    remedy: "a covariance is square, with 1 to \(Self.largestDimension) rows")
            }
            if let wrong = matrix.diagonal.firstIndex(where: { $0 < 0 }) {
                throw DataError(
                    place: place, reason: "the variance in row \(wrong) is \(matrix[wrong, wrong])",
                    remedy: "no variance is negative")
            }
            for i in 0..<matrix.rows {
                for j in 0..<i {
                    let allowed = Self.tolerance * (matrix[i, i] * matrix[j, j]).squareRoot()
                    guard abs(matrix[i, j] - matrix[j, i]) <= allowed else {
                        throw DataError(
                            place: place,
                            reason:
                                "is not symmetric: \(matrix[i, j]) in row \(i), column \(j), but \(matrix[j, i]) in row \(j), column \(i)",
                            remedy: "check how the file was written")
                    }
                }
            }
            return Self.symmetric(matrix)
        }
        let uu = try square("uu"), vv = try square("vv"), (uv, place) = try block("uv")
        guard uv.rows == uu.rows, uv.columns == vv.rows else {
            throw DataError(
                place: place,
                reason:
                    "is \(uv.rows) × \(uv.columns), where uu is \(uu.rows) × \(uu.rows) and vv \(vv.rows) × \(vv.rows)",
                remedy: "uv is E[u vᵀ], \(uu.rows) × \(vv.rows)")
        }
        let covariance = GaussianCovariance(uu: uu, uv: uv, vv: vv)
        let (first, second) = try Self.factors(of: covariance, path)
        self.init(covariance: covariance, firstFactor: first, secondFactor: second, seed: seed, isFromFile: true)
    }

    /// How far a block may be from symmetric and the joint matrix from positive semidefinite, in the scale of correlations.
    private static var tolerance: Double { 1e-6 }

    /// F and H with F Fᵀ = Cuu, F Hᵀ = Cuv, H Hᵀ = Cvv.
    private static func factors(of covariance: GaussianCovariance, _ path: String) throws -> (
        first: Matrix, second: Matrix
    ) {
        let (uu, uv, vv) = (covariance.uu, covariance.uv, covariance.vv)
        let count = uu.rows + vv.rows, deviations = (uu.diagonal + vv.diagonal).map { $0.squareRoot() }
        var correlation = Matrix(rows: count, columns: count)
        for i in 0..<count {
            for j in 0..<count {
                let entry: Double =
                    switch (i < uu.rows, j < uu.rows) {
                    case (true, true): uu[i, j]
                    case (true, false): uv[i, j - uu.rows]
                    case (false, true): uv[j, i - uu.rows]
                    case (false, false): vv[i - uu.rows, j - uu.rows]
                    }
                // Where a component never varies, its covariances must be zero, and are kept as they are to be found out.
                let scale = (deviations[i] > 0 ? deviations[i] : 1) * (deviations[j] > 0 ? deviations[j] : 1)
                correlation[i, j] = entry / scale
            }
        }
        let (values, vectors) = try correlation.symmetricEigenvalues()
        guard values[0] >= -tolerance * max(values[count - 1], 0) else {
            throw DataError(
                place: path,
                reason:
                    "the joint covariance of u and v is not positive semidefinite: its correlations have the eigenvalue \(values[0])",
                remedy: "uu, uv and vv must be blocks of one covariance; check their order and that uv is E[u vᵀ]")
        }
        let root = vectors * .diagonal(values.map { max($0, 0).squareRoot() }) * vectors.transposed
        let factor = Matrix.diagonal(deviations) * root
        let first = factor.rows(first: uu.rows)
        return (first, Matrix(rows: vv.rows, columns: count, elements: Array(factor.elements[(uu.rows * count)...])))
    }
}
