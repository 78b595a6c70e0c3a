import Couplet

/// The cross entropies of rows and columns with an additive margin m (Yang et al., *Improving Multilingual Sentence
/// Embedding using Bi-directional Dual Encoder with Additive Margin Softmax*, IJCAI 2019):
///
///     (1/2N) Σ_i [ log(1 + Σ_{j≠i} e^{S_ij - S_ii + m}) + log(1 + Σ_{j≠i} e^{S_ji - S_ii + m}) ]
///
/// With m = 0 it is `ConditionalLoss`.
struct MarginLoss: SoftmaxLoss {
    var margin = 0.2

    static let name = "margin"
    static let table = ConfigurationTable(
        MarginLoss(), help: "Cross entropies in which a positive must win by a margin.",
        [.key("margin", \.margin, .number(.nonNegative, example: 0.2), "Subtracted from the score of each positive.")])

    func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
        let share = 0.5 / Double(batch.size)
        let losses = (0..<batch.rows).map { i in
            let positive = statistics.positive(i) - margin
            let row = CrossEntropy(positive, others: statistics.rowLogSum(i))
            let column = CrossEntropy(positive, others: statistics.columnLogSum(i))
            weights.setRow(i, share, logSum: positive + row.value)
            weights.setColumn(i, share, logSum: positive + column.value)
            weights.setPositive(i, share * (row.slope + column.slope))
            return 0.5 * (row.value + column.value)
        }
        return LossValue(pairLosses: losses, batch: batch)
    }
}

/// log(1 + e^x) with x = log Σ_{j≠i} e^{S_ij} - (S_ii - m), and its derivative in S_ii, the probability of the positive
/// less 1. Neither overflows, and neither loses digits by cancellation.
private struct CrossEntropy {
    let value: Double
    let slope: Double

    init(_ positive: Double, others: Double) {
        let x = others - positive
        value = max(x, 0) + Couplet.log1p(Couplet.exp(-abs(x)))
        slope = -1 / (1 + Couplet.exp(-x))
    }
}
