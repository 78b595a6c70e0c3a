import CoupletTensors

/// A source that also returns the latent factors of its pairs, so that identifiability can be measured.
public protocol LatentFactorSource: PairSource {
    /// The blocks of factors, in the order of `latents`.
    var latentFactors: [LatentFactor] { get }
    /// Returns the factors of these samples, each B × columns, in the order of `latentFactors`.
    /// - Throws: as `read` does.
    func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor]
    /// R² of the best predictor of each block from the content alone, in the order of `latentFactors`, averaged over
    /// the block's components. An encoder that block-identifies the content reaches this R². Nil if R² is unknown or
    /// the block is empty.
    var contentDetermination: [Double?] { get }
    /// Lines that describe the factors in the log of a run.
    var latentSummary: [String] { get }
}

/// A source that can mix views from the content of one sample and the other factors of another.
public protocol ContentSwappingSource: LatentFactorSource {
    /// Reads samples with the content of other samples: sample i has the content of `contentOf[i]`, and the style and
    /// the modality-specific factors of `numbers[i]`.
    /// - Throws: as `read` does.
    func readSwappingContent(
        _ split: Split, _ numbers: [UInt64], contentOf: [UInt64], first: Tensor?, second: Tensor?) throws
}

extension LatentFactorSource {
    public var contentDetermination: [Double?] { latentFactors.map { _ in nil } }
    public var latentSummary: [String] { [] }
}

extension PairSource {
    /// The source, or the one within wrappers that have the same samples, that knows the latent factors; nil if none
    /// does.
    package var latentFactorSource: (any LatentFactorSource)? {
        if let own = self as? any LatentFactorSource, !own.latentFactors.isEmpty { return own }
        return (self as? any ForwardingPairSource)?.wrapped.latentFactorSource
    }
}

/// A block of latent factors.
public struct LatentFactor: Equatable, Sendable {
    /// Name in files and tables: c, s, s_perturbed, m1, m2.
    public let name: String
    /// Number of components; may be 0.
    public let columns: Int
    /// Number of classes 0 … classes - 1 of a discrete factor; nil for a continuous one.
    public let classes: Int?

    public init(name: String, columns: Int, classes: Int? = nil) {
        self.name = name
        self.columns = columns
        self.classes = classes
    }
}
