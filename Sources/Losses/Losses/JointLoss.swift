import CCoupletKernels
import CoupletCommunication
import CoupletSchema
import CoupletTensors

/// `LSE_ij(S) - log N² - (1/N) Σ_i S_ii` (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// Fits the whole coupling ρ, including its marginals: for questions about pairs, not about one modality given the
/// other.
///
/// Where the pairs of a group are positives, S_ii is the mean of the positives of row i. Where they are excluded, N² is
/// the number of terms that are left.
public struct JointLoss: SoftmaxLoss {
    public init() {}

    public static let name = "joint"
    public static let table = ConfigurationTable(JointLoss(), help: "One softmax over all pairs of the batch.", [])

    public var needsColumnSums: Bool { false }
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }
    public var gaussianPopulation: (any GaussianPopulation)? { JointPopulation() }

    public func evaluate(
        _ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights
    ) throws -> LossValue {
        try JointSoftmax(excludesPositives: false).evaluate(statistics, batch: batch, weights: weights)
    }
}

extension Loss where Self == JointLoss {
    /// `JointLoss`.
    public static var joint: Self { JointLoss() }
}

// MARK: - Softmax

/// One softmax over all pairs of a batch, with or without the positives: for `JointLoss` and `JointOffDiagonalLoss`.
struct JointSoftmax {
    let excludesPositives: Bool

    func evaluate(
        _ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights
    ) throws -> LossValue {
        let positives = statistics.positives, temperature = weights.temperature
        let termCount = try termCount(statistics, batch)
        guard termCount > 0 else {
            return LossValue(pairLosses: [Double](repeating: 0, count: positives.count), batch: batch)
        }
        let (shift, total) = try sumOfExponentials(statistics, batch)
        let pairWeight = 1 / Double(batch.size)
        weights.rowExponent.fill(Float(shift))
        weights.rowWeight.fill(Float(1 / temperature / total))
        for i in 0..<positives.count {
            let probability = excludesPositives ? 0 : exp2(Double(positives.pointer[i]) - shift) / total
            let count = statistics.positiveCount(i), weight = pairWeight / Double(count)
            weights.diagonal.pointer[i] = Float((probability - weight) / temperature)
            if count > 1 { weights.otherPositives.pointer[i] = Float(-weight / temperature) }
        }
        /// The mean of T_ij over the positives of row i.
        func positive(_ i: Int) -> Double {
            let count = statistics.positiveCount(i), positive = Double(positives.pointer[i])
            return count > 1 ? (positive + statistics.otherPositivesSum(i) / log(2)) / Double(count) : positive
        }
        let shardLosses = stride(from: 0, to: positives.count, by: batch.shardRows).map { start in
            -pairWeight * log(2)
                * (start..<(start + batch.shardRows)).reduce(0.0) { $0 + positive($1) }
        }
        return LossValue(
            pairLosses: (0..<positives.count).map { -log(2) * positive($0) },
            shardLosses: shardLosses, constant: (shift + log2(total)) * log(2) - log(termCount))
    }

    /// The number of terms in the sum: N², or N(N - 1) over i ≠ j, less the pairs that the sum leaves out.
    /// Every worker must call it.
    private func termCount(_ statistics: SoftmaxStatistics, _ batch: LossBatch) throws -> Double {
        let all = Double(batch.size) * Double(excludesPositives ? batch.size - 1 : batch.size)
        guard let matches = statistics.matches else { return all }
        return all - (try batch.sum(matches.counts.indices.map { Double(matches.leftOut($0)) }))
    }

    /// Σ_ij e^S_ij over all workers as total · 2^shift, the same bits on every worker. Every worker must call it.
    private func sumOfExponentials(
        _ statistics: SoftmaxStatistics, _ batch: LossBatch
    ) throws -> (shift: Double, total: Double) {
        let positives = statistics.positives, sums = statistics.rows
        let starts = stride(from: 0, to: positives.count, by: batch.shardRows)
        // The sum over all scores of each local shard, as (exponent, mantissa).
        let localSums = starts.map { start -> [Double] in
            let range = start..<(start + batch.shardRows)
            func positive(_ i: Int) -> Double {
                excludesPositives ? Double(COUPLET_EMPTY) : Double(positives.pointer[i])
            }
            let shift = range.map { max(Double(sums.exponent.pointer[$0]), positive($0).rounded(.up)) }.max()!
            let mantissa = range.reduce(0.0) { sum, i in
                sum + Double(sums.mantissa.pointer[i]) * exp2(Double(sums.exponent.pointer[i]) - shift)
                    + exp2(positive(i) - shift)
            }
            return [shift, mantissa]
        }
        let shards = try batch.communicator.allGather(shards: localSums, batch.partition).map {
            (exponent: $0[0], mantissa: $0[1])
        }
        let shift = shards.map(\.exponent).max()!
        return (shift, PairwiseSummation.sum(shards.map { $0.mantissa * exp2($0.exponent - shift) }))
    }
}

// MARK: - Gaussian pairs

/// The loss over infinitely many Gaussian pairs: `log E_u E_v e^S - E[S]`. One positive in the sum is negligible.
struct JointPopulation: GaussianPopulation {
    func value(_ score: GaussianScore) -> Double { score.logMean - score.meanOverPairs }

    /// a = (√(1 + 4σ²) - 1) / (2σ), without cancellation at small σ.
    func innerProductMinimizer(correlation: Double) -> Double? {
        2 * correlation / ((1 + 4 * correlation * correlation).squareRoot() + 1)
    }

    /// g² = h² = σ / (2(1-σ)).
    func quadraticMinimizer(correlation: Double) -> (first: Double, second: Double)? {
        (0.5 * correlation / (1 - correlation), 0.5 * correlation / (1 - correlation))
    }
}
