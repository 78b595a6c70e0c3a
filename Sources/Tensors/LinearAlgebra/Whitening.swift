/// The square root of a covariance C and its pseudo-inverse: `root · root = C`, and `inverseRoot` turns x ~ N(0, C) into white
/// noise.
///
/// Eigenvalues at or below tolerance · (the largest) count as zero: x does not move along their eigenvectors, so both roots are
/// zero there and everything built from them leaves those directions out (Moore and Penrose's inverse).
public struct Whitening: Equatable, Sendable {
    /// C^½, n × n, symmetric.
    public let root: Matrix
    /// C^-½, n × n, symmetric.
    public let inverseRoot: Matrix
    /// How many directions x moves in.
    public let rank: Int

    /// - Throws: `GaussianCovarianceError` where C is not square, finite, symmetric and positive semidefinite up to the tolerance.
    init(_ covariance: Matrix, block: String, tolerance: Double) throws {
        guard covariance.rows == covariance.columns, covariance.rows > 0 else {
            throw GaussianCovarianceError(
                block: block, reason: "\(covariance.rows) × \(covariance.columns), not square")
        }
        guard covariance.elements.allSatisfy(\.isFinite) else {
            throw GaussianCovarianceError(block: block, reason: "holds a NaN or an infinity")
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
                reason: "eigenvalues from \(values[0]) to \(largest): a covariance has none below zero and one above")
        }
        let kept = values.map { $0 > threshold ? $0 : 0 }
        rank = kept.count { $0 > 0 }
        root = vectors * .diagonal(kept.map { $0.squareRoot() }) * vectors.transposed
        inverseRoot = vectors * .diagonal(kept.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }) * vectors.transposed
    }
}
