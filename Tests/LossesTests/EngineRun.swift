import CoupletCommunication
import CoupletLosses
import CoupletTensors

/// The engine's results over a batch that is spread over the threads of this process, put together again.
struct EngineRun {
    let loss: Double
    let inverseTemperatureGradient: Double
    let biasGradient: Double
    /// B × d, in the batch's order.
    let firstGradient: Tensor
    let secondGradient: Tensor
    /// Likewise of the second batch's; empty where the loss takes none.
    let secondBatchGradients: [Tensor]
    /// Σ of what the pairs add to the loss, over B.
    let meanPairLoss: Double

    /// - Parameters:
    ///   - first, second: the whole batch's encodings, B × d.
    ///   - features: the whole batch's, B × F each.
    ///   - workers: threads, each a worker.
    init(
        first: Tensor, second: Tensor, shards: Int, similarity: Similarity, loss: Loss, temperature: Double,
        tileMemory: Int, workers: Int,
        bias: Double = 0, features: (first: Tensor, second: Tensor)? = nil,
        secondBatch: (first: Tensor, second: Tensor)? = nil
    ) throws {
        let rows = first.rows / workers
        let (firstGradient, secondGradient) = (Tensor(first.shape), Tensor(second.shape))
        self.firstGradient = firstGradient
        self.secondGradient = secondGradient
        let others = secondBatch == nil ? [] : [Tensor(first.shape), Tensor(second.shape)]
        secondBatchGradients = others
        (self.loss, inverseTemperatureGradient, biasGradient, meanPairLoss) = try WorkerGroup.launch().run(
            threads: workers
        ) { communicator in
            let engine = PairwiseEngine(
                communicator: communicator, shards: shards, batch: first.rows, dimension: first.columns,
                similarity: similarity, loss: loss,
                tileMemory: tileMemory,
                features: features.map { FeatureCounts(first: $0.first.columns, second: $0.second.columns) })
            let own = communicator.rank * rows..<(communicator.rank + 1) * rows
            let result = try engine.evaluate(
                first: first.rows(own), second: second.rows(own),
                secondBatch: secondBatch.map { ($0.first.rows(own), $0.second.rows(own)) },
                temperature: temperature, bias: bias,
                features: features.map { ($0.first.rows(own), $0.second.rows(own)) })
            firstGradient.rows(own).copy(from: result.firstGradient)
            secondGradient.rows(own).copy(from: result.secondGradient)
            if let gradients = result.secondBatchGradients {
                others[0].rows(own).copy(from: gradients.first)
                others[1].rows(own).copy(from: gradients.second)
            }
            let pairLosses = try communicator.allGather(numbers: engine.pairLosses())
            let scalars = [result.loss, result.inverseTemperatureGradient, result.biasGradient]
            // Scalars are the same bits on every worker.
            let all = try communicator.allGather(numbers: scalars)
            precondition(all.indices.allSatisfy { all[$0].bitPattern == scalars[$0 % 3].bitPattern }, "\(all)")
            return (
                result.loss, result.inverseTemperatureGradient, result.biasGradient,
                pairLosses.reduce(0, +) / Double(pairLosses.count)
            )
        }
    }

    func equalsBits(of other: EngineRun) -> Bool {
        loss == other.loss && inverseTemperatureGradient == other.inverseTemperatureGradient
            && biasGradient == other.biasGradient
            && firstGradient.values == other.firstGradient.values
            && secondGradient.values == other.secondGradient.values
            && secondBatchGradients.map(\.values) == other.secondBatchGradients.map(\.values)
    }
}
