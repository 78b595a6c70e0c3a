import CoupletTensors

/// A source that knows the latent factors behind its pairs: what identifiability is measured against.
public protocol LatentFactorSource: PairSource {
    /// The blocks, in the order of `latents`.
    var latentFactors: [LatentFactor] { get }
    /// The factors of these samples, each B × columns, in the order of `latentFactors`.
    /// - Throws: as `read`.
    func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor]
    /// As `read`, with the content of other samples: sample i has the content of `contentOf[i]`, and the style and what is specific to each
    /// modality of `numbers[i]`.
    /// - Throws: as `read`.
    func readSwappingContent(_ split: Split, _ numbers: [UInt64], contentOf: [UInt64], first: Tensor?, second: Tensor?)
        throws
    /// The R² that the best predictor of each block from the content alone has, in the order of `latentFactors`, as a mean over the block's
    /// components: what an encoder that block-identifies the content allows. Nil where that is not known, or a block has no components.
    var contentDetermination: [Double?] { get }
    /// What a run's log tells of the factors at its start, a line each.
    var latentSummary: [String] { get }
}

extension LatentFactorSource {
    public var contentDetermination: [Double?] { latentFactors.map { _ in nil } }
    public var latentSummary: [String] { [] }
}
