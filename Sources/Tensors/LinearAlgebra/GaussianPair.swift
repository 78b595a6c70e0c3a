/// The covariance of a Gaussian pair (u, v) of mean zero, in blocks.
public struct GaussianCovariance: Equatable, Sendable {
    /// E[u uᵀ], E[u vᵀ], E[v vᵀ].
    public let uu: Matrix, uv: Matrix, vv: Matrix

    public init(uu: Matrix, uv: Matrix, vv: Matrix) {
        self.uu = uu
        self.uv = uv
        self.vv = vv
    }
}

/// A block that cannot belong to a covariance.
public struct GaussianCovarianceError: Error, CustomStringConvertible, Equatable, Sendable {
    /// The block, named as in a file: "uu", "uv", "vv"; "uu, uv, vv" for the whole covariance.
    public let block: String
    public let reason: String

    public var description: String { "covariance \(block): \(reason)" }
}

/// A Gaussian pair (u, v) of mean zero in canonical coordinates (Hotelling, *Relations Between Two Sets of Variates*,
/// Biometrika 1936).
///
/// `R = Cuu^-½ Cuv Cvv^-½ = Σ_k σ_k a_k b_kᵀ` has the canonical correlations σ_k and the canonical directions a_k (of
/// whitened u) and b_k (of whitened v). Along each pair of directions u and v are two standard normal numbers with
/// correlation σ_k, independent of the other pairs.
public struct GaussianPair: Sendable {
    public let covariance: GaussianCovariance
    /// Cuu^½ and Cvv^½, with their (pseudo-)inverses.
    public let first: Whitening, second: Whitening
    /// R, n_u × n_v.
    public let whitenedCrossCovariance: Matrix
    /// σ_1 ≥ σ_2 ≥ …, min(n_u, n_v) numbers in [0, 1].
    public let correlations: [Double]
    /// a_k and b_k in the columns of matrices n_u × min(n_u, n_v) and n_v × min(n_u, n_v), in whitened coordinates.
    public let firstDirections: Matrix, secondDirections: Matrix

    /// - Parameter tolerance: eigenvalues of Cuu and Cvv of at most this fraction of the largest count as zero
    ///   (`Whitening`). Directions are then taken in the subspace in which the pair varies.
    /// - Throws: `GaussianCovarianceError` if shapes do not match or the blocks are not a covariance;
    ///   `LinearAlgebraError` if an iteration does not converge.
    public init(_ covariance: GaussianCovariance, tolerance: Double = 1e-10) throws {
        let (uu, uv, vv) = (covariance.uu, covariance.uv, covariance.vv)
        self.covariance = covariance
        first = try Whitening(uu, block: "uu", tolerance: tolerance)
        second = try Whitening(vv, block: "vv", tolerance: tolerance)
        guard uv.rows == uu.rows, uv.columns == vv.rows else {
            throw GaussianCovarianceError(
                block: "uv",
                reason:
                    "\(uv.rows) × \(uv.columns), but uu has \(uu.rows) rows and vv has \(vv.rows)"
            )
        }
        guard uv.elements.allSatisfy(\.isFinite) else {
            throw GaussianCovarianceError(block: "uv", reason: "contains a NaN or an infinity")
        }
        whitenedCrossCovariance = first.inverseRoot * uv * second.inverseRoot
        let remainder = (first.root * whitenedCrossCovariance * second.root - uv).frobeniusNorm
        guard remainder <= 1e-5 * (uu.frobeniusNorm * vv.frobeniusNorm).squareRoot() else {
            throw GaussianCovarianceError(
                block: "uv", reason: "correlates directions in which uu or vv has no variance")
        }
        let (a, singularValues, b) = try whitenedCrossCovariance.singularValueDecomposition()
        // Rounding of the input may raise a correlation of 1 slightly above 1, but not by more than this.
        guard singularValues[0] <= 1 + 1e-6 else {
            throw GaussianCovarianceError(
                block: "uu, uv, vv",
                reason: "not positive semidefinite: the largest canonical correlation is \(singularValues[0])")
        }
        correlations = singularValues.map { min($0, 1) }
        firstDirections = a
        secondDirections = b
    }

    /// I(u; v) = -½ Σ log(1 - σ_k²), in nats; infinite if a correlation is 1.
    public var mutualInformation: Double { -0.5 * correlations.reduce(0) { $0 + log1p(-$1 * $1) } }

    /// The exact distribution of u given v: N(Cuv Cvv⁻¹ v, Cuu - Cuv Cvv⁻¹ Cvu), with the pseudo-inverse if Cvv is
    /// singular.
    public var firstGivenSecond: GaussianConditional {
        Self.conditional(covariance.uu, crossCovariance: covariance.uv, given: second)
    }

    /// The exact distribution of v given u: N(Cvu Cuu⁻¹ u, Cvv - Cvu Cuu⁻¹ Cuv), with the pseudo-inverse if Cuu is
    /// singular.
    public var secondGivenFirst: GaussianConditional {
        Self.conditional(covariance.vv, crossCovariance: covariance.uv.transposed, given: first)
    }

    /// The distribution of x given y, from C_xx, C_xy and the roots of C_yy.
    private static func conditional(
        _ covariance: Matrix, crossCovariance: Matrix, given whitening: Whitening
    ) -> GaussianConditional {
        // With K = C_xy C_yy^-½ the covariance is C_xx - K Kᵀ, symmetric as computed.
        let gain = crossCovariance * whitening.inverseRoot
        return GaussianConditional(
            meanMap: gain * whitening.inverseRoot, offset: [Double](repeating: 0, count: covariance.rows),
            covariance: covariance - gain * gain.transposed)
    }
}

/// A conditional Gaussian distribution whose mean is affine: x given y ~ N(meanMap y + offset, covariance).
public struct GaussianConditional: Equatable, Sendable {
    /// n_x × n_y.
    public let meanMap: Matrix
    /// n_x numbers.
    public let offset: [Double]
    /// n_x × n_x.
    public let covariance: Matrix

    public init(meanMap: Matrix, offset: [Double], covariance: Matrix) {
        self.meanMap = meanMap
        self.offset = offset
        self.covariance = covariance
    }

    /// E[x | y].
    public func mean(given y: [Double]) -> [Double] {
        let product = meanMap * Matrix(rows: y.count, columns: 1, elements: y)
        return zip(product.elements, offset).map(+)
    }
}

/// The square root of a covariance C and its pseudo-inverse: `root · root = C`, and `inverseRoot` turns x ~ N(0, C)
/// into white noise.
///
/// Eigenvalues of at most tolerance · (the largest) count as zero: x does not vary along their eigenvectors, so both
/// roots are zero there (Moore–Penrose inverse).
public struct Whitening: Equatable, Sendable {
    /// C^½, n × n, symmetric.
    public let root: Matrix
    /// C^-½, n × n, symmetric.
    public let inverseRoot: Matrix
    /// The dimension of the subspace in which x varies.
    public let rank: Int

    /// - Parameter block: the name of C in errors.
    /// - Throws: `GaussianCovarianceError` if C is not square, finite, symmetric and positive semidefinite up to the
    ///   tolerance.
    init(_ covariance: Matrix, block: String = "uu", tolerance: Double = 1e-10) throws {
        guard covariance.rows == covariance.columns, covariance.rows > 0 else {
            throw GaussianCovarianceError(
                block: block, reason: "\(covariance.rows) × \(covariance.columns), not square")
        }
        guard covariance.elements.allSatisfy(\.isFinite) else {
            throw GaussianCovarianceError(block: block, reason: "contains a NaN or an infinity")
        }
        let scale = covariance.frobeniusNorm, asymmetry = (covariance - covariance.transposed).frobeniusNorm
        // Float32 files are symmetric to 1e-7 at best.
        guard asymmetry <= 1e-5 * scale else {
            throw GaussianCovarianceError(
                block: block, reason: "not symmetric (|C - Cᵀ| is \(asymmetry / scale) of |C|)")
        }
        let (values, vectors) = try (0.5 * (covariance + covariance.transposed)).symmetricEigenvalues()
        let largest = values.last!, threshold = tolerance * largest
        guard largest > 0, values[0] >= -threshold else {
            throw GaussianCovarianceError(
                block: block,
                reason:
                    "eigenvalues from \(values[0]) to \(largest); those of a covariance are not negative and not all 0")
        }
        let nonzero = values.map { $0 > threshold ? $0 : 0 }
        rank = nonzero.count { $0 > 0 }
        root = vectors * .diagonal(nonzero.map { $0.squareRoot() }) * vectors.transposed
        inverseRoot = vectors * .diagonal(nonzero.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }) * vectors.transposed
    }
}
