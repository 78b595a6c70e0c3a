import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import TestSupport
import Testing

/// Retrieval where queries have several right answers.
@Suite struct RightAnswersTests {
    /// The samples, their encodings, and the groups.
    private struct Problem: Sendable {
        var gallery: GalleryFixture
        var firstKeys: [Int], secondKeys: [Int], groups: [Int]?

        func isRight(_ i: Int, _ j: Int) -> Bool {
            i == j || firstKeys[i] == firstKeys[j] || secondKeys[i] == secondKeys[j]
                || groups.map { $0[i] >= 0 && $0[i] == $0[j] } ?? false
        }

        /// 1 + the number of wrong candidates that score at least as high as the best right one.
        func naiveRanks(_ similarity: Similarity) -> [[Int]] {
            let count = gallery.count
            let scores = gallery.first.map { u in gallery.second.map { GalleryFixture.score(u, $0, similarity) } }
            func ranks(_ score: (Int, Int) -> Double) -> [Int] {
                (0..<count).map { i in
                    let right = (0..<count).filter { isRight(i, $0) }.map { score(i, $0) }.filter { !$0.isNaN }
                    let best = right.max() ?? .nan
                    return 1 + (0..<count).count { !isRight(i, $0) && !(score(i, $0) < best) }
                }
            }
            return [ranks { scores[$0][$1] }, ranks { scores[$1][$0] }]
        }

        func ranks(_ similarity: Similarity, workers: Int, minimum: Int = 4) throws -> (ranks: [[Int]], several: Int) {
            let shards = SampleShards(samples: gallery.count, minimum: minimum)
            return try runWorkers(workers) { communicator in
                let local = shards.shards(of: communicator.rank, workers: communicator.size)
                    .flatMap { shards.samples(of: $0) }
                func digests(_ keys: [Int]) -> [SampleDigest] {
                    local.map { SampleDigest(Tensor([1], [Float(keys[$0])])) }
                }
                let right = try RightAnswers(
                    first: digests(firstKeys), second: digests(secondKeys),
                    groups: groups.map { groups in local.map { groups[$0] } },
                    count: gallery.count, communicator: communicator)
                let (u, v) = gallery.encodings(shards, communicator)
                let ranks = try Retrieval.ranks(
                    first: u, second: v, similarity: similarity, rightAnswers: right, shards: shards,
                    communicator: communicator)
                return ([ranks.firstToSecond, ranks.secondToFirst], right?.samplesWithSeveral ?? 0)
            }
        }
    }

    /// Five captions a picture, labels, groups, all three at once; equal rows have equal encodings.
    private static func problem(_ kind: String, count: Int = 203) -> Problem {
        var gallery = GalleryFixture(count: count, dimension: 9)
        let alone = Array(0..<count)
        var problem = Problem(gallery: gallery, firstKeys: alone, secondKeys: alone.map { 1_000 + $0 }, groups: nil)
        if kind == "captions" || kind == "all" { problem.firstKeys = alone.map { $0 * 7 % count / 5 } }
        if kind == "labels" || kind == "all" { problem.secondKeys = alone.map { $0 * $0 % 11 } }
        if kind == "groups" || kind == "all" { problem.groups = alone.map { $0 % 4 == 0 ? -1 : $0 % 37 } }
        for i in alone {
            gallery.first[i] = gallery.first[problem.firstKeys.firstIndex(of: problem.firstKeys[i])!]
            gallery.second[i] = gallery.second[problem.secondKeys.firstIndex(of: problem.secondKeys[i])!]
        }
        problem.gallery = gallery
        return problem
    }

    @Test(arguments: Similarity.allCases, ["captions", "labels", "groups", "all", "none"])
    func ranksMatchBruteForce(_ similarity: Similarity, _ kind: String) throws {
        let problem = Self.problem(kind), expected = problem.naiveRanks(similarity)
        for workers in [1, 2, 3, 4] {
            let found = try problem.ranks(similarity, workers: workers)
            #expect(found.ranks == expected, "\(workers) workers")
            #expect(
                found.several == (0..<203).count { i in (0..<203).contains { $0 != i && problem.isRight(i, $0) } })
        }
        #expect(try problem.ranks(similarity, workers: 5, minimum: 15).ranks == expected)
        let single = problem.gallery.naiveRanks(similarity)
        if kind == "none" {
            #expect(expected == [single.firstToSecond, single.secondToFirst])
        } else {
            #expect(zip(expected[1], single.secondToFirst).allSatisfy { $0 <= $1 })
            #expect(expected[1] != single.secondToFirst)
        }
    }

    /// The order of the samples has no meaning.
    @Test func orderDoesNotMatter() throws {
        let problem = Self.problem("all"), order = (0..<203).map { $0 * 64 % 203 }
        var shuffled = problem
        shuffled.gallery.first = order.map { problem.gallery.first[$0] }
        shuffled.gallery.second = order.map { problem.gallery.second[$0] }
        shuffled.firstKeys = order.map { problem.firstKeys[$0] }
        shuffled.secondKeys = order.map { problem.secondKeys[$0] }
        shuffled.groups = order.map { problem.groups![$0] }
        let plain = try problem.ranks(.cosine, workers: 1), found = try shuffled.ranks(.cosine, workers: 2)
        for direction in 0..<2 { #expect(found.ranks[direction] == order.map { plain.ranks[direction][$0] }) }
    }

    @Test func collapsedAndUndefinedEncodingsRankLast() throws {
        var problem = Self.problem("captions", count: 70)
        problem.gallery.second = .init(repeating: problem.gallery.second[0], count: 70)
        problem.gallery.first[13][2] = .nan
        for workers in [1, 4] {
            #expect(try problem.ranks(.innerProduct, workers: workers).ranks == problem.naiveRanks(.innerProduct))
        }
        // 63 other captions tie with the seven right ones.
        #expect(try problem.ranks(.innerProduct, workers: 1).ranks[0][0] == 64)
    }

    @Test func tableAndJSONTellOfSeveral() {
        let metrics = RetrievalMetrics(ranks: [1, 2])
        func result(_ several: Int) -> EvaluationResult {
            EvaluationResult(
                step: 1,
                retrieval: RetrievalResult(
                    firstToSecond: metrics, secondToFirst: metrics, gallery: 2, severalRightAnswers: several))
        }
        #expect(!result(0).table.contains("several right answers"))
        #expect(result(2).table.contains("2 queries have several right answers (equal rows, or rows of one group)"))
        #expect(result(2).json["retrieval"]?["several_right_answers"]?.integer == 2)
    }
}
