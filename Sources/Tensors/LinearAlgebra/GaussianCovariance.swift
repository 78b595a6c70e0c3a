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
