import CoupletCommunication
import CoupletLosses
import CoupletTensors
import TestSupport

/// The results of `PairwiseEngine` on a whole batch that is spread over threads of this process.
struct EngineRun {
    let loss: Double
    let inverseTemperatureGradient: Double
    let biasGradient: Double
    /// B × d, in the order of the batch.
    let firstGradient: Tensor
    let secondGradient: Tensor
    /// The gradients of the second batch's encodings; empty if the loss takes one batch.
    let secondBatchGradients: [Tensor]
    /// The mean of `pairLosses`.
    let meanPairLoss: Double

    /// - Parameters:
    ///   - first: the whole batch's first encodings, B × d.
    ///   - second: the whole batch's second encodings, B × d.
    ///   - workers: number of threads; each is a worker.
    ///   - features: the whole batch's features, B × F each.
    ///   - groups: the groups of the whole batch.
    ///   - samples: which samples of the whole batch are equal, to leave out negatives; nil to ignore it.
    init(
        first: Tensor, second: Tensor, shards: Int, similarity: Similarity, loss: any Loss, temperature: Double,
        tileMemory: Int, workers: Int, bias: Double = 0, features: (first: Tensor, second: Tensor)? = nil,
        secondBatch: (first: Tensor, second: Tensor)? = nil, treatment: GroupTreatment = .ignore,
        groups: [Int]? = nil, secondBatchGroups: [Int]? = nil, samples: SampleRows? = nil,
        secondBatchSamples: SampleRows? = nil
    ) throws {
        let partition = ShardPartition(shards: shards, workers: workers), shardRows = first.rows / shards
        let (firstGradient, secondGradient) = (Tensor(first.shape), Tensor(second.shape))
        self.firstGradient = firstGradient
        self.secondGradient = secondGradient
        let secondBatchGradients = secondBatch == nil ? [] : [Tensor(first.shape), Tensor(second.shape)]
        self.secondBatchGradients = secondBatchGradients
        (self.loss, inverseTemperatureGradient, biasGradient, meanPairLoss) = try runWorkers(workers) { communicator in
            let engine = PairwiseEngine(
                communicator: communicator, shards: shards, batchSize: first.rows, dimension: first.columns,
                similarity: similarity, loss: loss, tileMemory: tileMemory,
                features: features.map { FeatureCounts(first: $0.first.columns, second: $0.second.columns) },
                groups: treatment, equalSamples: samples == nil ? .ignore : .excluded)
            let range = partition.range(of: communicator.rank)
            let localRows = range.lowerBound * shardRows..<range.upperBound * shardRows
            func local(_ pair: (first: Tensor, second: Tensor)?) -> (first: Tensor, second: Tensor)? {
                pair.map { ($0.first.rows(localRows), $0.second.rows(localRows)) }
            }
            func local(_ samples: SampleRows?) -> SampleRows? {
                samples.map { SampleRows(first: Array($0.first[localRows]), second: Array($0.second[localRows])) }
            }
            let result = try engine.evaluate(
                first: first.rows(localRows), second: second.rows(localRows), secondBatch: local(secondBatch),
                temperature: temperature, bias: bias, features: local(features),
                groups: groups.map { Array($0[localRows]) },
                secondBatchGroups: secondBatchGroups.map { Array($0[localRows]) }, samples: local(samples),
                secondBatchSamples: local(secondBatchSamples))
            firstGradient.rows(localRows).copy(from: result.firstGradient)
            secondGradient.rows(localRows).copy(from: result.secondGradient)
            if let gradients = result.secondBatchGradients {
                secondBatchGradients[0].rows(localRows).copy(from: gradients.first)
                secondBatchGradients[1].rows(localRows).copy(from: gradients.second)
            }
            let pairLosses = try communicator.allGather(
                shards: range.indices.map {
                    let start = ($0 - range.lowerBound) * shardRows
                    return Array(engine.pairLosses[start..<start + shardRows])
                }, partition
            ).flatMap { $0 }
            let scalars = [result.loss, result.inverseTemperatureGradient, result.biasGradient]
            // Scalars are the same bits on every worker.
            let gathered = try communicator.allGather(numbers: scalars)
            precondition(
                gathered.indices.allSatisfy { gathered[$0].bitPattern == scalars[$0 % 3].bitPattern }, "\(gathered)")
            return (
                result.loss, result.inverseTemperatureGradient, result.biasGradient,
                pairLosses.reduce(0, +) / Double(pairLosses.count)
            )
        }
    }

    func equalsBits(of other: EngineRun) -> Bool {
        loss == other.loss && inverseTemperatureGradient == other.inverseTemperatureGradient
            && biasGradient == other.biasGradient && firstGradient.values == other.firstGradient.values
            && secondGradient.values == other.secondGradient.values
            && secondBatchGradients.map(\.values) == other.secondBatchGradients.map(\.values)
    }
}
