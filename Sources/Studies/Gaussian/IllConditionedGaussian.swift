import CoupletTensors
import Glibc

/// A Gaussian pair whose covariances are nearly singular: Cuu = Q D² Qᵀ, Cvv = P E² Pᵀ, Cuv = Q D Σ E Pᵀ, with D and E falling from 1 to 10⁻³ in equal
/// ratios, Q and P reflections at no axis, Σ the canonical correlations. So the strong pairs lie along the large variances, and the third of them has
/// a variance of 0.02 in u.
public enum IllConditionedGaussian {
    public static let correlations = [0.9, 0.7, 0.5, 0.3, 0.15]
    /// The ratio of the largest to the smallest eigenvalue of Cuu and of Cvv.
    public static let condition = 1e6

    public static var covariance: GaussianCovariance {
        let first = root(8), second = root(6)
        return GaussianCovariance(
            uu: first * first.transposed, uv: first * .diagonal(correlations, rows: 8, columns: 6) * second.transposed,
            vv: second * second.transposed)
    }

    /// Q D: the reflection I - 2 w wᵀ / |w|², w = (1, 2, …, n), times the deviations.
    private static func root(_ size: Int) -> Matrix {
        let deviations = (0..<size).map { pow(condition, -0.5 * Double($0) / Double(size - 1)) }
        let w = (1...size).map(Double.init), square = w.reduce(0) { $0 + $1 * $1 }
        let outer = Matrix(rows: size, columns: size, elements: w.flatMap { a in w.map { b in a * b } })
        return (.identity(size) - (2 / square) * outer) * .diagonal(deviations)
    }
}
