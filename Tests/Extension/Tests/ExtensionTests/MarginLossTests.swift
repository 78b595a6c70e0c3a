import Couplet
import Testing

@testable import Extension

@Suite struct MarginLossTests {
    private let first = normalTensor([16, 3], number: 1), second = normalTensor([16, 3], number: 2)

    /// The loss of all pairs and the gradients of both encodings.
    private func evaluate(
        _ loss: any Loss, workers: Int = 1
    ) throws -> (loss: Double, first: Tensor, second: Tensor) {
        let (first, second) = (first, second), gradients = (Tensor(first.shape), Tensor(second.shape))
        let value = try runWorkers(workers) { communicator in
            let engine = PairwiseEngine(
                communicator: communicator, shards: 4, batchSize: first.rows, dimension: first.columns,
                similarity: .innerProduct, loss: loss, tileMemory: 0)
            let rows = first.rows / workers, local = communicator.rank * rows..<(communicator.rank + 1) * rows
            let result = try engine.evaluate(
                first: first.rows(local), second: second.rows(local), temperature: 0.7)
            gradients.0.rows(local).copy(from: result.firstGradient)
            gradients.1.rows(local).copy(from: result.secondGradient)
            return result.loss
        }
        return (value, gradients.0, gradients.1)
    }

    @Test func withoutMarginItIsTheConditionalLoss() throws {
        let margin = try evaluate(MarginLoss(margin: 0)),
            conditional = try evaluate(.conditional(first: 0.5, second: 0.5))
        #expect(abs(margin.loss - conditional.loss) <= 1e-12 * conditional.loss)
        for (a, b) in zip(margin.first.values, conditional.first.values) { #expect(abs(a - b) <= 1e-6) }
    }

    @Test func theGradientIsThatOfTheLoss() throws {
        let loss = MarginLoss(margin: 0.3), result = try evaluate(loss)
        let error = try gradientError([(first, result.first), (second, result.second)]) { try evaluate(loss).loss }
        #expect(error <= 1e-4)
    }

    @Test func theBitsAreThoseOfOneWorker() throws {
        let one = try evaluate(MarginLoss()), four = try evaluate(MarginLoss(), workers: 4)
        #expect(
            one.loss == four.loss && one.first.values == four.first.values && one.second.values == four.second.values)
    }
}
