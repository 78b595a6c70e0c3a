/// Whether the probabilities of predictions agree with how often they come true (reliability diagram; Murphy and
/// Winkler, *Reliability of Subjective Probability Forecasts*, Applied Statistics 1977): predictions of probability p
/// should be right in the share p of cases.
public struct Reliability: Equatable, Sendable {
    /// Predictions of similar probability.
    public struct Bin: Equatable, Sendable {
        /// Their mean probability.
        public let probability: Double
        /// The share that was right.
        public let frequency: Double
        public let count: Int
    }

    /// In the order of their probability; all counts are equal up to 1. Fewer bins if there are fewer predictions.
    public let bins: [Bin]

    /// - Parameters:
    ///   - probabilities: of the predictions.
    ///   - isRight: whether each prediction was right.
    ///   - count: the number of bins.
    public init(probabilities: [Double], isRight: [Bool], bins count: Int = 10) {
        precondition(
            probabilities.count == isRight.count && count > 0,
            "\(probabilities.count) probabilities of \(isRight.count) predictions in \(count) bins")
        let order = probabilities.indices.sorted { (probabilities[$0], $0) < (probabilities[$1], $1) }
        let total = order.count, used = min(count, total)
        bins = (0..<used).map { bin in
            let members = order[bin * total / used..<(bin + 1) * total / used], size = Double(members.count)
            return Bin(
                probability: members.reduce(0) { $0 + probabilities[$1] } / size,
                frequency: Double(members.count { isRight[$0] }) / size, count: members.count)
        }
    }

    /// The mean of |probability - frequency| over all predictions (expected calibration error; Naeini, Cooper,
    /// Hauskrecht, AAAI 2015).
    public var error: Double {
        let total = Double(bins.reduce(0) { $0 + $1.count })
        return bins.reduce(0) { $0 + Double($1.count) * abs($1.probability - $1.frequency) } / total
    }
}
