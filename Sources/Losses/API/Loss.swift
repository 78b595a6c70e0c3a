import CoupletSchema

/// A contrastive loss over a batch of N pairs with the scores S_ij = κ(g(u_i), h(v_j)) / τ
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// A loss conforms to one of two protocols, from which the engine computes it over all N² pairs:
///
/// - `SoftmaxLoss`: a function of the log-sum-exps of the rows and columns of S, and of the positives S_ii.
/// - `PairwiseLoss`: a sum of terms of single scores.
///
/// Its file declares its name and keys (`ConfigurableKind`), its mathematics, and its closed form for Gaussian pairs.
public protocol Loss: ConfigurableKind {
    /// Name in tables. The default is the name in configs, with the weights: "conditional (0.5, 0.5)".
    var title: String { get }
    /// The sets of encodings that are scored against each other. The default is `modalities`.
    var comparedSets: ComparedSets { get }
    /// The distance that scores a pair instead of the config's similarity: S = -distance / τ. The default, nil, keeps
    /// the similarity.
    var distance: LpDistance? { get }
    /// The similarity of a config without the key `similarity`. The default is the inner product. For a loss with a
    /// distance it is the similarity by which retrieval ranks.
    var defaultSimilarity: Similarity { get }
    /// The bias that is added to every score. The default, nil, adds none. Softmax losses have none, because it would
    /// not change them.
    var bias: BiasSpecification? { get }
    /// The weights of first given second and of second given first. The default, nil, says that there are none.
    var weights: DirectionWeights? { get }
    /// What the loss can do with pairs of one group. The default is `ignore` and `excluded` for a `SoftmaxLoss`, and
    /// everything for a `PairwiseLoss`.
    var groupTreatments: [GroupTreatment] { get }
    /// The loss over infinitely many Gaussian pairs. The default, nil, says that it is not known.
    var gaussianPopulation: (any GaussianPopulation)? { get }
}

extension KindCategory {
    /// The losses.
    public static let loss = KindCategory("loss")
}

extension Loss {
    public static var category: KindCategory { .loss }

    public var title: String { defaultTitle(Self.name.split(separator: "_").joined(separator: " ")) }
    public var comparedSets: ComparedSets { .modalities }
    public var distance: LpDistance? { nil }
    public var defaultSimilarity: Similarity { .innerProduct }
    public var bias: BiasSpecification? { nil }
    public var weights: DirectionWeights? { nil }
    public var groupTreatments: [GroupTreatment] { [.ignore] }
    public var gaussianPopulation: (any GaussianPopulation)? { nil }

    /// A name with the weights in parentheses.
    func defaultTitle(_ name: String) -> String { weights.map { "\(name) (\($0.first), \($0.second))" } ?? name }
}

/// The sets of encodings that a loss scores against each other.
public enum ComparedSets: Equatable, Sendable {
    /// The first modality's encodings against the second modality's: one score matrix.
    case modalities
    /// The encodings of each modality against those of a second, independent batch of the same modality: two score
    /// matrices of negatives. The positives are still the scores of the pairs. For softmax losses only.
    case secondBatch
    /// The encodings of both modalities against all others of both modalities: three score matrices. For softmax losses
    /// only.
    case allEncodings
}

/// What follows from the requirements.
extension Loss {
    /// Number of N × N score matrices that the loss needs.
    package var scoreMatrixCount: Int {
        switch comparedSets {
        case .modalities: 1
        case .secondBatch: 2
        case .allEncodings: 3
        }
    }

    /// Number of batches that a step encodes.
    package var batchCount: Int { usesSecondBatch ? 2 : 1 }

    /// Whether a step takes a second batch and encodes both its modalities.
    package var usesSecondBatch: Bool { comparedSets == .secondBatch }

    /// Whether the config's similarity scores the pairs.
    package var usesSimilarity: Bool { distance == nil }

    /// Whether the loss adds a bias to every score.
    package var usesBias: Bool { bias != nil }

    /// Why the engine cannot compute the loss; nil if it can.
    package var problem: String? {
        if self is any SoftmaxLoss { return nil }
        if comparedSets != .modalities {
            return "the loss \(Self.name) compares \(comparedSets), which only a SoftmaxLoss can"
        }
        if self is any PairwiseLoss || self is SigmoidLoss || self is MaximumMeanDiscrepancyLoss { return nil }
        return "the loss \(Self.name) conforms neither to SoftmaxLoss nor to PairwiseLoss"
    }

    /// Why the loss cannot treat the pairs of a group so; nil if it can.
    package func problem(of groups: GroupTreatment) -> String? {
        var known = groupTreatments
        if usesSecondBatch { known.removeAll { $0 == .positives } }
        if known.contains(groups) { return nil }
        let reason =
            groups == .positives && usesSecondBatch
            ? "its batch has one positive for each encoding, whatever the groups"
            : "it has no \(groups == .positives ? "sum over several positives" : "negatives that it could leave out")"
        return "wanted \(known.map(\.rawValue).joined(separator: " or ")) for the loss \(kindName): \(reason); "
            + "found \(groups.rawValue)"
    }

    /// Why the loss cannot treat equal samples so; nil if it can.
    package func problem(ofEqualSamples treatment: EqualSampleTreatment) -> String? {
        if treatment == .ignore || groupTreatments.contains(.excluded) { return nil }
        return "wanted ignore for the loss \(kindName): it has no negatives that it could leave out; found "
            + treatment.rawValue
    }

    /// The kernel on the data of both modalities; nil for all losses but the maximum mean discrepancy.
    package var dataKernel: DataKernel? { (self as? MaximumMeanDiscrepancyLoss)?.kernel }

    /// The function that scores a pair of encodings.
    func scoreFunction(_ similarity: Similarity) -> ScoreFunction {
        distance?.scoreFunction ?? (similarity == .quadratic ? .quadratic : .product)
    }

    /// The divisor that turns values of `scoreFunction` into the scores of this loss at temperature τ.
    package func scoreTemperature(_ temperature: Double) -> Double {
        distance?.scoreTemperature(temperature) ?? temperature
    }
}

/// The losses of this library, in the order in which messages list them.
package let lossKinds: [any ConfigurableKind.Type] = [
    ConditionalLoss.self, JointLoss.self, SigmoidLoss.self, DecoupledLoss.self, MaximumMeanDiscrepancyLoss.self,
    JointOffDiagonalLoss.self, LpSimCLRLoss.self, NTXentLoss.self,
]
