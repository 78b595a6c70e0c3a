import CoupletCommunication

/// A loss over all pairs of a batch whose gradient has the form of `SoftmaxWeights`: which statistics it needs, and how they turn into a value and weights.
protocol SoftmaxLoss: Sendable {
    /// Whether the sums over a row (the second side's encodings, for one of the first) are needed; likewise over a column.
    var needsRows: Bool { get }
    var needsColumns: Bool { get }

    /// Sets the weights of this worker's rows and columns.
    /// - Returns: for each of this worker's shards its part of the loss (a sum, in Double, in the order of the rows), and what is added once.
    func finish(
        _ statistics: SoftmaxStatistics, batch: Int, shardRows: Int, temperature: Double,
        communicator: any Communicator,
        weights: SoftmaxWeights
    ) throws -> (shards: [Double], constant: Double)

    /// What each of this worker's pairs adds to the loss: the mean over the batch is the loss. Every worker calls it.
    func pairLosses(_ statistics: SoftmaxStatistics, batch: Int, shardRows: Int, communicator: any Communicator) throws
        -> [Double]
}

extension Loss {
    /// How the engine works a loss off.
    enum Form {
        /// Sums of exponentials in a first walk, weights of the form of `SoftmaxWeights` in a second.
        case sums(any SoftmaxLoss)
        /// Each pair by itself, in one walk.
        case sigmoid
        /// Sums, then conditional means of features, then weights: three walks.
        case discrepancy(MaximumMeanDiscrepancyLoss)
        /// Each modality meets its own second batch; pairs attract each other.
        case secondBatch(LpDistance)
        /// Sums over the other modality and over the own one.
        case allEncodings
    }

    var form: Form {
        switch self {
        case .conditional(let first, let second):
            .sums(ConditionalLoss(first: first, second: second, excludesPositive: false))
        case .decoupled(let first, let second):
            .sums(ConditionalLoss(first: first, second: second, excludesPositive: true))
        case .joint: .sums(JointLoss(excludesPositives: false))
        case .jointOffDiagonal: .sums(JointLoss(excludesPositives: true))
        case .sigmoid: .sigmoid
        case .maximumMeanDiscrepancy(let first, let second):
            .discrepancy(MaximumMeanDiscrepancyLoss(first: first, second: second))
        case .lpSimCLR(let distance, .sameModality): .secondBatch(distance)
        case .lpSimCLR(_, .otherModality):
            .sums(ConditionalLoss(first: 0.5, second: 0.5, excludesPositive: false, isLogMean: true))
        case .ntXent: .allEncodings
        }
    }

    /// What scores are made of, and what their measure is divided by; the similarity counts where the loss has no distance of its own.
    func measure(_ similarity: Similarity) -> ScoreFunction {
        switch self {
        case .lpSimCLR(let distance, _): distance.measure
        default: similarity == .quadratic ? .quadratic : .product
        }
    }

    /// What the similarity of a config, or the measure of a loss with a distance of its own, is divided by to give scores.
    package func scoreTemperature(_ temperature: Double) -> Double {
        if case .lpSimCLR(let distance, _) = self { distance.scoreTemperature(temperature) } else { temperature }
    }
}
