import CoupletTensors

/// A loss over infinitely many Gaussian pairs, for linear encoders along the canonical pairs
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// The loss is then a sum over the canonical pairs. A `Loss` returns one from `gaussianPopulation` if its expectations
/// are known.
public protocol GaussianPopulation: Sendable {
    /// The contribution of one canonical pair; infinite if an integral diverges.
    func value(_ score: GaussianScore) -> Double

    /// The difference between the loss on batches of N pairs and the population loss. The default is 0.
    ///
    /// It is not 0 for losses that sum over N candidates, because an expectation averages.
    func batchConstant(batchSize: Int) -> Double

    /// The A of a canonical pair with correlation σ that minimises the loss with the inner product. The default, nil,
    /// says that it is not known.
    func innerProductMinimizer(correlation: Double) -> Double?

    /// The g² and h² of a canonical pair with correlation σ < 1 that minimise the loss with the quadratic similarity.
    /// The default, nil, says that they are not known.
    func quadraticMinimizer(correlation: Double) -> (first: Double, second: Double)?
}

extension GaussianPopulation {
    public func batchConstant(batchSize: Int) -> Double { 0 }
    public func innerProductMinimizer(correlation: Double) -> Double? { nil }
    public func quadraticMinimizer(correlation: Double) -> (first: Double, second: Double)? { nil }
}

/// The score S = -½ P u² + A u v - ½ Q v² of one canonical pair: standard normal u and v with correlation σ.
///
/// Let g and h be the lengths of G̃ and H̃ along the pair. Then A = g h; P = g² and Q = h² for the quadratic
/// similarity, P = Q = 0 for the inner product.
public struct GaussianScore: Sendable {
    let p: Double
    let q: Double
    let a: Double
    /// σ.
    public let correlation: Double

    /// - Parameters:
    ///   - similarity: the inner product or the quadratic similarity.
    ///   - g: the length of G̃ along the pair.
    ///   - h: the length of H̃ along the pair.
    public init(_ similarity: Similarity, first g: Double, second h: Double, correlation: Double) {
        precondition(similarity != .cosine, "the cosine of Gaussian vectors has no such score")
        let isQuadratic = similarity == .quadratic
        a = g * h
        p = isQuadratic ? g * g : 0
        q = isQuadratic ? h * h : 0
        self.correlation = correlation
    }

    /// E[S] over the pairs: `-½ P - ½ Q + A σ`.
    public var meanOverPairs: Double { -0.5 * p - 0.5 * q + a * correlation }

    /// E_v log E_u e^S over independent u and v: `-½ log(1 + P) + ½ A² / (1 + P) - ½ Q`.
    public var logMeanOverFirst: Double { -0.5 * log1p(p) + 0.5 * a * a / (1 + p) - 0.5 * q }

    /// E_u log E_v e^S over independent u and v: `-½ log(1 + Q) + ½ A² / (1 + Q) - ½ P`.
    public var logMeanOverSecond: Double { -0.5 * log1p(q) + 0.5 * a * a / (1 + q) - 0.5 * p }

    /// log E_u E_v e^S over independent u and v: `-½ log((1 + P) (1 + Q) - A²)`; infinite if it diverges.
    public var logMean: Double {
        let determinant = (1 + p) * (1 + q) - a * a
        return determinant > 0 ? -0.5 * log(determinant) : .infinity
    }
}

/// The loss of linear encoders over infinitely many Gaussian pairs, for similarities and losses whose expectations are
/// Gaussian integrals: the inner product and the quadratic similarity, and losses with a `GaussianPopulation`
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// For encoders along canonical pairs the loss is a sum over the pairs. On batches of N pairs softmax losses are larger
/// by `batchConstant`, because they sum over N candidates and an expectation averages.
public struct GaussianPopulationLoss: Sendable {
    public let similarity: Similarity
    public let loss: any Loss
    private let population: any GaussianPopulation

    /// Creates the population loss; nil for the cosine, and for losses whose expectations are not known.
    public init?(similarity: Similarity, loss: any Loss) {
        guard similarity != .cosine, let population = loss.gaussianPopulation else { return nil }
        self.similarity = similarity
        self.loss = loss
        self.population = population
    }

    /// The difference between the loss on batches of N pairs and the population loss: (first + second) log N for
    /// conditional, (first + second) log(N - 1) for decoupled, 0 for joint.
    public func batchConstant(batchSize: Int) -> Double { population.batchConstant(batchSize: batchSize) }

    /// The contribution of one canonical pair; infinite if an integral diverges.
    /// - Parameters:
    ///   - g: the length of G̃ along the pair.
    ///   - h: the length of H̃ along the pair.
    public func value(first g: Double, second h: Double, correlation: Double) -> Double {
        population.value(GaussianScore(similarity, first: g, second: h, correlation: correlation))
    }
}
