import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// `(1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)]`, r and c the log-sum-exp of rows and columns (Baptista, Stuart, Tran 2025; with ½, ½ the
/// InfoNCE of CLIP), or of rows and columns without the positive (decoupled).
struct ConditionalLoss: SoftmaxLoss {
    let first: Double
    let second: Double
    let excludesPositive: Bool
    /// Whether log N is subtracted: a log-mean-exp in place of a log-sum-exp.
    var isLogMean = false

    var needsRows: Bool { second != 0 }
    var needsColumns: Bool { first != 0 }

    func finish(
        _ statistics: SoftmaxStatistics, batch: Int, shardRows: Int, temperature: Double,
        communicator: any Communicator,
        weights: SoftmaxWeights
    ) throws -> (shards: [Double], constant: Double) {
        weights.diagonal.fill(0)
        let rows = finishSide(
            statistics.rows, statistics.positives, share: second / Double(batch), temperature: temperature,
            shardRows: shardRows,
            exponent: weights.rowExponent, weight: weights.rowWeight, diagonal: weights.diagonal)
        let columns = finishSide(
            statistics.columns, statistics.positives, share: first / Double(batch), temperature: temperature,
            shardRows: shardRows,
            exponent: weights.columnExponent, weight: weights.columnWeight, diagonal: weights.diagonal)
        return (zip(rows, columns).map { $0 + $1 }, constant(batch))
    }

    func pairLosses(_ statistics: SoftmaxStatistics, batch: Int, shardRows: Int, communicator: any Communicator)
        -> [Double]
    {
        func loss(_ sums: LogSumExp, _ i: Int, _ weight: Double) -> Double {
            weight == 0 ? 0 : weight * Odds(sums, statistics.positives, i, excludesPositive: excludesPositive).loss
        }
        let constant = constant(batch)
        return (0..<statistics.positives.count).map {
            loss(statistics.rows, $0, second) + loss(statistics.columns, $0, first) + constant
        }
    }

    private func constant(_ batch: Int) -> Double { isLogMean ? -(first + second) * log(Double(batch)) : 0 }

    /// One pair in one of the two softmaxes: with x = Σ_{j≠i} e^S_ij / e^S_ii its loss is ln(1 + x), and the positive's weight -x / (1 + x): both without
    /// cancellation. Decoupled: ln x and -1.
    private struct Odds {
        let shift: Double
        /// What the softmax divides by, times 2^-shift.
        let total: Double
        /// 1 - p, p the positive's share.
        let missing: Double
        let loss: Double

        init(_ sums: LogSumExp, _ positives: Tensor, _ i: Int, excludesPositive: Bool) {
            let positive = Double(positives.pointer[i])
            let othersExponent = Double(sums.exponent.pointer[i]), othersMantissa = Double(sums.mantissa.pointer[i])
            var others = othersMantissa, own = 0.0
            if excludesPositive { shift = othersExponent } else { (shift, others, own) = sums.beside(positives, i) }
            let ratio = others / own
            total = others + own
            missing = own > 0 ? ratio / (1 + ratio) : 1
            loss = own > 0 ? log1p(ratio) : (othersExponent - positive) * log(2) + log(othersMantissa)
        }
    }

    /// One of the two softmaxes.
    private func finishSide(
        _ sums: LogSumExp, _ positives: Tensor, share: Double, temperature: Double, shardRows: Int, exponent: Tensor,
        weight: Tensor,
        diagonal: Tensor
    ) -> [Double] {
        let rows = positives.count
        if share == 0 {
            exponent.fill(-COUPLET_EMPTY)
            weight.fill(0)
            return [Double](repeating: 0, count: rows / shardRows)
        }
        return stride(from: 0, to: rows, by: shardRows).map { start in
            var sum = 0.0
            for i in start..<(start + shardRows) {
                let odds = Odds(sums, positives, i, excludesPositive: excludesPositive)
                sum += odds.loss
                exponent.pointer[i] = Float(odds.shift)
                weight.pointer[i] = Float(share / temperature / odds.total)
                diagonal.pointer[i] -= Float(share / temperature * odds.missing)
            }
            return share * sum
        }
    }
}
