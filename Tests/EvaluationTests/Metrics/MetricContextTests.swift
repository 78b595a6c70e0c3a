import CoupletEvaluation
import CoupletTensors
import TestSupport
import Testing

@Suite struct MetricContextTests {
    @Test(arguments: [1, 2, 3, 5, 8]) func givesEachWorkerItsSamples(workers: Int) throws {
        // With 20 samples in shards of 16, only the first workers have samples.
        let fixture = MetricFixture(count: 20, dimension: 3), (first, second) = (fixture.first, fixture.second)
        let sums = try fixture.onWorkers(workers) { context in
            #expect(context.count == 20 && context.similarity == .cosine && context.temperature == 0.5)
            #expect(context.encodings.first.values == context.samples.flatMap { first[$0] })
            #expect(context.encodings.second.values == context.samples.flatMap { second[$0] })
            #expect(context.labels == context.samples.map { $0 % 3 })
            // The number of samples, the sum of their numbers, and the number of samples of class 0.
            return try context.sums(3) { row in
                [1, Double(context.samples.lowerBound + row), context.labels?[row] == 0 ? 1 : 0]
            }
        }
        #expect(sums == [20, 190, 7])
    }

    @Test func sumsHaveTheSameBitsForAnyNumberOfWorkers() throws {
        let fixture = MetricFixture(count: 700, dimension: 3)
        func means(_ workers: Int) throws -> [Double] {
            try fixture.onWorkers(workers) { context in
                let one = try context.mean { row in Double(context.encodings.first[3 * row]) }
                return try [one]
                    + context.means(2) { row in (1...2).map { Double(context.encodings.second[3 * row + $0]) } }
            }
        }
        let single = try means(1)
        for (mean, expected) in zip(
            single,
            [
                fixture.first.reduce(0) { $0 + Double($1[0]) }, fixture.second.reduce(0) { $0 + Double($1[1]) },
                fixture.second.reduce(0) { $0 + Double($1[2]) },
            ])
        {
            #expect(abs(mean - expected / 700) <= 1e-12)
        }
        for workers in [2, 3, 5, 7, 8] { #expect(try means(workers) == single) }
    }

    /// Each combination of a row and a column is in one tile.
    @Test(arguments: [1, 2, 3, 5, 8]) func tilesCoverAllCombinations(workers: Int) throws {
        let fixture = MetricFixture(count: 70, dimension: 2), (first, second) = (fixture.first, fixture.second)
        let sums = try fixture.onWorkers(workers) { context in
            try context.sumsOverTiles(2, rows: context.encodings.first, columns: context.encodings.second) { tile in
                #expect(tile.rows.values == tile.rowSamples.flatMap { first[$0] })
                #expect(tile.columns.values == tile.columnSamples.flatMap { second[$0] })
                var sums = [0.0, 0.0]
                for i in tile.rowSamples {
                    for j in tile.columnSamples {
                        sums[0] += 1
                        sums[1] += Double(i * j)
                    }
                }
                return sums
            }
        }
        #expect(sums == [4_900, 2_415 * 2_415])
    }

    @Test(arguments: [1, 4]) func errorsOfAMetricAreThrown(workers: Int) {
        struct Refused: Error {}
        let fixture = MetricFixture(count: 40, dimension: 2)
        #expect(throws: Refused.self) {
            try fixture.onWorkers(workers) { context in try context.mean { _ in throw Refused() } }
        }
    }
}
