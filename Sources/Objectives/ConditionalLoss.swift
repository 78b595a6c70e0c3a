import CKernels
import Collectives
import Foundation
import Tensors

/// `(1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)]`, r and c the log-sum-exp of rows and columns (Baptista, Stuart, Tran 2025; with ½, ½ the InfoNCE of CLIP).
struct ConditionalLoss: PairwiseLoss {
    let first: Double
    let second: Double

    var needsRows: Bool { second != 0 }
    var needsColumns: Bool { first != 0 }

    func finish(
        _ statistics: PairStatistics, batch: Int, shardRows: Int, temperature: Double, communicator: any Communicator,
        weights: PairWeights
    ) throws -> (shards: [Double], constant: Double) {
        weights.diagonal.fill(0)
        let rows = finishSide(
            statistics.rows, statistics.positives, share: second / Double(batch), temperature: temperature, shardRows: shardRows,
            exponent: weights.rowExponent, weight: weights.rowWeight, diagonal: weights.diagonal)
        let columns = finishSide(
            statistics.columns, statistics.positives, share: first / Double(batch), temperature: temperature, shardRows: shardRows,
            exponent: weights.columnExponent, weight: weights.columnWeight, diagonal: weights.diagonal)
        return (zip(rows, columns).map { $0 + $1 }, 0)
    }

    func pairLosses(_ statistics: PairStatistics, batch: Int, shardRows: Int, communicator: any Communicator) -> [Double] {
        (0..<statistics.positives.count).map { i in
            (second == 0 ? 0 : second * Odds(statistics.rows, statistics.positives, i).loss)
                + (first == 0 ? 0 : first * Odds(statistics.columns, statistics.positives, i).loss)
        }
    }

    /// One pair in one of the two softmaxes: with x = Σ_{j≠i} e^S_ij / e^S_ii its loss is ln(1 + x), and the positive's weight -x / (1 + x): both without cancellation.
    private struct Odds {
        let shift: Double
        /// The two sums, times 2^-shift.
        let others: Double, own: Double
        /// x.
        let ratio: Double
        let loss: Double

        init(_ sums: PairSums, _ positives: Tensor, _ i: Int) {
            let positive = Double(positives.pointer[i])
            let othersExponent = Double(sums.exponent.pointer[i]), othersMantissa = Double(sums.mantissa.pointer[i])
            shift = max(othersExponent, positive.rounded(.down))
            others = othersMantissa * exp2(othersExponent - shift)
            own = exp2(positive - shift)
            ratio = others / own
            loss = own > 0 ? log1p(ratio) : (othersExponent - positive) * log(2) + log(othersMantissa)
        }
    }

    /// One of the two softmaxes.
    private func finishSide(
        _ sums: PairSums, _ positives: Tensor, share: Double, temperature: Double, shardRows: Int, exponent: Tensor, weight: Tensor,
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
                let odds = Odds(sums, positives, i)
                sum += odds.loss
                exponent.pointer[i] = Float(odds.shift)
                weight.pointer[i] = Float(share / temperature / (odds.others + odds.own))
                diagonal.pointer[i] -= Float(share / temperature * (odds.own > 0 ? odds.ratio / (1 + odds.ratio) : 1))
            }
            return share * sum
        }
    }
}
