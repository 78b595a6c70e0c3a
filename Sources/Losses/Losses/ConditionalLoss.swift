import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// `(1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)]`, where r and c are the log-sum-exps of rows and columns
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134). With (½, ½) it is CLIP's InfoNCE.
///
/// The decoupled loss has the same form; r and c exclude the positive.
struct ConditionalLoss: SoftmaxLoss {
    /// Weight of first given second: the column softmax.
    let first: Double
    /// Weight of second given first: the row softmax.
    let second: Double
    let excludesPositive: Bool
    /// Whether r and c are log-mean-exps: log N is subtracted from each.
    var isLogMean = false

    var needsRowSums: Bool { second != 0 }
    var needsColumnSums: Bool { first != 0 }

    func evaluate(
        _ statistics: SoftmaxStatistics, batchSize: Int, shardRows: Int, temperature: Double,
        communicator: any Communicator, weights: SoftmaxWeights
    ) throws -> (shardLosses: [Double], constant: Double) {
        weights.diagonal.fill(0)
        let rows = evaluateDirection(
            statistics.rows, statistics.positives, weight: second / Double(batchSize), temperature: temperature,
            shardRows: shardRows, exponents: weights.rowExponent, weights: weights.rowWeight,
            diagonal: weights.diagonal)
        let columns = evaluateDirection(
            statistics.columns, statistics.positives, weight: first / Double(batchSize), temperature: temperature,
            shardRows: shardRows, exponents: weights.columnExponent, weights: weights.columnWeight,
            diagonal: weights.diagonal)
        return (zip(rows, columns).map { $0 + $1 }, constant(batchSize))
    }

    func pairLosses(
        _ statistics: SoftmaxStatistics, batchSize: Int, shardRows: Int, communicator: any Communicator
    ) -> [Double] {
        func loss(_ sums: LogSumExp, _ i: Int, _ weight: Double) -> Double {
            weight == 0
                ? 0 : weight * PairSoftmax(sums, statistics.positives, i, excludesPositive: excludesPositive).loss
        }
        let constant = constant(batchSize)
        return (0..<statistics.positives.count).map {
            loss(statistics.rows, $0, second) + loss(statistics.columns, $0, first) + constant
        }
    }

    private func constant(_ batchSize: Int) -> Double { isLogMean ? -(first + second) * log(Double(batchSize)) : 0 }

    /// Computes the loss and the weights of one direction: the row softmax or the column softmax.
    /// - Parameter weight: the direction's weight over N.
    /// - Returns: the contribution of each local shard to the loss.
    private func evaluateDirection(
        _ sums: LogSumExp, _ positives: Tensor, weight: Double, temperature: Double, shardRows: Int, exponents: Tensor,
        weights: Tensor, diagonal: Tensor
    ) -> [Double] {
        let rows = positives.count
        if weight == 0 {
            exponents.fill(-COUPLET_EMPTY)
            weights.fill(0)
            return [Double](repeating: 0, count: rows / shardRows)
        }
        return stride(from: 0, to: rows, by: shardRows).map { start in
            var sum = 0.0
            for i in start..<(start + shardRows) {
                let softmax = PairSoftmax(sums, positives, i, excludesPositive: excludesPositive)
                sum += softmax.loss
                exponents.pointer[i] = Float(softmax.shift)
                weights.pointer[i] = Float(weight / temperature / softmax.denominator)
                diagonal.pointer[i] -= Float(weight / temperature * softmax.negativeProbability)
            }
            return weight * sum
        }
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
        let negativeProbability: Double
        let loss: Double

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
