import Couplet
import Testing

@testable import Extension

@Suite struct PairCosineTests {
    @Test(arguments: [1, 2]) func theFiguresAreThoseOfAllPairs(workers: Int) throws {
        // Cosines 1, 0, -1 and 0.8, eight times.
        let repeated = { (rows: [Float]) in Tensor([32, 2], (0..<8).flatMap { _ in rows }) }
        let first = repeated([1, 0, 0, 2, 3, 0, 3, 4]), second = repeated([5, 0, 1, 0, -1, 0, 0, 1])
        let shards = SampleShards(samples: 32, minimum: 2)
        let values = try runWorkers(workers) { communicator in
            let local = shards.shards(of: communicator.rank, workers: workers)
            let rows = local.lowerBound * shards.size..<local.upperBound * shards.size
            return try PairCosine(threshold: 0.5).evaluate(
                MetricContext(
                    first: first.rows(rows), second: second.rows(rows), similarity: .cosine, temperature: 1,
                    shards: shards, communicator: communicator))
        }
        #expect(values.map(\.name) == ["mean", "share_above_threshold"])
        #expect(abs(values[0].value - 0.2) <= 1e-12 && values[1].value == 0.5)
    }
}
