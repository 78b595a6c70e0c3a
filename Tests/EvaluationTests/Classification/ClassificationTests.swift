import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import TestSupport
import Testing

@Suite struct ClassificationTests {
    /// Compares with brute force, with equal class encodings and a class without an encoding.
    @Test(arguments: Similarity.allCases, [1, 2, 4])
    func top1MatchesBruteForce(_ similarity: Similarity, _ workers: Int) throws {
        var gallery = GalleryFixture(count: 205, dimension: 12)
        var prototypes = (0..<7).map { Philox(seed: 8).normals(12, .source, number: UInt64($0)) }
        prototypes[6] = prototypes[2]
        let names = [3, 4, 10, 11, 12, 20, -5]
        var labels: [Int] = []
        for i in 0..<gallery.count {
            labels.append(names[i % 7])
            gallery.first[i] = zip(gallery.first[i], prototypes[i % 7]).map { 0.6 * $0 + $1 }
        }
        labels[9] = 99
        let shards = SampleShards(samples: gallery.count, minimum: 4)
        let (samples, allLabels) = (gallery, labels)
        let classes = ClassEncodings(Tensor([7, 12], prototypes.flatMap { $0 }), classes: names)
        let result = try runWorkers(workers) { communicator in
            let localShards = shards.shards(of: communicator.rank, workers: communicator.size)
            let localLabels = localShards.flatMap { shards.samples(of: $0).map { allLabels[$0] } }
            return try Classification.evaluate(
                samples.encodings(shards, communicator).first, labels: localLabels, classes: classes,
                similarity: similarity, shards: shards, communicator: communicator)
        }
        let right = (0..<gallery.count).count { i in
            guard let answer = names.firstIndex(of: labels[i]) else { return false }
            let scores = prototypes.map { GalleryFixture.score(gallery.first[i], $0, similarity) }
            return scores.indices.allSatisfy { $0 == answer || scores[$0] < scores[answer] }
        }
        #expect(result == ClassificationResult(top1: Double(right) / 205, classes: 7, count: 205, unknown: 1))
        // Two of the seven classes have equal encodings, so they are never correct.
        #expect(right > 90 && right <= 205 * 5 / 7 + 1)
    }

    /// Samples without a label change nothing but the number of samples.
    @Test(arguments: [1, 4]) func samplesWithoutALabelAreLeftOut(workers: Int) throws {
        let gallery = GalleryFixture(count: 90, dimension: 8), shards = SampleShards(samples: 90, minimum: 4)
        let prototypes = Tensor([5, 8], Philox(seed: 8).normals(40, .source, number: 0))
        func result(_ label: @escaping @Sendable (Int) -> Int) throws -> ClassificationResult? {
            try runWorkers(workers) { communicator in
                let labels = shards.shards(of: communicator.rank, workers: communicator.size)
                    .flatMap { shards.samples(of: $0).map(label) }
                return try Classification.evaluate(
                    gallery.encodings(shards, communicator).first, labels: labels, classes: ClassEncodings(prototypes),
                    similarity: .cosine, shards: shards, communicator: communicator)
            }
        }
        let all = try #require(try result { $0 % 5 }), some = try #require(try result { $0 < 30 ? -1 : $0 % 5 })
        #expect(all.count == 90 && all.unlabelled == 0 && some.count == 60 && some.unlabelled == 30)
        let right = (30..<90).count { i in
            let scores = (0..<5).map {
                GalleryFixture.score(gallery.first[i], prototypes.rows($0..<$0 + 1).values, .cosine)
            }
            return scores.indices.allSatisfy { $0 == i % 5 || scores[$0] < scores[i % 5] }
        }
        #expect(some.top1 == Double(right) / 60)
        #expect(try result { _ in -1 } == nil)
    }

    @Test(arguments: [Similarity.innerProduct, .cosine])
    func prototypesAreMeans(_ similarity: Similarity) throws {
        let gallery = GalleryFixture(count: 203, dimension: 6),
            labels = (0..<203).map { $0 % 9 == 4 ? -1 : $0 * $0 % 11 }
        let shards = SampleShards(samples: 203, minimum: 4)
        func prototypes(_ workers: Int) throws -> ClassEncodings {
            try runWorkers(workers) { communicator in
                let localLabels = shards.shards(of: communicator.rank, workers: communicator.size).flatMap {
                    shards.samples(of: $0).map { labels[$0] }
                }
                return try .prototypes(
                    gallery.encodings(shards, communicator).second, labels: localLabels, similarity: similarity,
                    shards: shards, communicator: communicator)
            }
        }
        let found = try prototypes(1)
        #expect(found.classes == [0, 1, 3, 4, 5, 9])
        for (row, label) in found.classes.enumerated() {
            let members = labels.indices.filter { labels[$0] == label }
            for k in 0..<6 {
                let mean =
                    members.reduce(0.0) { sum, i in
                        let x = gallery.second[i].map(Double.init)
                        return sum + x[k] / (similarity == .cosine ? x.reduce(0) { $0 + $1 * $1 }.squareRoot() : 1)
                    } / Double(members.count)
                #expect(abs(Double(found.encodings[row * 6 + k]) - mean) <= 1e-6)
            }
        }
        #expect(try prototypes(2).encodings.values == found.encodings.values)
        #expect(try prototypes(4).encodings.values == found.encodings.values)
    }
}
