import CoupletSchema

/// NT-Xent of SimCLR (Chen et al., ICML 2020): `(1/2N) Σ_z [LSE_{z' ≠ z} S(z, z') - S(z, its pair)]` over all 2N
/// encodings z of both modalities.
///
/// Every other encoding of either modality is a negative. Daunhawer et al. (*Identifiability Results for Multimodal
/// Contrastive Learning*, ICLR 2023) use it for images and texts. Where the pairs of a group are positives, it is L_out
/// of Khosla et al. (NeurIPS 2020): the positives of an encoding are all 2n - 1 others of the n pairs of its group.
public struct NTXentLoss: SoftmaxLoss {
    public init() {}

    public static let name = "nt_xent"
    public static let table = ConfigurationTable(
        NTXentLoss(), help: "Cross entropies over all encodings of both modalities.", [])

    public var title: String { "NT-Xent" }
    public var comparedSets: ComparedSets { .allEncodings }
    public var defaultSimilarity: Similarity { .cosine }
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }

    /// Half the loss of each anchor, of both modalities.
    public func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        ConditionalSoftmax(directions: DirectionWeights(first: 0.5, second: 0.5)).evaluate(
            statistics, batch: batch, weights: weights)
    }
}

extension Loss where Self == NTXentLoss {
    /// `NTXentLoss`.
    public static var ntXent: Self { NTXentLoss() }
}
