import CoupletEvaluation
import CoupletLosses
import TestSupport
import Testing

@Suite struct RetrievalTests {
    /// Compares with brute force for counts that are not a multiple of the shard size, and with empty shards.
    @Test(arguments: Similarity.allCases, [(37, 3), (203, 33), (1100, 16)])
    func ranksMatchBruteForce(_ similarity: Similarity, _ size: (count: Int, dimension: Int)) throws {
        var gallery = GalleryFixture(count: size.count, dimension: size.dimension)
        // Ties within and across shards: copies of positives, on both sides.
        for (copy, original) in [(1, 0), (2, 0), (size.count - 1, 5), (size.count / 2, 7)] {
            gallery.second[copy] = gallery.second[original]
            gallery.first[size.count - 1 - copy] = gallery.first[size.count - 1 - original]
        }
        let expected = gallery.naiveRanks(similarity)
        #expect(expected.firstToSecond[0] >= 3)
        for workers in [1, 2, 3, 4] {
            let found = try gallery.ranks(similarity, workers: workers, minimum: 4)
            #expect(found.firstToSecond == expected.firstToSecond, "\(workers) workers")
            #expect(found.secondToFirst == expected.secondToFirst, "\(workers) workers")
        }
        #expect(try gallery.ranks(similarity, workers: 5, minimum: 15).firstToSecond == expected.firstToSecond)
    }

    /// One side has ten distinct encodings, as for labels. Copies tie, although products in single precision have
    /// different bits at different positions of a tile.
    @Test(arguments: Similarity.allCases)
    func equalEncodingsTie(_ similarity: Similarity) throws {
        var gallery = GalleryFixture(count: 611, dimension: 64)
        for i in 0..<gallery.count { gallery.second[i] = gallery.second[i % 10] }
        let found = try gallery.ranks(similarity, workers: 1, minimum: 2)
        #expect(found.firstToSecond.min()! >= 61)
        let expected = gallery.naiveRanks(similarity)
        #expect(found.firstToSecond == expected.firstToSecond)
        #expect(found.secondToFirst == expected.secondToFirst)
    }

    /// Small whole numbers give equal scores of different encodings.
    @Test(arguments: [Similarity.innerProduct, .quadratic])
    func wholeNumbersTieExactly(_ similarity: Similarity) throws {
        var gallery = GalleryFixture(count: 150, dimension: 40)
        gallery.first = gallery.first.map { $0.map { $0.rounded() } }
        gallery.second = gallery.second.map { $0.map { $0.rounded() } }
        let found = try gallery.ranks(similarity, workers: 2, minimum: 2), expected = gallery.naiveRanks(similarity)
        #expect(found.firstToSecond == expected.firstToSecond)
        #expect(found.secondToFirst == expected.secondToFirst)
    }

    /// Encoders that have collapsed to a point get the worst rank.
    @Test(arguments: Similarity.allCases)
    func collapsedEncodersRankLast(_ similarity: Similarity) throws {
        var gallery = GalleryFixture(count: 70, dimension: 24)
        gallery.first = .init(repeating: gallery.first[0], count: 70)
        gallery.second = .init(repeating: gallery.second[0], count: 70)
        let found = try gallery.ranks(similarity, workers: 2, minimum: 4)
        #expect(found.firstToSecond == .init(repeating: 70, count: 70))
        #expect(found.secondToFirst == .init(repeating: 70, count: 70))
    }

    @Test(arguments: Similarity.allCases)
    func nanNeverImprovesARank(_ similarity: Similarity) throws {
        var gallery = GalleryFixture(count: 50, dimension: 5, matched: 20)
        gallery.second[17][3] = .nan
        gallery.first[40][0] = .nan
        let found = try gallery.ranks(similarity, workers: 1, minimum: 2), expected = gallery.naiveRanks(similarity)
        #expect(found.firstToSecond[17] == 50 && found.firstToSecond[40] == 50)
        #expect(found.firstToSecond == expected.firstToSecond)
        #expect(found.secondToFirst == expected.secondToFirst)
    }

    /// Scales at which single precision overflows or underflows.
    @Test(arguments: Similarity.allCases, [1e25, 1e-20, 1e-24] as [Float])
    func extremeScalesAreRankedAsInDouble(_ similarity: Similarity, _ scale: Float) throws {
        let gallery = GalleryFixture(count: 60, dimension: 7, scale: scale, matched: 1)
        let found = try gallery.ranks(similarity, workers: 1, minimum: 2), expected = gallery.naiveRanks(similarity)
        #expect(found.firstToSecond == expected.firstToSecond)
        #expect(found.secondToFirst == expected.secondToFirst)
    }

    @Test func metricsOfRanks() {
        let odd = RetrievalMetrics(ranks: [7, 1, 2])
        #expect(odd.medianRank == 2)
        #expect(odd.meanReciprocalRank == (1.0 / 7 + 1 + 0.5) / 3)
        let even = RetrievalMetrics(ranks: [11, 1, 5, 6, 10, 1, 2, 300])
        #expect(even.recallAt1 == 0.25 && even.recallAt5 == 0.5 && even.recallAt10 == 0.75)
        #expect(even.medianRank == 5.5)
    }

    @Test func resultHasTheMetricsOfTheRanks() throws {
        let gallery = GalleryFixture(count: 90, dimension: 8)
        let shards = SampleShards(samples: 90, minimum: 4)
        let result = try runWorkers(2) { communicator in
            let (u, v) = gallery.encodings(shards, communicator)
            return try Retrieval.evaluate(
                first: u, second: v, similarity: .cosine, shards: shards, communicator: communicator)
        }
        let expected = gallery.naiveRanks(.cosine)
        #expect(result.gallery == 90)
        #expect(result.firstToSecond == RetrievalMetrics(ranks: expected.firstToSecond))
        #expect(result.secondToFirst == RetrievalMetrics(ranks: expected.secondToFirst))
        #expect(result.firstToSecond != result.secondToFirst)
    }
}
