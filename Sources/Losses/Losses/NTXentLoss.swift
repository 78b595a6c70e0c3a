import CCoupletKernels
import CoupletTensors

/// NT-Xent (Chen et al., ICML 2020): `(1/2N) Σ_z [LSE_{z' ≠ z} S(z, z') - S(z, its pair)]` over all 2N encodings z of
/// both modalities.
///
/// The engine's `scores` compare the two modalities; `additionalScores` compare each modality with itself and use the
/// weights of `scores`.
extension PairwiseEngine {
    /// Half the loss of each anchor, of both modalities.
    private static let anchorLoss = ConditionalLoss(first: 0.5, second: 0.5, excludesPositive: false)

    /// Computes the three score matrices.
    /// - Returns: for each local shard its contribution to the loss, and Σ ∂loss/∂S S within the modalities.
    func evaluateNTXent(
        first: Tensor, second: Tensor, temperature: Double, gradients: Bool
    ) throws -> (shardLosses: [Double], shardScoreGradients: [Double]) {
        let modalities = zip(
            additionalScores, zip([first, second], [scores.statistics.rows, scores.statistics.columns]))
        scores.load(first: first, second: second, temperature: temperature)
        try scores.firstPass(rows: true, columns: true)
        for (withinModality, (encodings, sums)) in modalities {
            withinModality.load(first: encodings, second: encodings, temperature: temperature)
            try withinModality.firstPass(rows: true, columns: false)
            let added = withinModality.statistics.rows
            couplet_add_sums(
                rows, added.exponent.pointer, added.mantissa.pointer, sums.exponent.pointer, sums.mantissa.pointer)
        }
        let shardLosses = try Self.anchorLoss.evaluate(
            scores.statistics, batchSize: batchSize, shardRows: shardRows, temperature: temperature,
            communicator: schedule.communicator, weights: scores.weights
        ).shardLosses
        var shardScoreGradients = [Double](repeating: 0, count: schedule.localShards)
        if gradients {
            try scores.secondPass(second: second)
            for (withinModality, (encodings, _)) in modalities {
                try withinModality.secondPass(second: encodings)
                shardScoreGradients = zip(shardScoreGradients, withinModality.finishGradients(second: encodings)).map {
                    $0 + $1
                }
            }
        }
        return (shardLosses, shardScoreGradients)
    }

    /// Adds the gradients of the scores within each modality to the gradients of the scores between the modalities.
    func addWithinModalityGradients() {
        couplet_add(rows * dimension, additionalScores[0].firstGradient.pointer, scores.firstGradient.pointer)
        couplet_add(rows * dimension, additionalScores[1].firstGradient.pointer, scores.secondEncodingGradient.pointer)
    }

    /// The loss of each local pair, the mean of its two anchors, from the statistics of the last `evaluateNTXent`.
    func ntXentPairLosses() throws -> [Double] { try pairLosses(Self.anchorLoss, scores) }
}
