import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct UniformityTests {
    /// The definition in Double, one combination after the other.
    private func uniformity(_ rows: [[Float]], _ exponent: Double) -> Double {
        let unit = MetricFixture.unit(rows)
        var sum = 0.0
        for i in unit.indices {
            for j in unit.indices where i != j {
                sum += exp(-exponent * MetricFixture.squaredDistance(unit[i], unit[j]))
            }
        }
        return log(sum / Double(rows.count * (rows.count - 1)))
    }

    @Test(arguments: [(2, 2.0), (37, 2.0), (37, 0.5), (600, 3.0)])
    func isTheLogarithmOfTheMeanPotential(count: Int, exponent: Double) throws {
        let fixture = MetricFixture(count: count, dimension: 5), metric = Uniformity(exponent: exponent)
        let values = try fixture.onWorkers(1) { try metric.evaluate($0) }
        #expect(values.map(\.name) == ["first", "second"])
        for (value, rows) in zip(values, [fixture.first, fixture.second]) {
            #expect(abs(value.value - uniformity(rows, exponent)) <= 1e-12)
        }
        for workers in [2, 3, 5, 7, 8] { #expect(try fixture.onWorkers(workers) { try metric.evaluate($0) } == values) }
    }

    /// N equal encodings have uniformity 0; one pair has none.
    @Test func closedForms() throws {
        let fixture = MetricFixture(count: 1, dimension: 3)
        #expect(try fixture.onWorkers(1) { try Uniformity().evaluate($0) }.allSatisfy { $0.value.isNaN })
        let rows = Tensor([16, 2], (0..<16).flatMap { _ in [3, 4] as [Float] })
        let values = try runWorkers(1) { communicator in
            try Uniformity().evaluate(
                MetricContext(
                    first: rows, second: rows, similarity: .cosine, temperature: 1,
                    shards: SampleShards(samples: 11, minimum: 1), communicator: communicator))
        }
        #expect(values.allSatisfy { abs($0.value) <= 1e-14 })
    }
}
