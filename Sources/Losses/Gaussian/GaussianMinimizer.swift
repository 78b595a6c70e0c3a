import CoupletTensors

/// What linear encoders of rank e learn from infinitely many Gaussian pairs: closed forms after Baptista, Stuart, Tran 2025 (arXiv 2505.24134).
///
/// With `G̃ = G Cuu^½ / √τ`, `H̃ = H Cvv^½ / √τ` (e × n) a population loss is a function of `Ã = G̃ᵀH̃` and, for the quadratic
/// similarity, of `G̃ᵀG̃` and `H̃ᵀH̃`. All minimisers have R's singular vectors, its first e pairs; along pair k, with
/// correlation σ:
///
/// | similarity | loss | |
/// |---|---|---|
/// | inner product | conditional, any weights | Ã: σ |
/// | inner product | joint | Ã: (√(1 + 4σ²) - 1) / (2σ) |
/// | quadratic | conditional (1, 0) | g² = σ²/(1-σ²), h² = 1/(1-σ²); for (0, 1) g and h change places |
/// | quadratic | conditional (½, ½) | g² = h² = 1/q - 1, q = (-1 + √(1 + 8(1-σ)))/2 |
/// | quadratic | joint | g² = h² = σ / (2(1-σ)) |
/// | quadratic | conditional, other weights | no closed form: the minimum of `GaussianPopulationLoss` along the pair, found numerically in Double |
///
/// Decoupled counts as conditional here and joint off-diagonal as joint: with infinite data a positive more or less in a sum is nothing.
///
/// and Ã: g h for the quadratic similarity. Weights count up to a common factor. Where two correlations around place e are
/// equal, the choice between them is free. Along a pair with σ = 0 a one-sided loss leaves the larger of g², h² free; its limit
/// for σ → 0 stands here.
public struct GaussianMinimizer: Sendable {
    public let pair: GaussianPair
    /// Ã's singular values along the first min(e, n_u, n_v) canonical pairs, descending.
    public let singularValues: [Double]
    /// g² and h² along the same pairs; nil for the inner product, which fixes only GᵀH.
    public let firstGram: [Double]?, secondGram: [Double]?
    /// The loss over infinitely many pairs at this minimum (`GaussianPopulationLoss`). For one-sided conditionals its negative is the mutual information that
    /// the learned coupling shows, at most that of the pair; batches of N pairs add `GaussianPopulationLoss.batchConstant`.
    public let optimalLoss: Double

    /// Nil where no such answer is known: the cosine, sigmoid, the maximum mean discrepancy, weights of which one is negative or none is positive; and
    /// where there is no minimiser: the quadratic similarity with a correlation of 1, which drives g and h to infinity.
    /// - Parameter rank: e, the size of the embedding.
    public init?(_ pair: GaussianPair, similarity: Similarity, loss: Loss, rank: Int) {
        precondition(rank > 0, "encoders of rank \(rank)")
        self.pair = pair
        let correlations = pair.correlations.prefix(rank)
        switch similarity {
        case .cosine:
            return nil
        case .innerProduct:
            guard let value = Self.couplingFunction(loss) else { return nil }
            singularValues = correlations.map(value)
            firstGram = nil
            secondGram = nil
        case .quadratic:
            guard let gram = Self.gramFunction(loss), correlations[0] < 1 - 1e-12 else { return nil }
            let grams = correlations.map(gram)
            singularValues = grams.map { ($0.first * $0.second).squareRoot() }
            firstGram = grams.map(\.first)
            secondGram = grams.map(\.second)
        }
        guard let population = GaussianPopulationLoss(similarity: similarity, loss: loss) else { return nil }
        var optimum = 0.0
        for (pair, correlation) in correlations.enumerated() {
            let g = firstGram.map { $0[pair].squareRoot() } ?? singularValues[pair],
                h = secondGram.map { $0[pair].squareRoot() } ?? 1
            optimum += population.value(first: g, second: h, correlation: correlation)
        }
        optimalLoss = optimum
    }

    /// How many canonical pairs the encoders hold: min(e, n_u, n_v).
    public var rank: Int { singularValues.count }

    /// Ã, n_u × n_v.
    public var coupling: Matrix {
        pair.firstDirections.columns(first: rank) * .diagonal(singularValues)
            * pair.secondDirections.columns(first: rank).transposed
    }

    /// One of the minimisers, all others being rotations of it (for the inner product, any change of basis): G = √τ diag(g) Aᵀ
    /// Cuu^-½ and H = √τ diag(h) Bᵀ Cvv^-½, with canonical directions A, B; e' × n_u and e' × n_v, e' = min(e, n_u, n_v).
    public func encoders(temperature: Double = 1) -> (first: Matrix, second: Matrix) {
        let g = firstGram ?? singularValues, h = secondGram ?? singularValues
        func encoder(_ gram: [Double], _ directions: Matrix, _ whitening: Whitening) -> Matrix {
            let lengths = gram.map { (temperature * $0).squareRoot() }
            return .diagonal(lengths) * directions.columns(first: rank).transposed * whitening.inverseRoot
        }
        return (encoder(g, pair.firstDirections, pair.first), encoder(h, pair.secondDirections, pair.second))
    }

    /// σ ↦ the singular value of Ã for the inner product.
    private static func couplingFunction(_ loss: Loss) -> ((Double) -> Double)? {
        switch loss {
        case .conditional(let first, let second), .decoupled(let first, let second):
            guard first >= 0, second >= 0, first + second > 0 else { return nil }
            return { $0 }
        case .joint, .jointOffDiagonal:
            // (√(1 + 4σ²) - 1) / (2σ), without the cancellation at small σ.
            return { 2 * $0 / ((1 + 4 * $0 * $0).squareRoot() + 1) }
        case .sigmoid, .maximumMeanDiscrepancy, .lpSimCLR, .ntXent:
            return nil
        }
    }

    /// σ ↦ (g², h²) for the quadratic similarity.
    private static func gramFunction(_ loss: Loss) -> ((Double) -> (first: Double, second: Double))? {
        switch loss {
        case .conditional(let first, let second), .decoupled(let first, let second):
            guard first >= 0, second >= 0, first + second > 0 else { return nil }
            if second == 0 { return { (first: $0 * $0 / (1 - $0 * $0), second: 1 / (1 - $0 * $0)) } }
            if first == 0 { return { (first: 1 / (1 - $0 * $0), second: $0 * $0 / (1 - $0 * $0)) } }
            guard first == second else {
                let loss = GaussianPopulationLoss(
                    similarity: .quadratic, loss: .conditional(first: first, second: second))!
                return { correlation in
                    let lengths = loss.minimizer(correlation: correlation)
                    return (first: lengths.first * lengths.first, second: lengths.second * lengths.second)
                }
            }
            return { correlation in
                // q = (√(1 + 8(1-σ)) - 1) / 2, without the cancellation at σ near 1.
                let q = 4 * (1 - correlation) / ((1 + 8 * (1 - correlation)).squareRoot() + 1)
                return (first: 1 / q - 1, second: 1 / q - 1)
            }
        case .joint, .jointOffDiagonal:
            return { (first: 0.5 * $0 / (1 - $0), second: 0.5 * $0 / (1 - $0)) }
        case .sigmoid, .maximumMeanDiscrepancy, .lpSimCLR, .ntXent:
            return nil
        }
    }
}
