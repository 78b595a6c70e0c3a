import CCoupletKernels
import CoupletTensors

/// `ComparedSets.allEncodings`: the negatives of each encoding are the other encodings of both modalities.
///
/// The engine's `scores` score the modalities against each other; `additionalScores` score each modality against itself
/// and use the weights of `scores`.
extension PairwiseEngine {
    /// Computes the three score matrices.
    /// - Parameter temperature: the divisor of the score function.
    /// - Returns: the loss, and Σ ∂loss/∂S S within the modalities of each local shard.
    func evaluateAllEncodings(
        _ loss: any SoftmaxLoss, first: Tensor, second: Tensor, temperature: Double, gradients: Bool
    ) throws -> (value: LossValue, shardScoreGradients: [Double]) {
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
        let value = try scores.evaluate(loss, batch)
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
        return (value, shardScoreGradients)
    }

    /// Adds the gradients of the scores within each modality to the gradients of the scores between the modalities.
    func addWithinModalityGradients() {
        couplet_add(rows * dimension, additionalScores[0].firstGradient.pointer, scores.firstGradient.pointer)
        couplet_add(rows * dimension, additionalScores[1].firstGradient.pointer, scores.secondEncodingGradient.pointer)
    }
}
