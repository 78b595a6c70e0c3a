import CoupletSchema

/// `LSE_{i≠j}(S) - log N(N-1) - (1/N) Σ_i S_ii`: `JointLoss` without the positives in the sum.
///
/// This makes the estimate of E_μν e^S inside the logarithm unbiased. The minimiser is the same with infinite data; it
/// is the better choice for small batches. Where the pairs of a group are positives, the sum leaves out all of them;
/// N(N-1) is always the number of terms.
public struct JointOffDiagonalLoss: SoftmaxLoss {
    public init() {}

    public static let name = "joint_off_diagonal"
    public static let table = ConfigurationTable(
        JointOffDiagonalLoss(), help: "The joint loss without the positives in the sum.", [])

    public var title: String { "joint off-diagonal" }
    public var needsColumnSums: Bool { false }
    public var sumsExcludePositives: Bool { true }
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }
    public var gaussianPopulation: (any GaussianPopulation)? { JointPopulation() }

    public func evaluate(
        _ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights
    ) throws -> LossValue {
        try JointSoftmax(excludesPositives: true).evaluate(statistics, batch: batch, weights: weights)
    }
}

extension Loss where Self == JointOffDiagonalLoss {
    /// `JointOffDiagonalLoss`.
    public static var jointOffDiagonal: Self { JointOffDiagonalLoss() }
}
