import CoupletEvaluation
import CoupletTensors
import TestSupport
import Testing

@Suite struct AlignmentTests {
    @Test(arguments: [1, 37, 600]) func isTheMeanSquaredDistance(count: Int) throws {
        let fixture = MetricFixture(count: count, dimension: 19)
        let first = MetricFixture.unit(fixture.first), second = MetricFixture.unit(fixture.second)
        let expected = zip(first, second).reduce(0) { $0 + MetricFixture.squaredDistance($1.0, $1.1) } / Double(count)
        let values = try fixture.onWorkers(1) { try Alignment().evaluate($0) }
        #expect(values.count == 1 && abs(values[0].value - expected) <= 1e-12)
        for workers in [2, 3, 5, 7, 8] {
            #expect(try fixture.onWorkers(workers) { try Alignment().evaluate($0) } == values)
        }
    }

    /// Equal directions have the distance 0 whatever their lengths, opposite ones 4, orthogonal ones 2; a row of zeros
    /// has 1 to any other.
    @Test func closedForms() throws {
        func alignment(_ x: [Float], _ y: [Float]) throws -> Double {
            let shards = SampleShards(samples: 1, minimum: 1)
            @Sendable func padded(_ row: [Float]) -> Tensor { Tensor([16, 2], (0..<16).flatMap { _ in row }) }
            return try runWorkers(1) { communicator in
                try Alignment().evaluate(
                    MetricContext(
                        first: padded(x), second: padded(y), similarity: .cosine, temperature: 1, shards: shards,
                        communicator: communicator))[0].value
            }
        }
        #expect(abs(try alignment([3, 4], [6, 8])) <= 1e-15)
        #expect(abs(try alignment([3, 4], [-3, -4]) - 4) <= 1e-15)
        #expect(abs(try alignment([3, 4], [-4, 3]) - 2) <= 1e-15)
        #expect(abs(try alignment([0, 0], [3, 4]) - 1) <= 1e-15)
        #expect(try alignment([.nan, 0], [3, 4]).isNaN)
    }
}
