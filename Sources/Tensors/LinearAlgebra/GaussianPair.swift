#if canImport(Glibc)
    import Glibc
#endif

/// A Gaussian pair (u, v) of mean zero, seen in its canonical coordinates (Hotelling 1936).
///
/// `R = Cuu^-½ Cuv Cvv^-½ = Σ_k σ_k a_k b_kᵀ`: the canonical correlations σ and the canonical directions a (of whitened u), b
/// (of whitened v). Along each pair of directions u and v are two standard normal numbers with correlation σ_k, independent of
/// all others.
public struct GaussianPair: Sendable {
    public let covariance: GaussianCovariance
    /// Cuu^½ and Cvv^½, with their (pseudo-)inverses.
    public let first: Whitening, second: Whitening
    /// R, n_u × n_v.
    public let whitenedCrossCovariance: Matrix
    /// σ_1 ≥ σ_2 ≥ …, min(n_u, n_v) numbers in [0, 1].
    public let correlations: [Double]
    /// a_k and b_k in the columns of n_u × min(n_u, n_v) and n_v × min(n_u, n_v), in whitened coordinates.
    public let firstDirections: Matrix, secondDirections: Matrix

    /// - Parameter tolerance: eigenvalues of Cuu and Cvv at or below this share of the largest count as zero (`Whitening`): the
    ///   pair is then described on the directions it moves in.
    /// - Throws: `GaussianCovarianceError` where shapes do not fit or no pair of vectors has this covariance;
    ///   `LinearAlgebraError` where LAPACK does not converge.
    public init(_ covariance: GaussianCovariance, tolerance: Double = 1e-10) throws {
        let (uu, uv, vv) = (covariance.uu, covariance.uv, covariance.vv)
        self.covariance = covariance
        first = try Whitening(uu, block: "uu", tolerance: tolerance)
        second = try Whitening(vv, block: "vv", tolerance: tolerance)
        guard uv.rows == uu.rows, uv.columns == vv.rows else {
            throw GaussianCovarianceError(
                block: "uv",
                reason:
                    "\(uv.rows) × \(uv.columns) beside uu \(uu.rows) × \(uu.columns) and vv \(vv.rows) × \(vv.columns)")
        }
        guard uv.elements.allSatisfy(\.isFinite) else {
            throw GaussianCovarianceError(block: "uv", reason: "holds a NaN or an infinity")
        }
        whitenedCrossCovariance = first.inverseRoot * uv * second.inverseRoot
        let lost = (first.root * whitenedCrossCovariance * second.root - uv).frobeniusNorm
        guard lost <= 1e-5 * (uu.frobeniusNorm * vv.frobeniusNorm).squareRoot() else {
            throw GaussianCovarianceError(
                block: "uv", reason: "correlates directions in which uu or vv has no variance")
        }
        let (a, singularValues, b) = try whitenedCrossCovariance.singularValueDecomposition()
        // Rounding of the input may carry a correlation of 1 a little above; more than that is no covariance.
        guard singularValues[0] <= 1 + 1e-6 else {
            throw GaussianCovarianceError(
                block: "uu, uv, vv",
                reason: "the largest canonical correlation is \(singularValues[0]): together not positive semidefinite")
        }
        correlations = singularValues.map { min($0, 1) }
        firstDirections = a
        secondDirections = b
    }

    /// I(u; v) = -½ Σ log(1 - σ_k²), in nats; infinite where a correlation is 1.
    public var mutualInformation: Double { -0.5 * correlations.reduce(0) { $0 + log1p(-$1 * $1) } }

    /// The exact law of u given v: N(Cuv Cvv⁻¹ v, Cuu - Cuv Cvv⁻¹ Cvu), by the pseudo-inverse where Cvv is singular.
    public var firstGivenSecond: GaussianConditional {
        Self.conditional(of: covariance.uu, cross: covariance.uv, given: second)
    }

    /// The exact law of v given u: N(Cvu Cuu⁻¹ u, Cvv - Cvu Cuu⁻¹ Cuv), by the pseudo-inverse where Cuu is singular.
    public var secondGivenFirst: GaussianConditional {
        Self.conditional(of: covariance.vv, cross: covariance.uv.transposed, given: first)
    }

    private static func conditional(of own: Matrix, cross: Matrix, given other: Whitening) -> GaussianConditional {
        // With K = C_xy C_yy^-½ the covariance is C_xx - K Kᵀ, symmetric as computed.
        let gain = cross * other.inverseRoot
        return GaussianConditional(
            meanMap: gain * other.inverseRoot, offset: [Double](repeating: 0, count: own.rows),
            covariance: own - gain * gain.transposed)
    }
}
