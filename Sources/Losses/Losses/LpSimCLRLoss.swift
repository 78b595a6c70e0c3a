import CCoupletKernels
import CoupletTensors
import Foundation

/// A distance between encodings: (Σ_k |g_k - h_k|^p)^{1/p}, or its p-th power.
public struct LpDistance: Equatable, Sendable {
    /// The order p.
    public enum Order: Int, CaseIterable, Sendable {
        case one = 1, two = 2
    }

    /// p.
    public var order: Order
    /// Whether the distance is the p-th power Σ_k |g_k - h_k|^p. For p = 1 both are the same.
    public var power: Bool

    public init(order: Order = .two, power: Bool = true) {
        self.order = order
        self.power = power
    }

    var scoreFunction: ScoreFunction {
        switch (order, power) {
        case (.two, true): .quadratic
        case (.two, false): .euclidean
        case (.one, _): .manhattan
        }
    }

    /// The divisor that turns values of `scoreFunction` into the scores -distance / τ.
    func scoreTemperature(_ temperature: Double) -> Double {
        scoreFunction == .quadratic ? 0.5 * temperature : temperature
    }
}

/// Lp-SimCLR with a second batch (Daunhawer et al., ICLR 2023): the mean over both directions of
///
///     (1/N) Σ_i [P_i/τ + ln (1/(N+1)) (Σ_j e^{-D_ij/τ} + e^{-P_i/τ})]
///
/// The engine's `scores` hold the first modality's D, `additionalScores[0]` the second modality's.
extension PairwiseEngine {
    /// Half the loss of each anchor. Its negatives are the columns of its row.
    private static let anchorLoss = ConditionalLoss(first: 0, second: 0.5, excludesPositive: false)

    /// The constant of the loss: -ln(N + 1).
    var lpSimCLRConstant: Double { -log(Double(batchSize) + 1) }

    /// Evaluates both modalities one after the other, then adds the gradients of the distances P_i.
    /// - Returns: for each local shard its contribution to the loss, and Σ ∂loss/∂S S.
    func evaluateLpSimCLR(
        _ distance: LpDistance, first: Tensor, second: Tensor, secondBatch: (first: Tensor, second: Tensor),
        temperature: Double, gradients: Bool
    ) throws -> (shardLosses: [Double], shardScoreGradients: [Double]) {
        let order = Int32(distance.order.rawValue), takesRoot: Int32 = distance.scoreFunction == .euclidean ? 1 : 0
        let scoreTemperature = loss.scoreTemperature(temperature)
        let zeros = [Double](repeating: 0, count: schedule.localShards)
        var shardLosses = zeros, shardScoreGradients = zeros
        let directions = zip(
            [scores, additionalScores[0]], [(first, secondBatch.first), (second, secondBatch.second)])
        for (scores, (anchors, negatives)) in directions {
            scores.load(first: anchors, second: negatives, temperature: scoreTemperature)
            try scores.firstPass(rows: true, columns: false)
            couplet_pair_distances(
                rows, dimension, first.pointer, second.pointer, order, takesRoot, -1 / (temperature * log(2)),
                scores.statistics.positives.pointer)
            let result = try Self.anchorLoss.evaluate(
                scores.statistics, batchSize: batchSize, shardRows: shardRows, temperature: scoreTemperature,
                communicator: schedule.communicator, weights: scores.weights)
            shardLosses = zip(shardLosses, result.shardLosses).map { $0 + $1 }
            guard gradients else { continue }
            try scores.secondPass(second: negatives)
            shardScoreGradients = zip(shardScoreGradients, scores.finishGradients(second: negatives)).map { $0 + $1 }
        }
        guard gradients else { return (shardLosses, shardScoreGradients) }
        for scores in [scores, additionalScores[0]] {
            let slopes = scores.weights.diagonal.pointer, positives = scores.statistics.positives.pointer
            shardScoreGradients = shardScoreGradients.enumerated().map { shard, sum in
                (shard * shardRows..<(shard + 1) * shardRows).reduce(sum) {
                    $0 + Double(slopes[$1]) * scoreTemperature * Double(positives[$1]) * log(2)
                }
            }
            // Converts ∂loss/∂S divided by the score temperature to ∂loss/∂distance.
            couplet_scale(rows, Float(-scoreTemperature / temperature), slopes)
            couplet_add_pair_gradients(
                rows, dimension, first.pointer, second.pointer, order, takesRoot, slopes,
                self.scores.firstGradient.pointer, additionalScores[0].firstGradient.pointer)
        }
        return (shardLosses, shardScoreGradients)
    }

    /// The loss of each local pair, from the statistics of the last `evaluateLpSimCLR`.
    func lpSimCLRPairLosses() throws -> [Double] {
        let first = try pairLosses(Self.anchorLoss, scores),
            second = try pairLosses(Self.anchorLoss, additionalScores[0])
        return zip(first, second).map { $0 + $1 + lpSimCLRConstant }
    }
}
