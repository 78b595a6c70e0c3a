import CoupletTensors

extension GaussianCovariance {
    /// A pair u = M x, v = N y with the given canonical correlations: x and y are white, M and N random and
    /// well-conditioned.
    public static func withCorrelations(_ correlations: [Double], first: Int, second: Int) -> GaussianCovariance {
        func map(_ size: Int, _ number: UInt64) -> Matrix {
            .normal(rows: size, columns: size, seed: 20_250_524, number: number) + 2 * .identity(size)
        }
        let m = map(first, 1), n = map(second, 2)
        return GaussianCovariance(
            uu: m * m.transposed, uv: m * .diagonal(correlations, rows: first, columns: second) * n.transposed,
            vv: n * n.transposed)
    }
}

extension GaussianConditional {
    /// The relative errors of the mean map and of the covariance, added.
    public func error(mean: Matrix, covariance: Matrix) -> Double {
        (meanMap - mean).frobeniusNorm / (1 + mean.frobeniusNorm)
            + (self.covariance - covariance).frobeniusNorm / (1 + covariance.frobeniusNorm)
    }
}
