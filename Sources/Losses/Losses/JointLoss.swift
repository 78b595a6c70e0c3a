import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// `LSE_ij(S) - log N² - (1/N) Σ_i S_ii` (Baptista, Stuart, Tran 2025, arXiv 2505.24134): fits the joint distribution
/// of the pairs.
///
/// Off-diagonal, without the positives in the sum: `LSE_{i≠j}(S) - log N(N-1) - (1/N) Σ_i S_ii`.
struct JointLoss: SoftmaxLoss {
    let excludesPositives: Bool

    var needsRowSums: Bool { true }
    var needsColumnSums: Bool { false }

    func evaluate(
        _ statistics: SoftmaxStatistics, batchSize: Int, shardRows: Int, temperature: Double,
        communicator: any Communicator, weights: SoftmaxWeights
    ) throws -> (shardLosses: [Double], constant: Double) {
        let positives = statistics.positives
        let (shift, total) = try sumOfExponentials(statistics, shardRows: shardRows, communicator: communicator)
        let pairWeight = 1 / Double(batchSize)
        weights.rowExponent.fill(Float(shift))
        weights.rowWeight.fill(Float(1 / temperature / total))
        weights.columnExponent.fill(-COUPLET_EMPTY)
        weights.columnWeight.fill(0)
        for i in 0..<positives.count {
            let probability = excludesPositives ? 0 : exp2(Double(positives.pointer[i]) - shift) / total
            weights.diagonal.pointer[i] = Float((probability - pairWeight) / temperature)
        }
        let shardLosses = stride(from: 0, to: positives.count, by: shardRows).map { start in
            -pairWeight * log(2) * (start..<(start + shardRows)).reduce(0.0) { $0 + Double(positives.pointer[$1]) }
        }
        return (shardLosses, constant(shift, total, batchSize))
    }

    func pairLosses(
        _ statistics: SoftmaxStatistics, batchSize: Int, shardRows: Int, communicator: any Communicator
    ) throws -> [Double] {
        let (shift, total) = try sumOfExponentials(statistics, shardRows: shardRows, communicator: communicator)
        let constant = self.constant(shift, total, batchSize)
        return (0..<statistics.positives.count).map { constant - log(2) * Double(statistics.positives.pointer[$0]) }
    }

    /// LSE(S) - log N², or LSE(S) - log N(N - 1) over i ≠ j.
    private func constant(_ shift: Double, _ total: Double, _ batchSize: Int) -> Double {
        (shift + log2(total)) * log(2) - log(Double(batchSize) * Double(excludesPositives ? batchSize - 1 : batchSize))
    }

    /// Σ_ij e^S_ij over all workers as total · 2^shift, the same bits on every worker. Every worker must call it.
    private func sumOfExponentials(
        _ statistics: SoftmaxStatistics, shardRows: Int, communicator: any Communicator
    ) throws -> (shift: Double, total: Double) {
        let positives = statistics.positives, sums = statistics.rows
        let starts = stride(from: 0, to: positives.count, by: shardRows)
        // The sum over all scores of each local shard, as (exponent, mantissa).
        let localSums = starts.flatMap { start -> [Double] in
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
        let gathered = try communicator.allGather(numbers: localSums)
        let shards = (0..<(gathered.count / 2)).map { (exponent: gathered[2 * $0], mantissa: gathered[2 * $0 + 1]) }
        let shift = shards.map(\.exponent).max()!
        return (shift, PairwiseSummation.sum(shards.map { $0.mantissa * exp2($0.exponent - shift) }))
    }
}
