import CCoupletKernels
import CoupletFiles
import CoupletSchema
import CoupletStorage
import CoupletTensors

/// Jointly Gaussian pairs (u, v) of mean zero. For linear encoders of such pairs, the minimisers of contrastive losses
/// have a closed form (*A Mathematical Perspective On Contrastive Learning*, arXiv 2505.24134).
///
/// Sample n is `u = F w, v = H w`. Philox gives the standard normal numbers w for (seed, stream of the split, n). F and
/// H satisfy F Fᵀ = Cuu, F Hᵀ = Cuv, H Hᵀ = Cvv. The splits are endless.
public struct GaussianSource: PairSource {
    /// Dimensions of u and v.
    public let dimensions: PerModality<Int>
    public let gaussianCovariance: GaussianCovariance?
    /// F and H, dimension × normal numbers.
    private let firstFactor: RowwiseLinearMap, secondFactor: RowwiseLinearMap
    /// Number of normal numbers w in one sample.
    private let normalCount: Int
    private let seed: UInt64
    /// Whether the covariance comes from a file. A covariance made from correlations and seed is not part of the
    /// digest, because its last bits depend on the machine.
    private let isFromFile: Bool

    /// Number of samples generated at a time. Their normal numbers stay in the cache.
    private static let rowsPerBlock = 64
    /// The maps are dense matrices of Double, so larger dimensions would exhaust the memory.
    private static let largestDimension = 4096

    /// Makes pairs with given canonical correlations, transformed by random linear maps.
    ///
    /// The pairs are `u = A x, v = B y`. x and y are standard normal, with E[x_i y_i] = σ_i and E[x_i y_j] = 0 for
    /// i ≠ j. A and B are each `Q diag(s) Pᵀ`. Q and P are uniformly distributed orthogonal matrices, the polar factors
    /// of matrices of normal numbers; s = 2^t with t uniform on [-1, 1]. So Cuu = Q diag(s²) Qᵀ has a condition number
    /// of at most 16.
    /// - Parameters:
    ///   - dimensions: the dimensions of u and v, both from 1 to 4,096.
    ///   - correlations: σ, each |σ_i| < 1, at most min(dimensions) of them; missing ones are 0.
    ///   - seed: determines A, B and the samples.
    /// - Throws: `DataError` if the parameters are outside these ranges; `LinearAlgebraError` if a singular value
    ///   decomposition does not converge.
    public init(dimensions: PerModality<Int>, correlations: [Double], seed: UInt64) throws {
        let (du, dv) = (dimensions.first, dimensions.second), range = 1...Self.largestDimension
        guard range.contains(du), range.contains(dv) else {
            throw DataError(
                at: "data.dimensions",
                reason: "two numbers from 1 to \(Self.largestDimension) are needed, not [\(du), \(dv)]",
                remedy: "give the dimensions of both modalities, such as [8, 6]")
        }
        guard correlations.count <= min(du, dv) else {
            throw DataError(
                at: "data.correlations",
                reason: "\(correlations.count) correlations for dimensions [\(du), \(dv)], which allow at most "
                    + "\(min(du, dv))",
                remedy: "remove some or raise data.dimensions")
        }
        if let wrong = correlations.firstIndex(where: { !(abs($0) < 1) }) {
            throw DataError(
                at: "data.correlations", reason: "correlation \(wrong + 1) is \(correlations[wrong])",
                remedy: "a canonical correlation lies strictly between -1 and 1")
        }
        let first = try Self.randomMap(du, seed: seed, number: 0),
            second = try Self.randomMap(dv, seed: seed, number: 1)
        // w = (x, ε): y = σ x + √(1 - σ²) ε.
        var x = Matrix(rows: du, columns: du + dv), y = Matrix(rows: dv, columns: du + dv)
        for i in 0..<du { x[i, i] = 1 }
        for i in 0..<dv {
            let correlation = i < correlations.count ? correlations[i] : 0
            if i < du { y[i, i] = correlation }
            y[i, du + i] = ((1 - correlation) * (1 + correlation)).squareRoot()
        }
        let cross = first * Matrix.diagonal(correlations, rows: du, columns: dv) * second.transposed
        self.init(
            covariance: GaussianCovariance(
                uu: Self.symmetrized(first * first.transposed), uv: cross,
                vv: Self.symmetrized(second * second.transposed)),
            firstFactor: first * x, secondFactor: second * y, seed: seed, isFromFile: false)
    }

    /// - Parameters:
    ///   - firstFactor: F, dimension × normal numbers.
    ///   - secondFactor: H, dimension × normal numbers.
    private init(
        covariance: GaussianCovariance, firstFactor: Matrix, secondFactor: Matrix, seed: UInt64, isFromFile: Bool
    ) {
        self.isFromFile = isFromFile
        dimensions = PerModality(first: firstFactor.rows, second: secondFactor.rows)
        gaussianCovariance = covariance
        self.firstFactor = RowwiseLinearMap(firstFactor)
        self.secondFactor = RowwiseLinearMap(secondFactor)
        normalCount = firstFactor.columns
        self.seed = seed
    }

    public func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: [dimensions[modality]])
    }

    public func count(of split: Split) -> Int? { nil }
    public var hasValidation: Bool { true }

    /// Covers the bits of a covariance that comes from a file; nil if the config determines the covariance.
    public func dataDigest() throws -> String? {
        guard isFromFile, let covariance = gaussianCovariance else { return nil }
        var digest = Digest()
        digest.update([dimensions.first, dimensions.second])
        for block in [covariance.uu, covariance.uv, covariance.vv] { digest.update(block.elements) }
        return digest.hexadecimal
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let blocks = (normalCount + 3) / 4, stride = 4 * blocks, rows = min(Self.rowsPerBlock, numbers.count)
        let normals = Tensor([rows, stride])
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: rows * stride) { words in
            for start in Swift.stride(from: 0, to: numbers.count, by: Self.rowsPerBlock) {
                let present = min(rows, numbers.count - start)
                for row in 0..<present {
                    couplet_philox(
                        seed, split.stream.rawValue, numbers[start + row], 0, blocks, words.baseAddress! + row * stride)
                }
                couplet_normals(words.baseAddress, present * stride, normals.pointer)
                for (output, factor) in [(first, firstFactor), (second, secondFactor)] {
                    guard let output else { continue }
                    factor.apply(
                        rows: present, normals.pointer, stride: stride, to: output.pointer + start * factor.outputs)
                }
            }
        }
    }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        try rowsFromUser(raw, modality, of: "data.source gaussian")
    }

    /// Returns `Q diag(2^t) Pᵀ`, size × size, with Q and P uniform on the orthogonal matrices and t uniform on [-1, 1].
    /// - Parameter number: distinguishes the maps of one seed.
    private static func randomMap(_ size: Int, seed: UInt64, number: UInt64) throws -> Matrix {
        let philox = Philox(seed: seed)
        func orthogonal(_ factor: UInt64) throws -> Matrix {
            let normals = philox.normals(size * size, .source, number: 3 * number + factor)
            let (u, _, v) = try Matrix(rows: size, columns: size, elements: normals.map(Double.init))
                .singularValueDecomposition()
            return u * v.transposed
        }
        let scales = (0..<size).map { i in
            exp2(Double(philox.words(.source, number: 3 * number + 2, block: UInt32(i)).x) * 0x1p-31 - 1)
        }
        return try orthogonal(0) * .diagonal(scales) * orthogonal(1).transposed
    }

    private static func symmetrized(_ matrix: Matrix) -> Matrix { 0.5 * (matrix + matrix.transposed) }
}

// MARK: - Keys of a config

/// `data: {source: gaussian, …}`: a covariance from a file, or dimensions and correlations.
public struct GaussianSpecification: PairSourceKind {
    public static let name = "gaussian"
    public static let table = ConfigurationTable(
        GaussianSpecification(), help: "Jointly Gaussian pairs, for which the minimisers have a closed form.",
        [
            .key(
                "covariance", \.covariance, .optional(.path(example: "covariance.h5"), isOmitted: true),
                "HDF5 file with the covariances /uu, /uv and /vv."),
            .required(
                "dimensions", \.dimensions, .perModality, "Dimensions of the first and the second modality.",
                withoutCovariance),
            .required(
                "correlations", \.correlations,
                .list(.number(.belowOne, example: 0.9), example: "[0.9, 0.75, 0.6]"),
                "Canonical correlations, at most as many as the smaller dimension.", withoutCovariance),
        ],
        complete: { specification, block in
            let maximum = min(specification.dimensions.first, specification.dimensions.second)
            let count = specification.correlations.count
            if specification.covariance == nil, !(1...maximum).contains(count) {
                block.note(
                    "correlations",
                    "wanted 1 to \(maximum) numbers, at most as many as the smaller dimension; found \(count)")
            }
        })

    private static let withoutCovariance = ConfigurationKey<GaussianSpecification>.Condition.when(
        "covariance", { $0.covariance == nil }, otherwise: { _ in "the file of covariance determines it" })

    /// Path of an HDF5 file with the covariances; nil if `dimensions` and `correlations` determine them.
    public var covariance: String?
    /// Dimensions of u and v. They and `correlations` are not used if `covariance` is set.
    public var dimensions: PerModality<Int>
    public var correlations: [Double]

    public init(dimensions: PerModality<Int>, correlations: [Double]) {
        self.dimensions = dimensions
        self.correlations = correlations
    }

    /// - Parameter covariance: path of the HDF5 file.
    public init(covariance: String) {
        self.init()
        self.covariance = covariance
    }

    /// The values before a config is read.
    init() { self.init(dimensions: PerModality(first: 1, second: 1), correlations: []) }

    public func makeSource(seed: UInt64) throws -> any PairSource {
        guard let covariance else {
            return try GaussianSource(dimensions: dimensions, correlations: correlations, seed: seed)
        }
        return try GaussianSource(covarianceFile: covariance, seed: seed)
    }
}

extension ConfigurationType<PerModality<Int>> {
    /// A list of two dimensions, for the first and the second modality.
    fileprivate static var perModality: Self {
        let example = "[8, 6]"
        return ConfigurationType(
            "list of two whole numbers from 1", example: example,
            read: { key, node, block in
                let numbers = block.list(key, node, example: example) {
                    block.integer(key, $0, in: 1...ConfigurationLimits.extent, example: 8)
                }
                guard let numbers else { return nil }
                guard numbers.count == 2 else {
                    block.note(
                        key,
                        "wanted two whole numbers, for the first and the second modality, such as \(example); found "
                            + "\(numbers.count)")
                    return nil
                }
                return PerModality(first: numbers[0], second: numbers[1])
            }, write: { .integers([$0.first, $0.second]) })
    }
}

// MARK: - Covariances from a file

extension GaussianSource {
    /// Makes pairs with a given covariance, from the datasets /uu (d × d), /uv (d × e) and /vv (e × e) of an HDF5 file.
    /// In an exported file the datasets are /covariance/uu, /covariance/uv and /covariance/vv.
    ///
    /// The joint covariance may be singular. The samples are `(u, v) = D R^½ w`, where D is the diagonal matrix of the
    /// standard deviations and R is the correlation matrix. Negative eigenvalues of R count as zero if they are at
    /// least -10⁻⁶ times the largest, the accuracy of a matrix stored as Float32. The symmetric root is unique, so the
    /// samples of two machines differ by rounding only.
    /// - Parameter seed: determines the samples.
    /// - Throws: `FileError` if the file cannot be read; `DataError` if the shapes do not fit, a number is not finite,
    ///   a block is not symmetric or the joint matrix is not positive semidefinite; `LinearAlgebraError` if the
    ///   eigenvalues of R do not converge.
    public init(covarianceFile path: String, seed: UInt64) throws {
        let file = try HDF5File(reading: path)
        let isExport = try file.dataset("/uu") == nil && file.dataset("/covariance/uu") != nil
        func block(_ name: String) throws -> (Matrix, location: String) {
            let dataset = (isExport ? "/covariance/" : "/") + name
            let matrix = try file.readMatrix(dataset), location = "\(path):\(dataset)"
            if let wrong = matrix.elements.firstIndex(where: { !$0.isFinite }) {
                let (row, column) = wrong.quotientAndRemainder(dividingBy: matrix.columns)
                throw DataError(
                    at: location, reason: "row \(row), column \(column) holds \(matrix.elements[wrong])")
            }
            return (matrix, location)
        }
        func covarianceBlock(_ name: String) throws -> Matrix {
            let (matrix, location) = try block(name)
            try Self.requireCovariance(matrix, at: location)
            guard matrix.diagonal.contains(where: { $0 > 0 }) else {
                throw DataError(
                    at: location, reason: "all variances are 0: every sample is the same",
                    remedy: "write the covariance into the file; a dataset that was created and not filled is zeros")
            }
            return Self.symmetrized(matrix)
        }
        let uu = try covarianceBlock("uu"), vv = try covarianceBlock("vv"), (uv, location) = try block("uv")
        guard uv.rows == uu.rows, uv.columns == vv.rows else {
            throw DataError(
                at: location,
                reason:
                    "is \(uv.rows) × \(uv.columns), where uu is \(uu.rows) × \(uu.rows) and vv \(vv.rows) × \(vv.rows)",
                remedy: "uv is E[u vᵀ], \(uu.rows) × \(vv.rows)")
        }
        let covariance = GaussianCovariance(uu: uu, uv: uv, vv: vv)
        let (first, second) = try Self.factors(of: covariance, path)
        self.init(covariance: covariance, firstFactor: first, secondFactor: second, seed: seed, isFromFile: true)
    }

    /// Largest accepted asymmetry of a block, relative to √(C_ii C_jj), and largest accepted negative eigenvalue of R,
    /// relative to the largest eigenvalue.
    private static var tolerance: Double { 1e-6 }

    /// - Throws: `DataError` if the matrix is not square, has too many rows or a negative variance, or is not
    ///   symmetric.
    private static func requireCovariance(_ matrix: Matrix, at location: String) throws {
        guard matrix.rows == matrix.columns, (1...largestDimension).contains(matrix.rows) else {
            throw DataError(
                at: location, reason: "is \(matrix.rows) × \(matrix.columns)",
                remedy: "a covariance is square, with 1 to \(largestDimension) rows")
        }
        if let wrong = matrix.diagonal.firstIndex(where: { $0 < 0 }) {
            throw DataError(
                at: location, reason: "the variance in row \(wrong) is \(matrix[wrong, wrong])",
                remedy: "a variance is not negative")
        }
        for i in 0..<matrix.rows {
            for j in 0..<i {
                let allowed = tolerance * (matrix[i, i] * matrix[j, j]).squareRoot()
                guard abs(matrix[i, j] - matrix[j, i]) <= allowed else {
                    throw DataError(
                        at: location,
                        reason: "is not symmetric: \(matrix[i, j]) in row \(i), column \(j), "
                            + "but \(matrix[j, i]) in row \(j), column \(i)",
                        remedy: "check how the file was written")
                }
            }
        }
    }

    /// Returns F and H with F Fᵀ = Cuu, F Hᵀ = Cuv, H Hᵀ = Cvv.
    private static func factors(
        of covariance: GaussianCovariance, _ path: String
    ) throws -> (first: Matrix, second: Matrix) {
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
                // A component of variance zero must have covariances of zero. Its entries are not scaled, so that a
                // nonzero covariance gives a negative eigenvalue.
                let scale = (deviations[i] > 0 ? deviations[i] : 1) * (deviations[j] > 0 ? deviations[j] : 1)
                correlation[i, j] = entry / scale
            }
        }
        let (values, vectors) = try correlation.symmetricEigenvalues()
        guard values[0] >= -tolerance * max(values[count - 1], 0) else {
            throw DataError(
                at: path,
                reason: "the joint covariance of u and v is not positive semidefinite: its correlations have the "
                    + "eigenvalue \(values[0])",
                remedy: "uu, uv and vv must be blocks of one covariance; check their order and that uv is E[u vᵀ]")
        }
        let root = vectors * .diagonal(values.map { max($0, 0).squareRoot() }) * vectors.transposed
        let factor = Matrix.diagonal(deviations) * root
        let first = factor.rows(first: uu.rows)
        let second = Matrix(rows: vv.rows, columns: count, elements: Array(factor.elements[(uu.rows * count)...]))
        return (first, second)
    }
}
