import CoupletSchema

/// `ConditionalLoss` with the positive excluded from r and c (Yeh et al., *Decoupled Contrastive Learning*, ECCV 2022):
/// `(1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)]`, `r_i = log Σ_{j≠i} e^{S_ij}`, `c_j = log Σ_{i≠j} e^{S_ij}`.
///
/// Fits the same conditionals with infinite data. Its gradients do not vanish when a batch is easy to classify, so it
/// suits small batches. Where the pairs of a group are positives, r and c exclude all of them.
public struct DecoupledLoss: SoftmaxLoss {
    public var directions: DirectionWeights

    public init(_ directions: DirectionWeights = DirectionWeights()) { self.directions = directions }

    public static let name = "decoupled"
    public static let table = ConfigurationTable(
        DecoupledLoss(), help: "The conditional loss without the positives in the sums.",
        [.directionWeights(\.directions)])

    public var weights: DirectionWeights? { directions }
    public var needsRowSums: Bool { directions.second != 0 }
    public var needsColumnSums: Bool { directions.first != 0 }
    public var sumsExcludePositives: Bool { true }
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }
    public var gaussianPopulation: (any GaussianPopulation)? {
        ConditionalPopulation(directions: directions, excludesPositive: true)
    }

    public func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        ConditionalSoftmax(directions: directions, excludesPositive: true).evaluate(
            statistics, batch: batch, weights: weights)
    }
}

extension Loss where Self == DecoupledLoss {
    /// `DecoupledLoss` with the weights of first given second and of second given first.
    public static func decoupled(first: Double, second: Double) -> Self {
        DecoupledLoss(DirectionWeights(first: first, second: second))
    }
}
