import CoupletLosses
import Testing

/// The same bits of loss and gradients for any number of workers.
@Suite struct EngineWorkersTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let similarity: Similarity, loss: Loss, temperature: Double
        var testDescription: String { "\(similarity) \(loss) τ = \(temperature)" }
    }

    static let cases = Similarity.allCases.flatMap { similarity in
        [
            .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0),
            .conditional(first: 0.3, second: 0.9), .joint,
            .jointOffDiagonal, .decoupled(first: 0.4, second: 0.6), .sigmoid,
            .maximumMeanDiscrepancy(first: 0.5, second: 0.5),
            .maximumMeanDiscrepancy(first: 0, second: 1),
        ].flatMap {
            loss in [0.005, 1].map { Case(similarity: similarity, loss: loss, temperature: $0) }
        }
    }

    /// Sizes that no vector and no tile divides; 3 and 5 are where a part of a product has other bits than the whole.
    @Test(arguments: cases) func workersDoNotCount(_ example: Case) throws {
        for (count, dimension, shards) in [(8 * 37, 3, 8), (8 * 20, 5, 8), (8 * 33, 64, 8)] {
            let (first, second) = PairwiseEngineTests.encodings(count, dimension, seed: UInt64(dimension))
            let (bias, features) = PairwiseEngineTests.extras(example.loss, count: count)
            func run(workers: Int, memory: Int) throws -> EngineRun {
                try EngineRun(
                    first: first, second: second, shards: shards, similarity: example.similarity, loss: example.loss,
                    temperature: example.temperature, tileMemory: memory, workers: workers, bias: bias,
                    features: features)
            }
            let one = try run(workers: 1, memory: 1 << 24)
            #expect(
                one.loss.isFinite && one.firstGradient.values.allSatisfy(\.isFinite)
                    && one.secondGradient.values.contains { $0 != 0 })
            for workers in [2, 4, 8] {
                #expect(try run(workers: workers, memory: 1 << 24).equalsBits(of: one), "\(workers) workers")
            }
            #expect(try run(workers: 4, memory: 0).equalsBits(of: one), "remade tiles on 4 workers")
        }
    }
}
