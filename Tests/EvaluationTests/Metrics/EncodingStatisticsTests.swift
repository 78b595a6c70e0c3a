import CoupletCommunication
import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct EncodingStatisticsTests {
    private struct Numbers: Equatable {
        var norm = 0.0, uniformity = 0.0, effectiveRank = 0.0
    }

    /// The figures of one modality by plain loops in Double, over every `stride`-th row.
    private func naive(_ rows: [[Float]], stride: Int) -> Numbers {
        let units = MetricFixture.unit(rows), used = Swift.stride(from: 0, to: rows.count, by: stride).map { units[$0] }
        var potential = 0.0, square = 0.0, combinations = 0.0
        for i in used.indices {
            for j in used.indices where j < i {
                let product = zip(used[i], used[j]).reduce(0) { $0 + $1.0 * $1.1 }
                potential += Foundation.exp(-2 * MetricFixture.squaredDistance(used[i], used[j]))
                square += product * product
                combinations += 1
            }
        }
        let norms = rows.map { $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
        return Numbers(
            norm: norms.reduce(0, +) / Double(rows.count), uniformity: Foundation.log(potential / combinations),
            effectiveRank: combinations / square)
    }

    /// 2,500 pairs: every third sample has its products computed.
    @Test(arguments: [(50, 1), (300, 1), (2_500, 3)])
    func agreesWithLoopsInDouble(count: Int, stride: Int) throws {
        let fixture = MetricFixture(count: count, dimension: 5)
        let found = try fixture.onWorkers(1) { try EncodingStatistics($0) }
        let (first, second) = (naive(fixture.first, stride: stride), naive(fixture.second, stride: stride))
        let alignment =
            zip(MetricFixture.unit(fixture.first), MetricFixture.unit(fixture.second)).map {
                MetricFixture.squaredDistance($0, $1)
            }.reduce(0, +) / Double(count)
        for (value, expected) in [
            (found.alignment, alignment), (found.norm.first, first.norm), (found.norm.second, second.norm),
            (found.uniformity.first, first.uniformity), (found.uniformity.second, second.uniformity),
            (found.effectiveRank.first, first.effectiveRank), (found.effectiveRank.second, second.effectiveRank),
        ] {
            #expect(abs(value - expected) <= 1e-10 * max(1, abs(expected)), "\(value), not \(expected)")
        }
        for workers in [2, 3, 5, 7, 8] {
            #expect(try fixture.onWorkers(workers) { try EncodingStatistics($0) } == found, "\(workers) workers")
        }
    }

    private func statistics(_ rows: [[Float]]) throws -> EncodingStatistics {
        let shards = SampleShards(samples: rows.count, minimum: 1), width = rows[0].count
        return try runWorkers(1) { communicator in
            let padded = rows + [[Float]](repeating: rows[0], count: shards.count * shards.size - rows.count)
            let encodings = Tensor([padded.count, width], padded.flatMap(\.self))
            return try EncodingStatistics(
                MetricContext(
                    first: encodings, second: encodings, similarity: .cosine, temperature: 1, shards: shards,
                    communicator: communicator))
        }
    }

    /// Encodings on one line have the effective rank 1; as many on each of e axes have nearly e.
    @Test func collapseIsSeen() throws {
        let line = try statistics((0..<40).map { [Float($0 + 1), Float(2 * $0 + 2), 0] })
        #expect(abs(line.effectiveRank.first - 1) < 1e-6 && abs(line.uniformity.first) < 1e-6)
        #expect(line.alignment == 0)
        let e = 4, copies = 50
        let axes = try statistics(
            (0..<e * copies).map { i in (0..<e).map { $0 == i % e ? 3 : 0 } })
        // Of the combinations, (copies - 1) / (e · copies - 1) have the product 1, the others 0.
        let rank = Double(e * copies - 1) / Double(copies - 1)
        #expect(abs(axes.effectiveRank.first - rank) < 1e-9 && axes.norm.first == 3)
    }

    @Test func onePairHasNoCombinations() throws {
        let one = try statistics([[1, 2]])
        #expect(one.uniformity.first.isNaN && one.effectiveRank.second.isNaN)
    }
}
