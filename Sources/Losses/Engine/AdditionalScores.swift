import CCoupletKernels
import CoupletTensors

// Losses that compare more than the two modalities of one batch: `PairwiseEngine.additionalScores`.

/// `ComparedSets.secondBatch`: the negatives of each encoding are the encodings of a second batch of its own modality.
/// The engine's `scores` score the first modality, `additionalScores[0]` the second one.
extension PairwiseEngine {
    /// Evaluates both modalities one after the other, then adds the gradients of the positives.
    /// - Parameters:
    ///   - encodings: both modalities of the batch, then of the second batch.
    ///   - keys: the numbers of the pairs that are compared (`GroupScores.keyCount` lists), of the batch and of the
    ///     second batch.
    ///   - temperature: the divisor of the score function.
    /// - Returns: the loss, and Σ ∂loss/∂S S of each local shard.
    func evaluateSecondBatch(
        _ loss: any SoftmaxLoss, _ encodings: [Tensor], keys: (first: [[Int]], second: [[Int]]),
        temperature: Double, gradients: Bool
    ) throws -> (value: LossValue, shardScoreGradients: [Double]) {
        let (first, second) = (encodings[0], encodings[1])
        var values: [LossValue] = [], shardScoreGradients = [Double](repeating: 0, count: schedule.localShards.count)
        let modalities = zip([scores, additionalScores[0]], zip([first, second], encodings[2...]))
        for (scores, (anchors, negatives)) in modalities {
            scores.load(
                first: anchors, second: negatives, temperature: temperature, firstKeys: keys.first,
                secondKeys: keys.second)
            try scores.firstPass(rows: true, columns: false)
            computePositives(first, second, temperature: temperature, into: scores.statistics.positives)
            values.append(try scores.evaluate(loss, batch))
            guard gradients else { continue }
            try scores.secondPass()
            shardScoreGradients = zip(shardScoreGradients, scores.finishGradients(second: negatives)).map { $0 + $1 }
        }
        guard gradients else { return (values[0] + values[1], shardScoreGradients) }
        for scores in [scores, additionalScores[0]] {
            let slopes = scores.weights.diagonal.pointer, positives = scores.statistics.positives.pointer
            shardScoreGradients = shardScoreGradients.enumerated().map { shard, sum in
                (shard * batch.shardRows..<(shard + 1) * batch.shardRows).reduce(sum) {
                    $0 + Double(slopes[$1]) * temperature * Double(positives[$1]) * log(2)
                }
            }
            addPositiveGradients(first, second, scores.weights.diagonal)
        }
        return (values[0] + values[1], shardScoreGradients)
    }

    /// Computes the scores T_ii of the pairs.
    private func computePositives(_ first: Tensor, _ second: Tensor, temperature: Double, into positives: Tensor) {
        let scale = 1 / (temperature * log(2))
        if let distance = scoreFunction.distance {
            couplet_pair_distances(
                rows, dimension, first.pointer, second.pointer, distance.order, distance.takesRoot,
                -distance.factor * scale, positives.pointer)
        } else {
            for i in 0..<rows {
                let product = couplet_dot(dimension, first.pointer + i * dimension, second.pointer + i * dimension)
                positives.pointer[i] = Float(scale * product)
            }
        }
    }

    /// Adds the gradients of the scores of the pairs.
    /// - Parameter slopes: ∂loss/∂S_ii divided by the temperature. They are overwritten.
    private func addPositiveGradients(_ first: Tensor, _ second: Tensor, _ slopes: Tensor) {
        let firstGradient = scores.firstGradient.pointer, secondGradient = additionalScores[0].firstGradient.pointer
        if let distance = scoreFunction.distance {
            // Converts ∂loss/∂S divided by the temperature to ∂loss/∂distance.
            couplet_scale(rows, Float(-distance.factor), slopes.pointer)
            couplet_add_pair_gradients(
                rows, dimension, first.pointer, second.pointer, distance.order, distance.takesRoot, slopes.pointer,
                firstGradient, secondGradient)
        } else {
            for i in 0..<rows {
                let row = i * dimension
                couplet_add_scaled(dimension, slopes.pointer[i], second.pointer + row, firstGradient + row)
                couplet_add_scaled(dimension, slopes.pointer[i], first.pointer + row, secondGradient + row)
            }
        }
    }
}

extension ScoreFunction {
    /// The score as -factor · distance, for the kernels of pairs; nil for the product.
    fileprivate var distance: (order: Int32, takesRoot: Int32, factor: Double)? {
        switch self {
        case .product: nil
        case .quadratic: (2, 0, 0.5)
        case .euclidean: (2, 1, 1)
        case .manhattan: (1, 0, 1)
        }
    }
}

// MARK: - All encodings

/// `ComparedSets.allEncodings`: the negatives of each encoding are the other encodings of both modalities.
///
/// The engine's `scores` score the modalities against each other; `additionalScores` score each modality against itself
/// and use the weights of `scores`.
extension PairwiseEngine {
    /// Computes the three score matrices.
    /// - Parameters:
    ///   - keys: the numbers of the pairs that are compared (`GroupScores.keyCount` lists).
    ///   - temperature: the divisor of the score function.
    /// - Returns: the loss, and Σ ∂loss/∂S S within the modalities of each local shard.
    func evaluateAllEncodings(
        _ loss: any SoftmaxLoss, first: Tensor, second: Tensor, keys: [[Int]], temperature: Double, gradients: Bool
    ) throws -> (value: LossValue, shardScoreGradients: [Double]) {
        let modalities = zip(
            additionalScores, zip([first, second], [scores.statistics.rows, scores.statistics.columns]))
        scores.load(
            first: first, second: second, temperature: temperature, firstKeys: keys, secondKeys: keys)
        try scores.firstPass(rows: true, columns: true)
        for (withinModality, (encodings, sums)) in modalities {
            withinModality.load(
                first: encodings, second: encodings, temperature: temperature, firstKeys: keys, secondKeys: keys
            )
            try withinModality.firstPass(rows: true, columns: false)
            let added = withinModality.statistics.rows
            couplet_add_sums(
                rows, added.exponent.pointer, added.mantissa.pointer, sums.exponent.pointer, sums.mantissa.pointer)
        }
        addMatchesWithinModalities()
        let value = try scores.evaluate(loss, batch)
        var shardScoreGradients = [Double](repeating: 0, count: schedule.localShards.count)
        if gradients {
            try scores.secondPass()
            for (withinModality, (encodings, _)) in modalities {
                try withinModality.secondPass()
                shardScoreGradients = zip(shardScoreGradients, withinModality.finishGradients(second: encodings)).map {
                    $0 + $1
                }
            }
        }
        return (value, shardScoreGradients)
    }

    /// Adds the matches within each modality to those between the modalities, as means over the two anchors of a pair.
    private func addMatchesWithinModalities() {
        guard let matches = scores.statistics.matches else { return }
        for within in additionalScores.compactMap(\.statistics.matches) {
            for i in 0..<rows { matches.sums[i] += 0.5 * within.sums[i] }
        }
        // Each anchor has as many matches within its modality as in the other one.
        for i in 0..<rows { matches.counts[i] *= 2 }
    }

    /// Adds the gradients of the scores within each modality to the gradients of the scores between the modalities.
    func addWithinModalityGradients() {
        couplet_add(rows * dimension, additionalScores[0].firstGradient.pointer, scores.firstGradient.pointer)
        couplet_add(rows * dimension, additionalScores[1].firstGradient.pointer, scores.secondEncodingGradient.pointer)
    }
}
