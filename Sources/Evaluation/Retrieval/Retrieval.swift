import CoupletCommunication
import CoupletLosses
import CoupletTensors
import CoupletText

/// Retrieval over a gallery of N pairs: the rank of each query's positive among all N candidates, in both directions.
///
/// `rank = 1 + the number of other candidates whose score is at least the positive's`: ties count against the encoders.
/// Where a query has several right answers (`RightAnswers`), its rank is that of its best one: 1 + the number of other
/// candidates whose score is at least the best right answer's, other right answers not counted. Where pairs share
/// samples (`DistinctGalleries`), queries and candidates are the distinct ones, of different numbers each way.
/// Scores are compared as in Double (`RankCounter`), so the ranks are the same for every number of workers and on every
/// CPU, given the same encodings.
///
/// The `PairwiseSchedule` of the losses makes an N × N array unnecessary. Each of W workers holds O(N d / W) numbers
/// and one tile of scores.
public enum Retrieval {
    /// Computes the metrics. Every worker calls it and gets the same result.
    /// - Parameters:
    ///   - first, second: this worker's shards, (size · its shards) × d, as from `ShardedEncoding`.
    ///   - rightAnswers: nil if each query has one right answer.
    ///   - galleries: the distinct samples of the pairs, and their right answers; nil if each pair has samples of its
    ///     own.
    /// - Throws: `CollectiveError` if a worker has failed.
    public static func evaluate(
        first: Tensor, second: Tensor, similarity: Similarity, rightAnswers: RightAnswers? = nil,
        galleries: DistinctGalleries? = nil, shards: SampleShards, communicator: any Communicator
    ) throws -> RetrievalResult {
        let ranks = try ranks(
            first: first, second: second, similarity: similarity, rightAnswers: rightAnswers, galleries: galleries,
            shards: shards, communicator: communicator)
        return RetrievalResult(
            firstToSecond: RetrievalMetrics(ranks: ranks.firstToSecond),
            secondToFirst: RetrievalMetrics(ranks: ranks.secondToFirst), gallery: shards.samples,
            severalRightAnswers: galleries?.queriesWithSeveral ?? rightAnswers?.samplesWithSeveral ?? 0,
            distinct: galleries.map { RetrievalResult.DistinctCounts(first: $0.counts.first, second: $0.counts.second) }
        )
    }

    /// Computes the ranks of the best right answers to all queries: the N samples in their order, or the samples of the
    /// galleries in theirs. Every worker calls it and gets the same result.
    /// - Parameters:
    ///   - first, second: this worker's shards, (size · its shards) × d, as from `ShardedEncoding`.
    ///   - rightAnswers: nil if each query has one right answer.
    ///   - galleries: nil if each pair has samples of its own.
    /// - Throws: `CollectiveError` if a worker has failed.
    public static func ranks(
        first: Tensor, second: Tensor, similarity: Similarity, rightAnswers: RightAnswers? = nil,
        galleries: DistinctGalleries? = nil, shards: SampleShards, communicator: any Communicator
    ) throws -> (firstToSecond: [Int], secondToFirst: [Int]) {
        precondition(shards.samples > 0, "retrieval over no pairs")
        let schedule = PairwiseSchedule(
            communicator: communicator, shards: shards.count, unit: shards.unit, shardRows: shards.size)
        let localShards = schedule.localShards, size = shards.size
        precondition(
            first.rows == localShards.count * size && second.rows == first.rows && second.columns == first.columns,
            "encodings \(first.shape) and \(second.shape) for \(localShards.count) shards of \(size)")
        var pairs = localShards.enumerated().map { index, shard in
            let rows = index * size..<(index + 1) * size, samples = shards.samples(of: shard)
            guard let galleries else {
                return EncodedShard.pair(
                    first.rows(rows), second.rows(rows), count: samples.count, similarity: similarity)
            }
            return (
                EncodedShard(first.rows(rows), galleries.first, of: samples, similarity: similarity),
                EncodedShard(second.rows(rows), galleries.second, of: samples, similarity: similarity)
            )
        }
        let remote = RemoteGallery(
            schedule, dimension: second.columns, similarity: similarity,
            hasSeveralAnswers: rightAnswers != nil || galleries != nil)
        func loadSecond() {
            for (index, pair) in pairs.enumerated() {
                remote.load(pair.second, at: index)
            }
        }
        loadSecond()
        var best: (first: BestAnswers, second: BestAnswers)?
        let answers = galleries.map { Answers(galleries: $0) } ?? rightAnswers.map { Answers(pairs: $0) }
        if let answers {
            let found = try bestAnswers(pairs, remote, answers, schedule, shards)
            for index in pairs.indices {
                pairs[index].first.replacePositives { found.first.positive(of: index * size + $0) }
                pairs[index].second.replacePositives { found.second.positive(of: index * size + $0) }
            }
            loadSecond()
            best = found
        }

        var counter = RankCounter(rows: size, columns: size)
        var rowRanks = [Int](repeating: 0, count: localShards.count * size)
        remote.counts.clear()
        try schedule.run(reading: remote.reading, accumulating: remote.counts) { shardPair in
            let queries = pairs[shardPair.first].first, candidates = remote.shard(shardPair)
            if queries.count == 0 || candidates.count == 0 { return }
            counter.count(queries, candidates)
            for i in 0..<queries.count { rowRanks[shardPair.first * size + i] += counter.rowCounts[i] }
            remote.add(counter.columnCounts, count: candidates.count, at: shardPair.second)
        }
        var columnRanks = remote.localCounts
        if let best {
            // The other right answers that reach the best one do not count.
            for row in rowRanks.indices {
                rowRanks[row] -= max(best.first.reaching(row), 1) - 1
                columnRanks[row] -= max(best.second.reaching(row), 1) - 1
            }
        }
        // Each shard begins with its queries.
        func gathered(_ ranks: [Int], _ gallery: DistinctGalleries.Gallery?) throws -> [Int] {
            let own = localShards.enumerated().flatMap { index, shard in
                let samples = shards.samples(of: shard), count = gallery?.samples(in: samples).count ?? samples.count
                return ranks[index * size..<index * size + count].map(Int64.init)
            }
            return try communicator.allGather(bytes: own.withUnsafeBytes { Array($0) }).flatMap { bytes in
                bytes.withUnsafeBytes { raw in
                    (0..<raw.count / 8).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
                }
            }
        }
        return (try gathered(rowRanks, galleries?.first), try gathered(columnRanks, galleries?.second))
    }

    /// Right answers in the numbers of queries and candidates.
    private struct Answers {
        /// The queries or candidates of the first and of the second modality in a range of pairs.
        let first: (Range<Int>) -> Range<Int>, second: (Range<Int>) -> Range<Int>
        /// Calls a function once for each right answer to a first sample within a range of second samples.
        let forEach: (_ sample: Int, _ range: Range<Int>, _ body: (Int) -> Void) -> Void

        init(pairs: RightAnswers) {
            (first, second) = ({ $0 }, { $0 })
            forEach = { pairs.forEach(of: $0, in: $1, $2) }
        }

        init(galleries: DistinctGalleries) {
            (first, second) = (galleries.first.samples, galleries.second.samples)
            forEach = { galleries.forEachAnswer(toFirst: $0, in: $1, $2) }
        }
    }

    /// Finds the best right answer of each query of this worker's shards, in both directions. Every worker calls it.
    private static func bestAnswers(
        _ pairs: [(first: EncodedShard, second: EncodedShard)], _ remote: RemoteGallery, _ answers: Answers,
        _ schedule: PairwiseSchedule, _ shards: SampleShards
    ) throws -> (first: BestAnswers, second: BestAnswers) {
        let size = shards.size
        var first = BestAnswers(count: pairs.count * size)
        remote.best.clear()
        try schedule.run(reading: remote.reading, accumulating: remote.best) { shardPair in
            let queries = pairs[shardPair.first].first, candidates = remote.shard(shardPair)
            if queries.count == 0 || candidates.count == 0 { return }
            let d = queries.encodings.columns
            let rowStart = answers.first(shards.samples(of: shardPair.firstShard)).lowerBound
            let columns = answers.second(shards.samples(of: shardPair.secondShard))
            let words = remote.best.pointer(0, column: shardPair.second * shards.size)
            var second = remote.bestAnswers(words)
            for i in 0..<queries.count {
                let row = queries.encodings.pointer + i * d
                answers.forEach(rowStart + i, columns) { sample in
                    let j = sample - columns.lowerBound, column = candidates.encodings.pointer + j * d
                    first.add(candidates.scoring.score(row, column, at: j), of: shardPair.first * size + i)
                    second.add(queries.scoring.score(column, row, at: i), of: j)
                }
            }
            remote.store(second, words)
        }
        let own = pairs.indices.map { remote.bestAnswers(remote.best.field(0).pointer + 4 * shards.size * $0) }
        let second = BestAnswers(
            scores: own.flatMap(\.scores), ties: own.flatMap(\.ties), undefined: own.flatMap(\.undefined))
        return (first, second)
    }
}

/// Retrieval in both directions over a gallery of held-out pairs.
public struct RetrievalResult: Equatable, Sendable {
    /// Queries of the first modality among candidates of the second.
    public let firstToSecond: RetrievalMetrics
    /// Queries of the second modality among candidates of the first.
    public let secondToFirst: RetrievalMetrics
    /// Number of pairs, which is the number of queries, and of candidates for each query, unless samples are shared.
    public let gallery: Int
    /// Number of queries of each direction with several right answers: equal rows, or rows of one group. With distinct
    /// samples, those of both directions together.
    public let severalRightAnswers: Int
    /// Number of distinct samples of each modality, which are the queries and the candidates; nil if each pair has
    /// samples of its own.
    public let distinct: DistinctCounts?

    /// Number of distinct samples of each modality.
    public struct DistinctCounts: Equatable, Sendable {
        public let first: Int, second: Int

        public init(first: Int, second: Int) {
            self.first = first
            self.second = second
        }
    }

    public init(
        firstToSecond: RetrievalMetrics, secondToFirst: RetrievalMetrics, gallery: Int, severalRightAnswers: Int = 0,
        distinct: DistinctCounts? = nil
    ) {
        self.distinct = distinct
        self.firstToSecond = firstToSecond
        self.secondToFirst = secondToFirst
        self.gallery = gallery
        self.severalRightAnswers = severalRightAnswers
    }

    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("first_to_second", firstToSecond.json), ("second_to_first", secondToFirst.json),
            ("gallery", .integer(gallery)),
        ]
        if let distinct {
            members += [("first_gallery", .integer(distinct.first)), ("second_gallery", .integer(distinct.second))]
        }
        members += [
            ("several_right_answers", .integer(severalRightAnswers)), ("recall_at_1", mean(\.recallAt1)),
            ("recall_at_5", mean(\.recallAt5)), ("recall_at_10", mean(\.recallAt10)),
            ("mean_reciprocal_rank", mean(\.meanReciprocalRank)),
        ]
        return .object(members)
    }

    /// Mean of a figure over both directions.
    private func mean(_ figure: (RetrievalMetrics) -> Double) -> JSONValue {
        .number(0.5 * (figure(firstToSecond) + figure(secondToFirst)))
    }
}

/// Retrieval metrics of one direction, from the ranks of the positives; rank 1 is the best.
public struct RetrievalMetrics: Equatable, Sendable {
    /// Share of queries whose positive is among the first 1, 5, 10 candidates.
    public let recallAt1: Double, recallAt5: Double, recallAt10: Double
    /// The median of the ranks; for an even number of queries the mean of the two middle ranks.
    public let medianRank: Double
    /// The mean of 1/rank.
    public let meanReciprocalRank: Double

    /// - Parameter ranks: one per query, in the order of the samples; at least one.
    public init(ranks: [Int]) {
        precondition(!ranks.isEmpty, "retrieval without queries")
        let count = Double(ranks.count), sorted = ranks.sorted(), half = ranks.count / 2
        func recall(_ limit: Int) -> Double { Double(ranks.count { $0 <= limit }) / count }
        recallAt1 = recall(1)
        recallAt5 = recall(5)
        recallAt10 = recall(10)
        medianRank = ranks.count % 2 == 1 ? Double(sorted[half]) : 0.5 * Double(sorted[half - 1] + sorted[half])
        meanReciprocalRank = ranks.reduce(0) { $0 + 1 / Double($1) } / count
    }

    var json: JSONValue {
        .object([
            ("recall_at_1", .number(recallAt1)), ("recall_at_5", .number(recallAt5)),
            ("recall_at_10", .number(recallAt10)), ("median_rank", .number(medianRank)),
            ("mean_reciprocal_rank", .number(meanReciprocalRank)),
        ])
    }
}

/// The block of the second modality that a worker holds during the schedule, with the counts of its queries so far.
///
/// The messages hold floats. The positives' scores in Double and the counts must arrive exactly, so they are stored as
/// bit patterns, which are copied only.
private final class RemoteGallery {
    /// For each shard: encodings rows × d; the positives' scores, two words each; its number of rows; the number of
    /// rows that are samples.
    let reading: RingBlock
    /// One count a row.
    let counts: RingSums
    /// Four words a row, a `BestAnswers`. Empty unless queries have several right answers.
    let best: RingSums
    private let own: Tensor
    private let rows: Int, dimension: Int, stride: Int
    private let similarity: Similarity
    /// The last shard that `shard` returned.
    private var latest: EncodedShard?

    init(_ schedule: PairwiseSchedule, dimension: Int, similarity: Similarity, hasSeveralAnswers: Bool) {
        rows = schedule.shardRows
        self.dimension = dimension
        self.similarity = similarity
        stride = rows * (dimension + 2) + 2
        reading = RingBlock(largestShards: schedule.largestShards, largestFloats: stride)
        own = Tensor([schedule.localShards.count * stride])
        func sums(_ width: Int) -> RingSums {
            RingSums(widths: [width], columns: schedule.rows, largestColumns: schedule.largestRows)
        }
        counts = sums(1)
        best = sums(hasSeveralAnswers ? 4 : 0)
        reading.setOwn([own], shards: schedule.localShards.count)
    }

    /// Stores a shard of this worker.
    func load(_ shard: EncodedShard, at index: Int) {
        let slice = own.flat(index * stride..<(index + 1) * stride), encodings = rows * dimension
        // A shard of distinct samples has fewer rows.
        slice.flat(0..<shard.encodings.count).copy(from: shard.encodings)
        for (row, positive) in shard.positives.enumerated() {
            let bits = positive.bitPattern
            slice[encodings + 2 * row] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            slice[encodings + 2 * row + 1] = Float(bitPattern: UInt32(truncatingIfNeeded: bits >> 32))
        }
        slice[slice.count - 2] = Float(shard.encodings.rows)
        slice[slice.count - 1] = Float(shard.count)
    }

    /// Returns the second shard of a pair of the schedule.
    func shard(_ pair: ShardPair) -> EncodedShard {
        if !pair.beginsColumns, let latest { return latest }
        let slice = reading.current[0].flat(pair.second * stride..<(pair.second + 1) * stride)
        let used = Int(slice[slice.count - 2]), count = Int(slice[slice.count - 1])
        let encodings = slice.flat(0..<(used * dimension)).reshaped([used, dimension])
        let positives = (0..<count).map { row in
            let low = slice[rows * dimension + 2 * row].bitPattern
            let high = slice[rows * dimension + 2 * row + 1].bitPattern
            return Double(bitPattern: UInt64(high) << 32 | UInt64(low))
        }
        let shard = EncodedShard(
            encodings, count: count, scoring: CandidateScoring(encodings, similarity: similarity),
            positives: positives)
        latest = shard
        return shard
    }

    /// Adds to the counts of a shard of the current block.
    func add(_ numbers: [Int], count: Int, at index: Int) {
        let sums = counts.pointer(0, column: index * rows)
        for row in 0..<count { sums[row] = Float(bitPattern: sums[row].bitPattern + UInt32(numbers[row])) }
    }

    /// The best right answers to the queries of a shard so far.
    /// - Parameter words: those of the shard in `best`.
    func bestAnswers(_ words: UnsafePointer<Float>) -> BestAnswers {
        func word(_ row: Int, _ place: Int) -> UInt32 { words[4 * row + place].bitPattern }
        return BestAnswers(
            scores: (0..<rows).map { Double(bitPattern: UInt64(word($0, 1)) << 32 | UInt64(word($0, 0))) },
            ties: (0..<rows).map { word($0, 2) }, undefined: (0..<rows).map { word($0, 3) })
    }

    /// Stores the best right answers to the queries of a shard.
    func store(_ answers: BestAnswers, _ words: UnsafeMutablePointer<Float>) {
        for row in 0..<rows {
            let bits = answers.scores[row].bitPattern
            let values = [
                UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32), answers.ties[row],
                answers.undefined[row],
            ]
            for (place, value) in values.enumerated() { words[4 * row + place] = Float(bitPattern: value) }
        }
    }

    /// The counts of this worker's shards, after the schedule.
    var localCounts: [Int] { counts.field(0).values.map { Int($0.bitPattern) } }
}
