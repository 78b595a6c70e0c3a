import Collectives
import Objectives
import Tensors

/// The engine's results over a batch that is spread over the threads of this process, put together again.
struct EngineRun {
    let loss: Double
    let inverseTemperatureGradient: Double
    /// B × d, in the batch's order.
    let firstGradient: Tensor
    let secondGradient: Tensor

    /// - Parameters:
    ///   - first, second: the whole batch's encodings, B × d.
    ///   - workers: threads, each a worker.
    init(
        first: Tensor, second: Tensor, shards: Int, similarity: Similarity, loss: Loss, temperature: Double, tileMemory: Int, workers: Int
    ) throws {
        let rows = first.rows / workers
        let (firstGradient, secondGradient) = (Tensor(first.shape), Tensor(second.shape))
        self.firstGradient = firstGradient
        self.secondGradient = secondGradient
        (self.loss, inverseTemperatureGradient) = try WorkerGroup.launch().run(threads: workers) { communicator in
            let engine = PairwiseEngine(
                communicator: communicator, shards: shards, batch: first.rows, dimension: first.columns, similarity: similarity, loss: loss,
                tileMemory: tileMemory)
            let own = communicator.rank * rows..<(communicator.rank + 1) * rows
            let result = try engine.evaluate(first: first.rows(own), second: second.rows(own), temperature: temperature)
            firstGradient.rows(own).copy(from: result.firstGradient)
            secondGradient.rows(own).copy(from: result.secondGradient)
            let scalars = try communicator.allGather(numbers: [result.loss, result.inverseTemperatureGradient])
            // Scalars are the same bits on every worker.
            precondition((0..<workers).allSatisfy { scalars[2 * $0] == scalars[0] && scalars[2 * $0 + 1] == scalars[1] }, "\(scalars)")
            return (result.loss, result.inverseTemperatureGradient)
        }
    }

    func equalsBits(of other: EngineRun) -> Bool {
        loss == other.loss && inverseTemperatureGradient == other.inverseTemperatureGradient
            && firstGradient.values == other.firstGradient.values && secondGradient.values == other.secondGradient.values
    }
}
