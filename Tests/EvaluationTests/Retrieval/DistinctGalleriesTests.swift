import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import TestSupport
import Testing

/// Retrieval between galleries of different sizes: pictures with several captions, captions of several pictures.
@Suite struct DistinctGalleriesTests {
    /// Encodings of distinct samples, and the pairs of them.
    private struct Problem: Sendable {
        var pictures: [[Float]], captions: [[Float]]
        var pairs: [(picture: Int, caption: Int)]
        var groups: [Int]?

        init(pictures: Int, captions: Int, pairs: [(Int, Int)], groups: [Int]? = nil) {
            let fixture = GalleryFixture(count: max(pictures, captions), dimension: 9)
            self.pictures = Array(fixture.first[0..<pictures])
            self.captions = Array(fixture.second[0..<captions])
            self.pairs = pairs.map { (picture: $0.0, caption: $0.1) }
            self.groups = groups
        }

        /// Whether a caption is a right answer to a picture: some pair of the picture and some pair of the caption are
        /// one pair, of one group, or pairs of the same picture.
        func isRight(_ picture: Int, _ caption: Int) -> Bool {
            pairs.indices.contains { i in
                pairs[i].picture == picture
                    && pairs.indices.contains { j in
                        pairs[j].caption == caption
                            && (i == j || pairs[j].picture == picture
                                || groups.map { $0[i] >= 0 && $0[i] == $0[j] } ?? false)
                    }
            }
        }

        /// Samples in the order of their first pairs.
        func order(_ samples: [Int]) -> [Int] {
            var known = Set<Int>()
            return samples.filter { known.insert($0).inserted }
        }

        /// The rank of the best right answer among the wrong ones, of each distinct sample: the protocol of Flickr30k.
        func naiveRanks(_ similarity: Similarity) -> [[Int]] {
            let pictureOrder = order(pairs.map(\.picture)), captionOrder = order(pairs.map(\.caption))
            func ranks(
                _ queries: [Int], _ candidates: [Int], _ isRight: (Int, Int) -> Bool, _ score: (Int, Int) -> Double
            )
                -> [Int]
            {
                queries.map { query in
                    let best = candidates.filter { isRight(query, $0) }.map { score(query, $0) }.max()!
                    return 1 + candidates.count { !isRight(query, $0) && score(query, $0) >= best }
                }
            }
            return [
                ranks(pictureOrder, captionOrder, isRight) {
                    GalleryFixture.score(pictures[$0], captions[$1], similarity)
                },
                ranks(captionOrder, pictureOrder, { isRight($1, $0) }) {
                    GalleryFixture.score(captions[$0], pictures[$1], similarity)
                },
            ]
        }

        func evaluate(_ similarity: Similarity, workers: Int, minimum: Int = 4) throws
            -> (ranks: [[Int]], result: RetrievalResult)
        {
            let shards = SampleShards(samples: pairs.count, minimum: minimum), dimension = pictures[0].count
            return try runWorkers(workers) { communicator in
                let localShards = shards.shards(of: communicator.rank, workers: communicator.size)
                let local = localShards.flatMap { shards.samples(of: $0) }
                let galleries = try DistinctGalleries(
                    first: local.map { pairs[$0].picture << 33 }, second: local.map { pairs[$0].caption },
                    groups: groups.map { groups in local.map { groups[$0] } }, communicator: communicator)
                let u = Tensor([localShards.count * shards.size, dimension]), v = Tensor(u.shape)
                for (index, shard) in localShards.enumerated() {
                    for (row, pair) in shards.samples(of: shard).enumerated() {
                        for k in 0..<dimension {
                            u[(index * shards.size + row) * dimension + k] = pictures[pairs[pair].picture][k]
                            v[(index * shards.size + row) * dimension + k] = captions[pairs[pair].caption][k]
                        }
                    }
                }
                let ranks = try Retrieval.ranks(
                    first: u, second: v, similarity: similarity, galleries: galleries, shards: shards,
                    communicator: communicator)
                let result = try Retrieval.evaluate(
                    first: u, second: v, similarity: similarity, galleries: galleries, shards: shards,
                    communicator: communicator)
                return ([ranks.firstToSecond, ranks.secondToFirst], result)
            }
        }
    }

    /// Five captions a picture, one after another or not; captions of several pictures; groups of pictures.
    private static func problem(_ kind: String) -> Problem {
        let five = (0..<40).flatMap { picture in (0..<5).map { (picture, 5 * picture + $0) } }
        switch kind {
        case "five": return Problem(pictures: 40, captions: 200, pairs: five)
        case "shuffled":
            return Problem(pictures: 40, captions: 200, pairs: (0..<200).map { five[$0 * 71 % 200] })
        case "shared":
            let pairs = (0..<190).map { ($0 * 13 % 50, $0 * $0 % 31) }
            return Problem(pictures: 50, captions: 31, pairs: pairs)
        case "groups":
            let pairs = (0..<203).map { ($0 % 61, $0 * 5 % 83) }
            return Problem(
                pictures: 61, captions: 83, pairs: pairs, groups: pairs.map { $0.0 % 6 == 0 ? -1 : $0.0 % 9 })
        default:
            // A picture with pairs in several groups.
            let pairs = (0..<150).map { ($0 % 20, $0 % 70) }
            return Problem(pictures: 20, captions: 70, pairs: pairs, groups: (0..<150).map { $0 % 17 - 1 })
        }
    }

    @Test(arguments: Similarity.allCases, ["five", "shuffled", "shared", "groups", "torn"])
    func ranksMatchBruteForce(_ similarity: Similarity, _ kind: String) throws {
        let problem = Self.problem(kind), expected = problem.naiveRanks(similarity)
        let one = try problem.evaluate(similarity, workers: 1)
        #expect(one.ranks == expected)
        for workers in [2, 3, 4] {
            let found = try problem.evaluate(similarity, workers: workers)
            #expect(found.ranks == expected && found.result == one.result, "\(workers) workers")
        }
        #expect(try problem.evaluate(similarity, workers: 5, minimum: 15).ranks == expected)
        #expect(one.result.distinct == .init(first: expected[0].count, second: expected[1].count))
        for (metrics, ranks) in [(one.result.firstToSecond, expected[0]), (one.result.secondToFirst, expected[1])] {
            #expect(metrics.recallAt5 == Double(ranks.count { $0 <= 5 }) / Double(ranks.count))
        }
    }

    /// What two samples say of each other is the relation by which retrieval counts.
    @Test(arguments: ["five", "shuffled", "shared", "groups", "torn"]) func rightAnswersOfSamples(_ kind: String) {
        let problem = Self.problem(kind)
        let galleries = DistinctGalleries(
            first: problem.pairs.map(\.picture), second: problem.pairs.map(\.caption), groups: problem.groups)
        let pictures = problem.order(problem.pairs.map(\.picture)),
            captions = problem.order(problem.pairs.map(\.caption))
        for (first, picture) in pictures.enumerated() {
            for (second, caption) in captions.enumerated() {
                #expect(galleries.areRight(first: first, second: second) == problem.isRight(picture, caption))
            }
        }
    }

    /// Recall at k of random encodings by the definition: of the k best candidates one is right.
    @Test func recallIsThatOfTheBestCandidates() throws {
        let problem = Self.problem("five"), result = try problem.evaluate(.innerProduct, workers: 2).result
        func recall(_ k: Int, _ queries: [[Float]], _ candidates: [[Float]], _ isRight: (Int, Int) -> Bool) -> Double {
            let hits = queries.indices.count { query in
                candidates.indices.map { ($0, GalleryFixture.score(queries[query], candidates[$0], .innerProduct)) }
                    .sorted { $0.1 > $1.1 }.prefix(k).contains { isRight(query, $0.0) }
            }
            return Double(hits) / Double(queries.count)
        }
        let first = result.firstToSecond, second = result.secondToFirst
        for (k, toCaptions, toPictures) in [
            (1, first.recallAt1, second.recallAt1), (5, first.recallAt5, second.recallAt5),
            (10, first.recallAt10, second.recallAt10),
        ] {
            #expect(recall(k, problem.pictures, problem.captions) { $1 / 5 == $0 } == toCaptions)
            #expect(recall(k, problem.captions, problem.pictures) { $0 / 5 == $1 } == toPictures)
        }
        #expect(result.gallery == 200 && result.severalRightAnswers == 40)
        #expect(first.recallAt1 < 0.9, "random encodings are not perfect")
    }

    /// Captions are encoded as their pictures.
    @Test(arguments: [1, 4]) func perfectEncodersFindAll(workers: Int) throws {
        var problem = Self.problem("five")
        problem.captions = (0..<200).map { problem.pictures[$0 / 5] }
        for similarity in [Similarity.cosine, .quadratic] {
            let result = try problem.evaluate(similarity, workers: workers).result
            #expect(result.firstToSecond.recallAt1 == 1 && result.secondToFirst.recallAt1 == 1)
            #expect(result.firstToSecond.medianRank == 1 && result.secondToFirst.meanReciprocalRank == 1)
        }
    }
}
