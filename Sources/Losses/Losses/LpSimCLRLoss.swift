import CoupletSchema
import CoupletTensors

/// Lp-SimCLR (Daunhawer et al., *Identifiability Results for Multimodal Contrastive Learning*, ICLR 2023): the mean
/// over both directions of `(1/N) Σ_i [P_i/τ + ln (1/(N+1)) (Σ_j e^{-D_ij/τ} + e^{-P_i/τ})]`.
///
/// P_i is the distance between the two encodings of pair i. D_ij is the distance of anchor i to encoding j of a second,
/// independent batch of the anchor's *own* modality. The loss pulls the encodings of a pair together and spreads the
/// encodings of each modality apart. It is meant for encodings that are not normalised. Its minimisers block-identify
/// the content that both views share.
///
/// With negatives of the other modality the term of an anchor is P_i/τ + ln (1/N) Σ_j e^{-D_ij/τ}, where D_ij is the
/// distance between the modalities of one batch and the sum includes the positive.
public struct LpSimCLRLoss: SoftmaxLoss {
    /// The distance of P and D.
    public var anchorDistance: LpDistance
    public var negatives: Negatives

    /// The source of the negatives.
    public enum Negatives: String, CaseIterable, Sendable {
        /// A second, independent batch of the anchor's modality.
        case sameModality = "same_modality"
        /// The other modality of the same batch.
        case otherModality = "other_modality"
    }

    public init(distance: LpDistance = LpDistance(), negatives: Negatives = .sameModality) {
        anchorDistance = distance
        self.negatives = negatives
    }

    public static let name = "lp_simclr"
    public static let table = ConfigurationTable(
        LpSimCLRLoss(), help: "Distances of pairs against distances within each modality.",
        [
            .key("p", \.anchorDistance.orderNumber, .integer(1...2, example: 2), "Order of the distance."),
            .key(
                "power", \.anchorDistance.power, .flag, "Whether the distance is its p-th power.",
                .when(
                    "p", { $0.anchorDistance.order == .two },
                    otherwise: { _ in "for p = 1 the distance equals its power" })),
            .key("negatives", \.negatives, .choice("choice of negatives"), "Source of the negatives."),
        ])

    public var title: String { negatives == .sameModality ? "Lp-SimCLR" : "Lp-SimCLR (other modality)" }
    public var comparedSets: ComparedSets { negatives == .sameModality ? .secondBatch : .modalities }
    public var distance: LpDistance? { anchorDistance }
    public var defaultSimilarity: Similarity { .quadratic }
    /// Pairs of a group are positives only where the loss scores them: with negatives of the other modality.
    public var groupTreatments: [GroupTreatment] {
        negatives == .sameModality ? [.ignore, .excluded] : GroupTreatment.allCases
    }

    /// Half the loss of each anchor. With negatives of the same modality the anchors of one modality are the rows.
    public func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        let softmax =
            switch negatives {
            case .sameModality:
                ConditionalSoftmax(
                    directions: DirectionWeights(first: 0, second: 0.5), constant: -0.5 * log(Double(batch.size) + 1))
            case .otherModality:
                ConditionalSoftmax(
                    directions: DirectionWeights(first: 0.5, second: 0.5), constant: -log(Double(batch.size)))
            }
        return softmax.evaluate(statistics, batch: batch, weights: weights)
    }
}

extension Loss where Self == LpSimCLRLoss {
    /// `LpSimCLRLoss` with a distance and a source of negatives.
    public static func lpSimCLR(
        distance: LpDistance = LpDistance(), negatives: LpSimCLRLoss.Negatives = .sameModality
    ) -> Self { LpSimCLRLoss(distance: distance, negatives: negatives) }
}

extension LpDistance {
    /// p as a whole number, for configs.
    fileprivate var orderNumber: Int {
        get { order.rawValue }
        set { order = Order(rawValue: newValue) ?? order }
    }
}
