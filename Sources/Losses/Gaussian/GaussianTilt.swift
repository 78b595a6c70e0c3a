import CoupletTensors

/// The tilted coupling ρ(u, v) ∝ exp(κ(g, h)/τ) μ(u) ν(v) of a Gaussian pair and affine encoders g = G u + b, h = H v +
/// c of rank e (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// For the inner product and the quadratic similarity both conditionals are Gaussian. In whitened coordinates: `G̃ = G
/// Cuu^½ / √τ`, `H̃ = H Cvv^½ / √τ`. A common rotation of G and H has no influence.
public struct GaussianTilt: Sendable {
    public let pair: GaussianPair
    public let similarity: Similarity
    public let temperature: Double
    /// G, e × n_u, and H, e × n_v.
    public let first: Matrix, second: Matrix
    /// b and c, e numbers each. They shift the conditional means and do not influence Ã.
    public let firstBias: [Double], secondBias: [Double]

    public init(
        _ pair: GaussianPair, similarity: Similarity, first: Matrix, second: Matrix, firstBias: [Double]? = nil,
        secondBias: [Double]? = nil, temperature: Double = 1
    ) {
        precondition(
            first.rows == second.rows && first.columns == pair.covariance.uu.rows
                && second.columns == pair.covariance.vv.rows,
            "encoders \(first.rows) × \(first.columns) and \(second.rows) × \(second.columns) "
                + "for \(pair.covariance.uu.rows) and \(pair.covariance.vv.rows) dimensions")
        precondition(temperature > 0, "temperature \(temperature)")
        self.pair = pair
        self.similarity = similarity
        self.first = first
        self.second = second
        self.firstBias = firstBias ?? [Double](repeating: 0, count: first.rows)
        self.secondBias = secondBias ?? [Double](repeating: 0, count: second.rows)
        self.temperature = temperature
        precondition(
            self.firstBias.count == first.rows && self.secondBias.count == second.rows,
            "biases of \(self.firstBias.count) and \(self.secondBias.count) numbers for encoders of rank \(first.rows)")
    }

    /// G̃ = G Cuu^½ / √τ, e × n_u.
    public var whitenedFirst: Matrix { (1 / temperature.squareRoot()) * (first * pair.first.root) }
    /// H̃ = H Cvv^½ / √τ, e × n_v.
    public var whitenedSecond: Matrix { (1 / temperature.squareRoot()) * (second * pair.second.root) }

    /// Ã = G̃ᵀH̃ = Cuu^½ GᵀH Cvv^½ / τ, n_u × n_v.
    public var coupling: Matrix { whitenedFirst.transposed * whitenedSecond }

    /// The learned distribution of u given v; nil for the cosine, where it is not Gaussian.
    ///
    /// Inner product: N(Cuu Gᵀ(H v + c)/τ, Cuu). Quadratic: precision Cuu⁻¹ + GᵀG/τ, mean (precision)⁻¹ Gᵀ(H v + c -
    /// b)/τ.
    /// - Throws: `LinearAlgebraError` if LAPACK finds I + G̃ᵀG̃ singular. A NaN in an encoder may pass into the result.
    public func firstGivenSecond() throws -> GaussianConditional? {
        let shift = similarity == .quadratic ? zip(secondBias, firstBias).map(-) : secondBias
        return try conditional(pair.first, whitenedFirst, given: whitenedSecond, pair.second, shift: shift)
    }

    /// The learned distribution of v given u: `firstGivenSecond` with the modalities exchanged.
    public func secondGivenFirst() throws -> GaussianConditional? {
        let shift = similarity == .quadratic ? zip(firstBias, secondBias).map(-) : firstBias
        return try conditional(pair.second, whitenedSecond, given: whitenedFirst, pair.first, shift: shift)
    }

    /// The distribution of x given y. (C⁻¹ + GᵀG/τ)⁻¹ = C^½ (I + G̃ᵀG̃)⁻¹ C^½ avoids the inverse of C.
    /// - Parameters:
    ///   - whitening: the roots of C_xx.
    ///   - encoder: the whitened encoder of x.
    ///   - givenEncoder: the whitened encoder of y.
    ///   - givenWhitening: the roots of C_yy.
    ///   - shift: a constant that is added to the encoding of y.
    private func conditional(
        _ whitening: Whitening, _ encoder: Matrix, given givenEncoder: Matrix, _ givenWhitening: Whitening,
        shift: [Double]
    ) throws -> GaussianConditional? {
        let encoding = givenEncoder * givenWhitening.inverseRoot
        let shiftColumn = Matrix(rows: shift.count, columns: 1, elements: shift.map { $0 / temperature.squareRoot() })
        let gain: Matrix, covariance: Matrix
        switch similarity {
        case .cosine:
            return nil
        case .innerProduct:
            gain = whitening.root * encoder.transposed
            covariance = whitening.root * whitening.root
        case .quadratic:
            let precision = Matrix.identity(encoder.columns) + encoder.transposed * encoder
            gain = try whitening.root * precision.solve(encoder.transposed)
            covariance = try whitening.root * precision.solve(whitening.root)
        }
        return GaussianConditional(
            meanMap: gain * encoding, offset: (gain * shiftColumn).elements, covariance: covariance)
    }
}
