import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Glibc
import TestSupport
import Testing

@Suite struct GallerySearchTests {
    /// Largest relative error of a block's 128 additions in single precision if all terms are equal and all additions
    /// are rounded in the same direction, times two for the ratio of squares.
    private static let equalTerms = 8e-6

    private static func search(
        _ queries: [[Float]], _ gallery: [[Float]], _ similarity: Similarity, temperature: Double, top: Int,
        weights: [Double]? = nil, workers: Int = 1
    ) throws -> SearchResult {
        let search = try GallerySearch(similarity: similarity, temperature: temperature, top: top)
        return try runWorkers(workers) {
            try search.run(
                queries: Tensor(rows: queries), gallery: Gallery(Tensor(rows: gallery), similarity: similarity),
                weights: weights, communicator: $0)
        }
    }

    /// Sizes: one row and one query; fewer rows than a tile; partial panels and blocks; parts without rows.
    @Test(
        arguments: Similarity.allCases,
        [(1, 1, 1, 3), (3, 7, 7, 5), (50, 37, 4, 3), (97, 5_003, 10, 33), (20, 3_000, 25, 130)])
    func resultsMatchTheDefinition(
        _ similarity: Similarity, _ size: (queries: Int, gallery: Int, top: Int, dimension: Int)
    ) throws {
        let fixture = GalleryFixture(count: max(size.queries, size.gallery), dimension: size.dimension, scale: 0.5)
        let queries = Array(fixture.first.prefix(size.queries)), gallery = Array(fixture.second.prefix(size.gallery))
        let twin = NaiveSearch(queries, gallery, similarity, temperature: 0.3, top: size.top)
        let found = try Self.search(queries, gallery, similarity, temperature: 0.3, top: size.top)
        #expect(found.queries == size.queries && found.top == size.top)
        #expect(twin.error(of: found) <= 1e-5)
        let scoreErrors = zip(found.scores, twin.scores.flatMap { $0 }).map { abs($0 - $1) }
        #expect(scoreErrors.max()! <= 2e-5)
    }

    /// At a temperature of 0.005 a cosine of 1 is an exponent of 288, more than a float can hold.
    @Test func extremeTemperatures() throws {
        let fixture = GalleryFixture(count: 4_000, dimension: 64)
        let queries = Array(fixture.first.prefix(60))
        let twin = NaiveSearch(queries, fixture.second, .cosine, temperature: 0.005, top: 5)
        #expect(twin.error(of: try Self.search(queries, fixture.second, .cosine, temperature: 0.005, top: 5)) <= 1e-5)
        // Nearly uniform conditionals are exact, too.
        let flat = NaiveSearch(queries, fixture.second, .cosine, temperature: 50, top: 5)
        let found = try Self.search(queries, fixture.second, .cosine, temperature: 50, top: 5)
        #expect(flat.error(of: found) <= 1e-5 && found.effectiveCandidates.min()! > 3_900)
    }

    @Test(arguments: Similarity.allCases)
    func bitsDoNotDependOnTheNumberOfWorkers(_ similarity: Similarity) throws {
        let fixture = GalleryFixture(count: 9_001, dimension: 20, scale: 0.7)
        let queries = Array(fixture.first.prefix(70)), weights = (0..<9_001).map { Double($0 % 7) }
        let alone = try Self.search(queries, fixture.second, similarity, temperature: 0.05, top: 12, weights: weights)
        for workers in [2, 3, 4, 8] {
            let found = try Self.search(
                queries, fixture.second, similarity, temperature: 0.05, top: 12, weights: weights, workers: workers)
            #expect(found == alone, "\(workers) workers")
        }
        // A query's result does not depend on the other queries.
        let few = try Self.search(
            Array(queries[40..<43]), fixture.second, similarity, temperature: 0.05, top: 12, weights: weights)
        #expect(few.probabilities == Array(alone.probabilities[(40 * 12)..<(43 * 12)]))
        #expect(few.logNormalizers == Array(alone.logNormalizers[40..<43]))
    }

    /// Scores rise or fall by many powers of two from row to row, so the shift of the sums changes.
    @Test(arguments: [1.0, -1.0] as [Float])
    func scoresMayRiseAndFall(_ sign: Float) throws {
        let gallery: [[Float]] = (0..<3_000).map { [sign * Float($0) / 8, 1] }
        // The scores of the last query are about 700 powers of two below 1.
        let queries: [[Float]] = [[1, 0], [0.01, 2], [-1, 0], [1e-4, 0], [1e-4, -5]]
        let twin = NaiveSearch(queries, gallery, .innerProduct, temperature: 0.01, top: 6)
        #expect(
            twin.error(of: try Self.search(queries, gallery, .innerProduct, temperature: 0.01, top: 6, workers: 2))
                <= 1e-5)
    }

    /// Many scores just within the range of the first shift, then a much higher one: the earlier terms must stay in the
    /// sum.
    @Test(arguments: [41.0, 62, 100, 130] as [Float])
    func newShiftKeepsEarlierTerms(_ last: Float) throws {
        // At this temperature scores are exponents of two.
        let temperature = 1.4426950408889634
        var gallery = [[Float]](repeating: [0], count: 8)
        gallery += [[Float]](repeating: [39.9], count: 990)
        gallery.append([last])
        let twin = NaiveSearch([[1]], gallery, .innerProduct, temperature: temperature, top: 1)
        let found = try Self.search([[1]], gallery, .innerProduct, temperature: temperature, top: 1)
        let error = twin.error(of: found)
        #expect(error <= Self.equalTerms)
        #expect(last > 62 || twin.probabilities[0][0] < 1 - 1e-4)
    }

    /// Copies tie exactly at any position in tiles, blocks and parts, and the lower row comes first.
    @Test(arguments: Similarity.allCases)
    func equalRowsAreOrderedByNumber(_ similarity: Similarity) throws {
        let fixture = GalleryFixture(count: 2_600, dimension: 19)
        let gallery = (0..<2_600).map { fixture.second[$0 % 13] }, queries = Array(fixture.first.prefix(9))
        let twin = NaiveSearch(queries, gallery, similarity, temperature: 0.5, top: 30)
        let found = try Self.search(queries, gallery, similarity, temperature: 0.5, top: 30, workers: 4)
        #expect(twin.error(of: found) <= 1e-5)
        for query in 0..<9 {
            let rows = Array(found.rows[found.range(ofQuery: query)])
            #expect(rows == (0..<30).map { rows[0] + 13 * $0 } && rows[0] < 13)
            #expect(Set(found.probabilities[found.range(ofQuery: query)]).count == 1)
        }
        let one = try Self.search(
            queries, .init(repeating: gallery[0], count: 1_500), similarity, temperature: 0.5, top: 2)
        #expect(one.rows == (0..<18).map { $0 % 2 })
        #expect(one.effectiveCandidates.allSatisfy { abs($0 / 1_500 - 1) <= Self.equalTerms })
        #expect(one.probabilities.allSatisfy { abs($0 * 1_500 - 1) <= Self.equalTerms })
    }

    /// Better rows replace the equal rows with the highest numbers.
    @Test func betterRowsReplaceTheLastEqualOnes() throws {
        let gallery = [[Float]](repeating: [1], count: 60) + [[Float]](repeating: [2], count: 30)
        let found = try Self.search([[1]], gallery, .innerProduct, temperature: 1, top: 40)
        #expect(found.rows == Array(60..<90) + Array(0..<10))
    }

    /// A prior weights every row of the gallery; a prior of 0 excludes the row.
    @Test(arguments: Similarity.allCases)
    func weightsAreAPrior(_ similarity: Similarity) throws {
        let fixture = GalleryFixture(count: 1_300, dimension: 6), queries = Array(fixture.first.prefix(5))
        var weights = [Double](repeating: 0, count: 1_300)
        for row in weights.indices where row % 3 != 0 { weights[row] = 0.001 * Double(row % 50 + 1) }
        let twin = NaiveSearch(queries, fixture.second, similarity, temperature: 0.2, top: 8, weights: weights)
        #expect(
            twin.error(
                of: try Self.search(queries, fixture.second, similarity, temperature: 0.2, top: 8, weights: weights))
                <= 1e-5)
        var two = [Double](repeating: 0, count: 1_300)
        (two[7], two[1_200]) = (2, 2)
        let found = try Self.search(queries, fixture.second, similarity, temperature: 0.2, top: 2, weights: two)
        #expect(
            NaiveSearch(queries, fixture.second, similarity, temperature: 0.2, top: 2, weights: two).error(of: found)
                <= 1e-5)
        #expect {
            try Self.search(queries, fixture.second, similarity, temperature: 0.2, top: 3, weights: two)
        } throws: {
            "\($0)".contains("a gallery of 2 rows with a prior above 0")
        }
    }

    /// A streamed gallery gives the results of a gallery in memory.
    @Test(arguments: Similarity.allCases)
    func streamedRowsMatchRowsInMemory(_ similarity: Similarity) throws {
        let fixture = GalleryFixture(count: 2_777, dimension: 12), rows = Tensor(rows: fixture.second)
        let queries = Array(fixture.first.prefix(11))
        let search = try GallerySearch(similarity: similarity, temperature: 0.1, top: 3)
        let streamed = Gallery(count: 2_777, dimension: 12, similarity: similarity) { { $1.copy(from: rows.rows($0)) } }
        let found = try runWorkers(2) {
            try search.run(queries: Tensor(rows: queries), gallery: streamed, communicator: $0)
        }
        #expect(found == (try Self.search(queries, fixture.second, similarity, temperature: 0.1, top: 3)))

        rows[1_900 * 12 + 5] = .nan
        #expect {
            try runWorkers(2) { try search.run(queries: Tensor(rows: queries), gallery: streamed, communicator: $0) }
        } throws: {
            "\($0)".contains("gallery row 1900 holds nan")
        }
    }

    @Test func impossibleSearchesAreRefused() throws {
        let fixture = GalleryFixture(count: 30, dimension: 4), queries = Array(fixture.first.prefix(2))
        func refusal(
            _ queries: [[Float]], _ gallery: [[Float]], temperature: Double = 1, top: Int = 1, weights: [Double]? = nil
        ) -> String {
            do {
                _ = try Self.search(
                    queries, gallery, .innerProduct, temperature: temperature, top: top, weights: weights)
                return "nothing"
            } catch {
                return "\(error)"
            }
        }
        #expect(
            refusal(queries, fixture.second, top: 31).contains(
                "the best 31 of a gallery of 30 rows; ask for at most 30"))
        #expect(refusal(queries, fixture.second, top: 0).contains("at least 1"))
        #expect(refusal(queries, fixture.second, temperature: 0).contains("temperature of 0"))
        #expect(
            refusal(queries.map { $0.dropLast() }, fixture.second).contains("queries of 3 numbers and a gallery of 4"))
        #expect(refusal([queries[0], [0, 1, .infinity, 0]], fixture.second).contains("query row 1 holds inf"))
        #expect(refusal(queries, fixture.second, weights: [1, 2]).contains("2 prior weights for a gallery of 30"))
        #expect(
            refusal(queries, fixture.second, weights: .init(repeating: -1, count: 30)).contains("gallery row 0 is -1"))
        let large = fixture.second.map { $0.map { $0 * 1e25 } }
        #expect(refusal([queries[0], [1e20, 0, 0, 0]], large).contains("exceed single precision"))
    }
}

/// A search by the definition, in Double.
private struct NaiveSearch {
    let rows: [[Int]]
    let scores: [[Double]], probabilities: [[Double]]
    let logNormalizers: [Double], effectiveCandidates: [Double]

    init(
        _ queries: [[Float]], _ gallery: [[Float]], _ similarity: Similarity, temperature: Double, top: Int,
        weights: [Double]? = nil
    ) {
        var rows: [[Int]] = [], scores: [[Double]] = [], probabilities: [[Double]] = []
        var logNormalizers: [Double] = [], effectiveCandidates: [Double] = []
        for query in queries {
            let all: [Double] = gallery.map { GalleryFixture.score(query, $0, similarity) / temperature }
            var terms = all
            if let weights { for row in terms.indices { terms[row] += log(weights[row]) } }
            let largest = terms.max()!
            let exponentials: [Double] = terms.map { exp($0 - largest) }
            let sum = exponentials.reduce(0, +)
            let order = terms.indices.sorted { terms[$0] > terms[$1] || (terms[$0] == terms[$1] && $0 < $1) }.prefix(
                top)
            rows.append(Array(order))
            scores.append(order.map { all[$0] })
            probabilities.append(order.map { exponentials[$0] / sum })
            logNormalizers.append(largest + log(sum))
            effectiveCandidates.append(sum * sum / exponentials.reduce(0) { $0 + $1 * $1 })
        }
        self.rows = rows
        self.scores = scores
        self.probabilities = probabilities
        self.logNormalizers = logNormalizers
        self.effectiveCandidates = effectiveCandidates
    }

    /// The largest error of a result: relative for probabilities and effective candidates, absolute for logarithms;
    /// infinite if the rows differ.
    func error(of result: SearchResult) -> Double {
        guard result.rows == rows.flatMap({ $0 }) else { return .infinity }
        func largest(_ found: [Double], _ exact: [Double], _ difference: (Double, Double) -> Double) -> Double {
            zip(found, exact).map { abs(difference($0.0, $0.1)) }.max() ?? .infinity
        }
        let ofProbabilities = largest(result.probabilities, probabilities.flatMap { $0 }) { $0 / $1 - 1 }
        let ofCandidates = largest(result.effectiveCandidates, effectiveCandidates) { $0 / $1 - 1 }
        return max(ofProbabilities, ofCandidates, largest(result.logNormalizers, logNormalizers) { $0 - $1 })
    }
}
