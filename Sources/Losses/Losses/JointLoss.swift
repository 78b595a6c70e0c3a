import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// `LSE_ij(S) - log N² - (1/N) Σ_i S_ii` (Baptista, Stuart, Tran 2025, arXiv 2505.24134): fits the joint distribution of the pair. Without the positives in
/// the sum: `LSE_{i≠j}(S) - log N(N-1) - (1/N) Σ_i S_ii`.
struct JointLoss: SoftmaxLoss {
    let excludesPositives: Bool

    var needsRows: Bool { true }
    var needsColumns: Bool { false }

    func finish(
        _ statistics: SoftmaxStatistics, batch: Int, shardRows: Int, temperature: Double,
        communicator: any Communicator,
        weights: SoftmaxWeights
    ) throws -> (shards: [Double], constant: Double) {
        let positives = statistics.positives
        let (shift, total) = try sum(statistics, shardRows: shardRows, communicator: communicator)
        let share = 1 / Double(batch)
        weights.rowExponent.fill(Float(shift))
        weights.rowWeight.fill(Float(1 / temperature / total))
        weights.columnExponent.fill(-COUPLET_EMPTY)
        weights.columnWeight.fill(0)
        for i in 0..<positives.count {
            let part = excludesPositives ? 0 : exp2(Double(positives.pointer[i]) - shift) / total
            weights.diagonal.pointer[i] = Float((part - share) / temperature)
        }
        let parts = stride(from: 0, to: positives.count, by: shardRows).map { start in
            -share * log(2) * (start..<(start + shardRows)).reduce(0.0) { $0 + Double(positives.pointer[$1]) }
        }
        return (parts, constant(shift, total, batch))
    }

    func pairLosses(_ statistics: SoftmaxStatistics, batch: Int, shardRows: Int, communicator: any Communicator) throws
        -> [Double]
    {
        let (shift, total) = try sum(statistics, shardRows: shardRows, communicator: communicator)
        let constant = self.constant(shift, total, batch)
        return (0..<statistics.positives.count).map { constant - log(2) * Double(statistics.positives.pointer[$0]) }
    }

    /// LSE(S) - log N², or - log N(N - 1) over i ≠ j.
    private func constant(_ shift: Double, _ total: Double, _ batch: Int) -> Double {
        (shift + log2(total)) * log(2) - log(Double(batch) * Double(excludesPositives ? batch - 1 : batch))
    }

    /// Σ_ij e^S_ij over all workers as total · 2^shift, the same on all.
    private func sum(
        _ statistics: SoftmaxStatistics, shardRows: Int, communicator: any Communicator
    ) throws -> (shift: Double, total: Double) {
        let positives = statistics.positives, sums = statistics.rows
        let starts = stride(from: 0, to: positives.count, by: shardRows)
        // A shard's sum over all its scores, as (exponent, mantissa).
        let local = starts.flatMap { start -> [Double] in
            let range = start..<(start + shardRows)
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
        let all = try communicator.allGather(numbers: local)
        let shards = (0..<(all.count / 2)).map { (exponent: all[2 * $0], mantissa: all[2 * $0 + 1]) }
        let shift = shards.map(\.exponent).max()!
        return (shift, PairwiseSummation.sum(shards.map { $0.mantissa * exp2($0.exponent - shift) }))
    }
}
