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
