import CCoupletKernels
import CoupletTensors
import Foundation

/// The losses in which more sets meet than the two modalities of one batch.
extension PairwiseEngine {
    /// Half the loss of anchors whose negatives are the rows' sums.
    static let anchors = ConditionalLoss(first: 0, second: 0.5, excludesPositive: false)
    static let bothAnchors = ConditionalLoss(first: 0.5, second: 0.5, excludesPositive: false)

    /// Both meetings of `lpSimCLR`, one after the other, and the pairs' attraction.
    /// - Returns: for each of this worker's shards its part of the loss, and Σ ∂loss/∂S S.
    func meetSecondBatch(
        _ distance: LpDistance, first: Tensor, second: Tensor, secondBatch: (first: Tensor, second: Tensor),
        temperature: Double, gradients: Bool
    ) throws -> (parts: [Double], scoreParts: [Double]) {
        let order = Int32(distance.order.rawValue), root: Int32 = distance.measure == .euclidean ? 1 : 0
        let scoreTemperature = loss.scoreTemperature(temperature),
            none = [Double](repeating: 0, count: walk.localShards)
        var parts = none, scoreParts = none
        for (meeting, (anchors, strangers)) in zip(
            [meeting, others[0]], [(first, secondBatch.first), (second, secondBatch.second)])
        {
            meeting.begin(first: anchors, second: strangers, temperature: scoreTemperature)
            try meeting.firstPass(rows: true, columns: false)
            couplet_pair_distances(
                rows, dimension, first.pointer, second.pointer, order, root, -1 / (temperature * log(2)),
                meeting.statistics.positives.pointer)
            let finished = try Self.anchors.finish(
                meeting.statistics, batch: batch, shardRows: shardRows, temperature: scoreTemperature,
                communicator: walk.communicator,
                weights: meeting.weights)
            parts = zip(parts, finished.shards).map { $0 + $1 }
            guard gradients else { continue }
            try meeting.secondPass(second: strangers)
            scoreParts = zip(scoreParts, meeting.finishGradients(second: strangers)).map { $0 + $1 }
        }
        guard gradients else { return (parts, scoreParts) }
        for meeting in [meeting, others[0]] {
            let slopes = meeting.weights.diagonal.pointer, positives = meeting.statistics.positives.pointer
            scoreParts = scoreParts.enumerated().map { shard, part in
                (shard * shardRows..<(shard + 1) * shardRows).reduce(part) {
                    $0 + Double(slopes[$1]) * scoreTemperature * Double(positives[$1]) * log(2)
                }
            }
            // From ∂loss/∂S over the measure's temperature to ∂loss/∂distance.
            couplet_scale(rows, Float(-scoreTemperature / temperature), slopes)
            couplet_add_pair_gradients(
                rows, dimension, first.pointer, second.pointer, order, root, slopes, self.meeting.firstGradient.pointer,
                others[0].firstGradient.pointer)
        }
        return (parts, scoreParts)
    }

    /// The three meetings of `ntXent`.
    /// - Returns: for each of this worker's shards its part of the loss, and Σ ∂loss/∂S S within the modalities.
    func meetAll(
        first: Tensor, second: Tensor, temperature: Double, gradients: Bool
    ) throws -> (parts: [Double], scoreParts: [Double]) {
        let sides = zip(others, zip([first, second], [meeting.statistics.rows, meeting.statistics.columns]))
        meeting.begin(first: first, second: second, temperature: temperature)
        try meeting.firstPass(rows: true, columns: true)
        for (own, (encodings, sums)) in sides {
            own.begin(first: encodings, second: encodings, temperature: temperature)
            try own.firstPass(rows: true, columns: false)
            couplet_add_sums(
                rows, own.statistics.rows.exponent.pointer, own.statistics.rows.mantissa.pointer, sums.exponent.pointer,
                sums.mantissa.pointer)
        }
        let parts = try Self.bothAnchors.finish(
            meeting.statistics, batch: batch, shardRows: shardRows, temperature: temperature,
            communicator: walk.communicator,
            weights: meeting.weights
        ).shards
        var scoreParts = [Double](repeating: 0, count: walk.localShards)
        if gradients {
            try meeting.secondPass(second: second)
            for (own, (encodings, _)) in sides {
                try own.secondPass(second: encodings)
                scoreParts = zip(scoreParts, own.finishGradients(second: encodings)).map { $0 + $1 }
            }
        }
        return (parts, scoreParts)
    }

    /// Adds what each modality's encodings do to themselves.
    func addOwnSides() {
        couplet_add(rows * dimension, others[0].firstGradient.pointer, meeting.firstGradient.pointer)
        couplet_add(rows * dimension, others[1].firstGradient.pointer, meeting.secondEncodingGradient.pointer)
    }
}
