import CoupletLosses
import CoupletSchema
import Foundation

/// Losses as another package writes them: through the public protocols only.

/// Half the cross entropy of each anchor, as `.conditional(first: 0.5, second: 0.5)`, `.lpSimCLR` and `.ntXent` have
/// it.
struct AnchorEntropyLoss: SoftmaxLoss {
    static let name = "anchor_entropy"
    static let table = ConfigurationTable(AnchorEntropyLoss(), [])

    var comparedSets = ComparedSets.modalities
    var distance: LpDistance?

    func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        let weight = 0.5 / Double(batch.size)
        /// Half the loss, and the probability of the negatives.
        func entropy(_ negatives: Double, _ positive: Double) -> (loss: Double, negativeProbability: Double) {
            let x = negatives - positive
            return (max(x, 0) + log1p(exp(-abs(x))), 1 / (1 + exp(-x)))
        }
        let losses = (0..<batch.rows).map { i -> Double in
            let positive = statistics.positive(i), row = entropy(statistics.rowLogSum(i), positive)
            weights.setRow(i, weight, logSum: positive + row.loss)
            guard comparedSets != .secondBatch else {
                weights.setPositive(i, -weight * row.negativeProbability)
                return 0.5 * row.loss
            }
            let column = entropy(statistics.columnLogSum(i), positive)
            weights.setColumn(i, weight, logSum: positive + column.loss)
            weights.setPositive(i, -weight * (row.negativeProbability + column.negativeProbability))
            return 0.5 * (row.loss + column.loss)
        }
        let size = Double(batch.size)
        let constant =
            switch comparedSets {
            case .modalities: -log(size)
            case .secondBatch: -0.5 * log(size + 1)
            case .allEncodings: 0.0
            }
        return LossValue(pairLosses: losses, constant: constant, batch: batch)
    }
}

/// `.joint`: one softmax over the batch, whose sum runs over all workers.
struct JointEntropyLoss: SoftmaxLoss {
    static let name = "joint_entropy"
    static let table = ConfigurationTable(JointEntropyLoss(), [])

    var needsColumnSums: Bool { false }
    var gaussianPopulation: (any GaussianPopulation)? { Population() }

    func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) throws -> LossValue {
        let pairs = 0..<batch.rows, size = Double(batch.size)
        let total = try batch.logSumExp(
            pairs.map { i in
                let x = statistics.rowLogSum(i), y = statistics.positive(i)
                return max(x, y) + log1p(exp(-abs(x - y)))
            })
        for i in pairs {
            weights.setRow(i, 1, logSum: total)
            weights.setPositive(i, exp(statistics.positive(i) - total) - 1 / size)
        }
        return LossValue(
            pairLosses: pairs.map { -statistics.positive($0) }, constant: total - 2 * log(size), batch: batch)
    }

    struct Population: GaussianPopulation {
        func value(_ score: GaussianScore) -> Double { score.logMean - score.meanOverPairs }
    }
}

/// `.conditional(first: 0, second: 1)` with several positives a row.
struct SeveralPositivesLoss: SoftmaxLoss {
    static let name = "several_positives"
    static let table = ConfigurationTable(SeveralPositivesLoss(), [])

    var needsColumnSums: Bool { false }
    var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }

    func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        let weight = 1 / Double(batch.size)
        let losses = (0..<batch.rows).map { i -> Double in
            let positive = statistics.positive(i), x = statistics.rowLogSum(i) - positive
            let logSum = positive + max(x, 0) + log1p(exp(-abs(x)))
            let count = Double(statistics.positiveCount(i))
            weights.setRow(i, weight, logSum: logSum)
            weights.setPositive(i, weight * (exp(positive - logSum) - 1 / count))
            if count > 1 { weights.setOtherPositives(i, -weight / count) }
            return logSum - (positive + statistics.otherPositivesSum(i)) / count
        }
        return LossValue(pairLosses: losses, batch: batch)
    }
}

/// `½ max(0, m - z S)²` with z = 1 for positives and -1 for negatives.
struct SquaredHingeLoss: PairwiseLoss {
    static let name = "squared_hinge"
    static let table = ConfigurationTable(
        SquaredHingeLoss(), [.key("margin", \.margin, .number(.positive, example: 0.5), "Distance to the border.")])

    var margin = 1.0

    func evaluateRow(
        _ scores: Span<Float>, positive: Int?, batchSize: Int, derivatives: inout MutableSpan<Float>
    ) -> Double {
        let margin = Float(margin)
        var sum = 0.0
        for j in scores.indices {
            let z: Float = j == positive ? 1 : -1, distance = max(0, margin - z * scores[j])
            sum += 0.5 * Double(distance) * Double(distance)
            derivatives[j] = -z * distance
        }
        return sum
    }
}

/// `.sigmoid`: ln(1 + e^{-z (S + b)}).
struct LogisticLoss: PairwiseLoss {
    static let name = "logistic"
    static let table = ConfigurationTable(
        LogisticLoss(), [.key("bias", \.offset, .bias, "Bias that is added to every score.")])

    var offset = BiasSpecification()
    var bias: BiasSpecification? { offset }

    func evaluateRow(
        _ scores: Span<Float>, positive: Int?, batchSize: Int, derivatives: inout MutableSpan<Float>
    ) -> Double {
        var sum = 0.0
        for j in scores.indices {
            let z = j == positive ? 1.0 : -1.0, x = -z * Double(scores[j])
            sum += max(x, 0) + log1p(exp(-abs(x)))
            derivatives[j] = Float(-z / (1 + exp(-x)))
        }
        return sum
    }
}
