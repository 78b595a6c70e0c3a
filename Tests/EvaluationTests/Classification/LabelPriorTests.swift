import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct LabelPriorTests {
    private static let names = [5, 6, 7], counts = [5: 90, 6: 9, 8: 1]
    private static let prototypes: [[Float]] = [[1, 0.2], [0.3, 2], [-1, -1]]

    /// Compares with similarity / τ + log (count / all), with a class that does not occur.
    @Test(arguments: Similarity.allCases, [1, 4])
    func priorIsAddedToTheScores(_ similarity: Similarity, _ workers: Int) throws {
        let gallery = GalleryFixture(count: 90, dimension: 2), labels = (0..<90).map { Self.names[$0 % 3] }
        var seen: Set<Double> = []
        for temperature in [0.05, 0.5, 20] {
            let shards = SampleShards(samples: 90, minimum: 4)
            let result = try runWorkers(workers) { communicator in
                let localLabels = shards.shards(of: communicator.rank, workers: communicator.size).flatMap {
                    shards.samples(of: $0).map { labels[$0] }
                }
                return try Classification.evaluate(
                    gallery.encodings(shards, communicator).first, labels: localLabels,
                    classes: ClassEncodings(Tensor([3, 2], Self.prototypes.flatMap { $0 }), classes: Self.names),
                    similarity: similarity, prior: LabelPrior(counts: Self.counts, temperature: temperature),
                    shards: shards, communicator: communicator)
            }
            let right = (0..<90).count { i in
                let scores = (0..<2).map { c in
                    GalleryFixture.score(gallery.first[i], Self.prototypes[c], similarity) / temperature
                        + log(c == 0 ? 0.9 : 0.09)
                }
                return labels[i] != 7 && (scores[0] > scores[1]) == (labels[i] == 5)
            }
            #expect(result?.top1WithPrior == Double(right) / 90)
            seen.insert(Double(right))
            // At this temperature only the frequencies matter.
            if temperature == 20 { #expect(result?.top1WithPrior == Double(labels.count { $0 == 5 }) / 90) }
        }
        #expect(seen.count > 1)
    }

    /// Scores of 2 and 3 at τ = 1: the prior's log 9 = 2.197 reverses the order.
    @Test func frequentClassBeatsANearerOne() throws {
        let result = try runWorkers(1) { communicator in
            let shards = SampleShards(samples: 1, minimum: 1), rows = Tensor([16, 1])
            rows[0] = 1
            return try Classification.evaluate(
                rows, labels: [0], classes: ClassEncodings(Tensor([2, 1], [2, 3])), similarity: .innerProduct,
                prior: LabelPrior(counts: [0: 9, 1: 1], temperature: 1), shards: shards, communicator: communicator)
        }
        #expect(result == ClassificationResult(top1: 0, top1WithPrior: 1, classes: 2, count: 1))
    }
}
