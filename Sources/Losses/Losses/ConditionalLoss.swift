import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// `(1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)]` with the log-sum-exps `r_i = log Σ_j e^{S_ij}` and
/// `c_j = log Σ_i e^{S_ij}` (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// The weight `first` belongs to first given second (a softmax over the first modality: c), the weight `second` to
/// second given first (r). The loss fits the two conditionals of the tilted coupling ρ ∝ e^S μ ν. With (½, ½) it is
/// CLIP's InfoNCE; with (1, 0) or (0, 1) it fits one conditional only. The default choice.
///
/// Where the pairs of a group are positives, S_ii is the mean of the positives of the row or column
/// (`GroupTreatment.positives`).
public struct ConditionalLoss: SoftmaxLoss {
    public var directions: DirectionWeights

    public init(_ directions: DirectionWeights = DirectionWeights()) { self.directions = directions }

    public static let name = "conditional"
    public static let table = ConfigurationTable(
        ConditionalLoss(), help: "Cross entropies of the rows and columns of the scores.",
        [.directionWeights(\.directions)])

    public var weights: DirectionWeights? { directions }
    public var needsRowSums: Bool { directions.second != 0 }
    public var needsColumnSums: Bool { directions.first != 0 }
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }
    public var gaussianPopulation: (any GaussianPopulation)? {
        ConditionalPopulation(directions: directions, excludesPositive: false)
    }

    public func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        ConditionalSoftmax(directions: directions).evaluate(statistics, batch: batch, weights: weights)
    }
}

extension Loss where Self == ConditionalLoss {
    /// `ConditionalLoss` with the weights of first given second and of second given first.
    public static func conditional(first: Double, second: Double) -> Self {
        ConditionalLoss(DirectionWeights(first: first, second: second))
    }
}

// MARK: - Softmax

/// The cross entropies of the rows and columns, from which several losses are made. A weight of 0 leaves out the rows
/// or the columns.
struct ConditionalSoftmax {
    let directions: DirectionWeights
    /// Whether r and c exclude the positive.
    var excludesPositive = false
    /// Added once to the loss.
    var constant = 0.0

    func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        let rows = evaluateDirection(
            statistics.rows, statistics, weight: directions.second, batch: batch, weights: weights,
            exponents: weights.rowExponent, factors: weights.rowWeight)
        let columns = evaluateDirection(
            statistics.columns, statistics, weight: directions.first, batch: batch, weights: weights,
            exponents: weights.columnExponent, factors: weights.columnWeight)
        return (rows + columns).adding(constant)
    }

    /// Computes the loss and the weights of one direction: the row softmax or the column softmax.
    private func evaluateDirection(
        _ sums: LogSumExp, _ statistics: SoftmaxStatistics, weight: Double, batch: LossBatch, weights: SoftmaxWeights,
        exponents: Tensor, factors: Tensor
    ) -> LossValue {
        let positives = statistics.positives, matches = statistics.matches
        let share = weight / Double(batch.size), temperature = weights.temperature
        var pairLosses = [Double](repeating: 0, count: batch.rows)
        let shardLosses = stride(from: 0, to: batch.rows, by: batch.shardRows).map { start -> Double in
            guard weight != 0 else { return 0 }
            var sum = 0.0
            for i in start..<(start + batch.shardRows) {
                // A row whose negatives are all excluded contributes nothing.
                if excludesPositive, let matches, matches.leftOut(i) + 1 == batch.size { continue }
                var softmax = PairSoftmax(sums, positives, i, excludesPositive: excludesPositive)
                let count = statistics.positiveCount(i)
                if count > 1 {
                    softmax.replacePositive(
                        statistics.positive(i), byMeanOf: count, others: statistics.otherPositivesSum(i))
                    weights.otherPositives.pointer[i] -= Float(share / temperature / Double(count))
                }
                sum += softmax.loss
                pairLosses[i] = weight * softmax.loss
                exponents.pointer[i] = Float(softmax.shift)
                factors.pointer[i] = Float(share / temperature / softmax.denominator)
                weights.diagonal.pointer[i] -= Float(share / temperature * softmax.negativeProbability)
            }
            return share * sum
        }
        return LossValue(pairLosses: pairLosses, shardLosses: shardLosses, constant: 0)
    }

    /// The softmax of one pair's positive among its negatives.
    ///
    /// With x = Σ_{j≠i} e^S_ij / e^S_ii the loss is ln(1 + x) and its derivative in S_ii is -x / (1 + x). Both are free
    /// of cancellation. If the positive is excluded, they are ln x and -1.
    private struct PairSoftmax {
        let shift: Double
        /// The denominator of the softmax, times 2^-shift.
        let denominator: Double
        /// 1 - p, where p is the probability of the positive.
        private(set) var negativeProbability: Double
        private(set) var loss: Double

        /// Replaces the positive S_ii in the loss by the mean of several positives, S_ii among them. The derivative in
        /// S_ii is then p - 1/count.
        mutating func replacePositive(_ positive: Double, byMeanOf count: Int, others: Double) {
            let count = Double(count)
            loss += ((count - 1) * positive - others) / count
            negativeProbability -= 1 - 1 / count
        }

        init(_ sums: LogSumExp, _ positives: Tensor, _ i: Int, excludesPositive: Bool) {
            let logPositive = Double(positives.pointer[i])
            let exponent = Double(sums.exponent.pointer[i]), mantissa = Double(sums.mantissa.pointer[i])
            var negatives = mantissa, positive = 0.0
            if excludesPositive {
                shift = exponent
            } else {
                (shift, negatives, positive) = sums.withPositive(positives, i)
            }
            let ratio = negatives / positive
            denominator = negatives + positive
            negativeProbability = positive > 0 ? ratio / (1 + ratio) : 1
            loss = positive > 0 ? log1p(ratio) : (exponent - logPositive) * log(2) + log(mantissa)
        }
    }
}

// MARK: - Gaussian pairs

/// The loss over infinitely many Gaussian pairs:
/// `first E_v log E_u e^S + second E_u log E_v e^S - (first + second) E[S]`.
struct ConditionalPopulation: GaussianPopulation {
    let directions: DirectionWeights
    /// Whether the loss on batches excludes the positive; with infinite data this makes no difference.
    let excludesPositive: Bool

    func value(_ score: GaussianScore) -> Double {
        directions.first * (score.logMeanOverFirst - score.meanOverPairs) + directions.second
            * (score.logMeanOverSecond - score.meanOverPairs)
    }

    /// (first + second) log N; log(N - 1) without the positive.
    func batchConstant(batchSize: Int) -> Double {
        (directions.first + directions.second) * log(Double(excludesPositive ? batchSize - 1 : batchSize))
    }

    /// a = σ.
    func innerProductMinimizer(correlation: Double) -> Double? { hasMinimum ? correlation : nil }

    /// - (1, 0): g² = σ²/(1-σ²), h² = 1/(1-σ²); for (0, 1) g and h are exchanged.
    /// - equal weights: g² = h² = 1/q - 1, q = (-1 + √(1 + 8(1-σ)))/2.
    /// - other weights have no closed form; the minimum is found numerically.
    func quadraticMinimizer(correlation: Double) -> (first: Double, second: Double)? {
        guard hasMinimum else { return nil }
        let square = correlation * correlation
        if directions.second == 0 { return (square / (1 - square), 1 / (1 - square)) }
        if directions.first == 0 { return (1 / (1 - square), square / (1 - square)) }
        guard directions.first == directions.second else { return numericalMinimizer(correlation) }
        // q = (√(1 + 8(1-σ)) - 1) / 2, without cancellation at σ near 1.
        let q = 4 * (1 - correlation) / ((1 + 8 * (1 - correlation)).squareRoot() + 1)
        return (1 / q - 1, 1 / q - 1)
    }

    private var hasMinimum: Bool {
        directions.first >= 0 && directions.second >= 0 && directions.first + directions.second > 0
    }

    private func numericalMinimizer(_ correlation: Double) -> (first: Double, second: Double) {
        var search = LBFGS()
        search.tolerance = 1e-13
        let start = (0.5 * correlation / (1 - correlation)).squareRoot() + 0.1
        let best = search.minimize(from: [start, start]) { point, gradient in
            gradient = slope(first: point[0], second: point[1], correlation: correlation)
            return value(
                GaussianScore(.quadratic, first: point[0], second: point[1], correlation: correlation))
        }
        return (abs(best.point[0]) * abs(best.point[0]), abs(best.point[1]) * abs(best.point[1]))
    }

    /// ∂/∂g and ∂/∂h of `value`, for the quadratic similarity.
    private func slope(first g: Double, second h: Double, correlation: Double) -> [Double] {
        /// ∂/∂x and ∂/∂y of -½ log(1 + x²) + ½ x² y² / (1 + x²) - ½ y². x is the length of the modality that is
        /// predicted.
        func direction(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
            let p = 1 + x * x
            return (x * (y * y / p - 1) / p, y * (x * x / p - 1))
        }
        let a = direction(g, h), b = direction(h, g), both = directions.first + directions.second
        return [
            directions.first * a.x + directions.second * b.y + both * (g - correlation * h),
            directions.first * a.y + directions.second * b.x + both * (h - correlation * g),
        ]
    }
}
