import CoupletTensors

/// The minimiser of the loss of linear encoders of rank e over infinitely many Gaussian pairs, in closed form
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// With `G̃ = G Cuu^½ / √τ` and `H̃ = H Cvv^½ / √τ` (e × n) a population loss is a function of `Ã = G̃ᵀH̃` and, for the
/// quadratic similarity, of `G̃ᵀG̃` and `H̃ᵀH̃`. All minimisers have the first e pairs of R's singular vectors. Along
/// pair k, with correlation σ:
///
/// | similarity | loss | minimiser |
/// |---|---|---|
/// | inner product | conditional, any weights | a = σ |
/// | inner product | joint | a = (√(1 + 4σ²) - 1) / (2σ) |
/// | quadratic | conditional (1, 0) | g² = σ²/(1-σ²), h² = 1/(1-σ²); for (0, 1) g and h are exchanged |
/// | quadratic | conditional (½, ½) | g² = h² = 1/q - 1, q = (-1 + √(1 + 8(1-σ)))/2 |
/// | quadratic | joint | g² = h² = σ / (2(1-σ)) |
/// | quadratic | conditional, other weights | the numerical minimum (no closed form) |
///
/// a is the singular value of Ã; for the quadratic similarity it is g h. A common factor of both weights has no
/// influence. The decoupled loss has the minimiser of the conditional loss, and the off-diagonal joint loss has the
/// minimiser of the joint loss, because one positive in a sum is negligible with infinite data.
///
/// If correlation e equals correlation e + 1, the choice between their pairs is free. Along a pair with σ = 0 a
/// one-sided loss does not determine the larger of g² and h²; this type returns the limit for σ → 0.
public struct GaussianMinimizer: Sendable {
    public let pair: GaussianPair
    /// Ã's singular values along the first min(e, n_u, n_v) canonical pairs, descending.
    public let singularValues: [Double]
    /// g² and h² along the same pairs; nil for the inner product, which fixes only GᵀH.
    public let firstGram: [Double]?, secondGram: [Double]?
    /// The loss over infinitely many pairs at the minimum (`GaussianPopulationLoss`).
    ///
    /// For one-sided conditionals its negative is the mutual information of the learned coupling, which is at most
    /// `pair.mutualInformation`. On batches of N pairs the loss is larger by `GaussianPopulationLoss.batchConstant`.
    public let optimalLoss: Double

    /// Creates the minimiser; nil if it is not known or does not exist.
    ///
    /// It is not known for the cosine, for losses without closed forms, and if a weight is negative or both are zero.
    /// It does not exist for the quadratic similarity with a correlation of 1, where g and h grow without bound.
    /// - Parameter rank: e, the size of an encoding.
    public init?(_ pair: GaussianPair, similarity: Similarity, loss: any Loss, rank: Int) {
        precondition(rank > 0, "encoders of rank \(rank)")
        guard let population = loss.gaussianPopulation else { return nil }
        self.pair = pair
        let correlations = pair.correlations.prefix(rank)
        switch similarity {
        case .cosine:
            return nil
        case .innerProduct:
            let values = correlations.compactMap { population.innerProductMinimizer(correlation: $0) }
            guard values.count == correlations.count else { return nil }
            singularValues = values
            firstGram = nil
            secondGram = nil
        case .quadratic:
            guard correlations[0] < 1 - 1e-12 else { return nil }
            let grams = correlations.compactMap { population.quadraticMinimizer(correlation: $0) }
            guard grams.count == correlations.count else { return nil }
            singularValues = grams.map { ($0.first * $0.second).squareRoot() }
            firstGram = grams.map(\.first)
            secondGram = grams.map(\.second)
        }
        var optimum = 0.0
        for (k, correlation) in correlations.enumerated() {
            let g = firstGram.map { $0[k].squareRoot() } ?? singularValues[k],
                h = secondGram.map { $0[k].squareRoot() } ?? 1
            optimum += population.value(GaussianScore(similarity, first: g, second: h, correlation: correlation))
        }
        optimalLoss = optimum
    }

    /// Number of canonical pairs that the encoders represent: min(e, n_u, n_v).
    public var rank: Int { singularValues.count }

    /// Ã, n_u × n_v.
    public var coupling: Matrix {
        pair.firstDirections.columns(first: rank) * .diagonal(singularValues)
            * pair.secondDirections.columns(first: rank).transposed
    }

    /// One of the minimisers: G = √τ diag(g) Aᵀ Cuu^-½ and H = √τ diag(h) Bᵀ Cvv^-½, with canonical directions A, B.
    ///
    /// G is e' × n_u and H is e' × n_v, e' = min(e, n_u, n_v). All other minimisers are rotations of it; for the inner
    /// product, any change of basis.
    public func encoders(temperature: Double = 1) -> (first: Matrix, second: Matrix) {
        let g = firstGram ?? singularValues, h = secondGram ?? singularValues
        func encoder(_ gram: [Double], _ directions: Matrix, _ whitening: Whitening) -> Matrix {
            let lengths = gram.map { (temperature * $0).squareRoot() }
            return .diagonal(lengths) * directions.columns(first: rank).transposed * whitening.inverseRoot
        }
        return (encoder(g, pair.firstDirections, pair.first), encoder(h, pair.secondDirections, pair.second))
    }
}
