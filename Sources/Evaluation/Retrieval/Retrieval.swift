import CoupletCommunication
import CoupletLosses
import CoupletTensors
import CoupletText

/// Retrieval over a gallery of N pairs: the rank of each query's positive among all N candidates, in both directions.
///
/// `rank = 1 + the number of other candidates whose score is at least the positive's`: ties count against the encoders.
/// Where a query has several right answers (`RightAnswers`), its rank is that of its best one: 1 + the number of other
/// candidates whose score is at least the best right answer's, other right answers not counted.
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
    /// - Throws: `CollectiveError` if a worker has failed.
    public static func evaluate(
        first: Tensor, second: Tensor, similarity: Similarity, rightAnswers: RightAnswers? = nil, shards: SampleShards,
        communicator: any Communicator
    ) throws -> RetrievalResult {
        let ranks = try ranks(
            first: first, second: second, similarity: similarity, rightAnswers: rightAnswers, shards: shards,
            communicator: communicator)
        return RetrievalResult(
            firstToSecond: RetrievalMetrics(ranks: ranks.firstToSecond),
            secondToFirst: RetrievalMetrics(ranks: ranks.secondToFirst), gallery: shards.samples,
            severalRightAnswers: rightAnswers?.samplesWithSeveral ?? 0)
    }

    /// Computes the ranks of all N positives, in the order of the samples. Every worker calls it and gets the same
    /// result.
    /// - Parameters:
    ///   - first, second: this worker's shards, (size · its shards) × d, as from `ShardedEncoding`.
    ///   - rightAnswers: nil if each query has one right answer.
    /// - Throws: `CollectiveError` if a worker has failed.
    public static func ranks(
        first: Tensor, second: Tensor, similarity: Similarity, rightAnswers: RightAnswers? = nil, shards: SampleShards,
        communicator: any Communicator
    ) throws -> (firstToSecond: [Int], secondToFirst: [Int]) {
        precondition(shards.samples > 0, "retrieval over no pairs")
        let schedule = PairwiseSchedule(communicator: communicator, shards: shards.count)
        let localShards = shards.shards(of: communicator.rank, workers: communicator.size), size = shards.size
        precondition(
            first.rows == localShards.count * size && second.rows == first.rows && second.columns == first.columns,
            "encodings \(first.shape) and \(second.shape) for \(localShards.count) shards of \(size)")
        var pairs = localShards.enumerated().map { index, shard in
            let rows = index * size..<(index + 1) * size
            let count = shards.samples(of: shard).count
            return EncodedShard.pair(first.rows(rows), second.rows(rows), count: count, similarity: similarity)
        }
        let remote = RemoteGallery(
            shards: localShards.count, rows: size, dimension: second.columns, similarity: similarity,
            hasSeveralAnswers: rightAnswers != nil)
        func loadSecond() {
            for (index, pair) in pairs.enumerated() {
                remote.load(pair.second, number: localShards.lowerBound + index, at: index)
            }
        }
        loadSecond()
        var best: (first: BestAnswers, second: BestAnswers)?
        if let rightAnswers {
            let found = try bestAnswers(
                pairs, remote, rightAnswers, firstShard: localShards.lowerBound, schedule, shards)
            for index in pairs.indices {
                pairs[index].first.replacePositives { found.first.positive(of: index * size + $0) }
                pairs[index].second.replacePositives { found.second.positive(of: index * size + $0) }
            }
            loadSecond()
            best = found
        }

        var counter = RankCounter(rows: size, columns: size)
        var rowRanks = [Int](repeating: 0, count: localShards.count * size)
        try schedule.run(reading: remote.reading, accumulating: remote.counts) { shardPair in
            let queries = pairs[shardPair.first].first, candidates = remote.shard(shardPair.second)
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
        // The shards are ordered by worker, and only the last ones are padded, so the first N ranks belong to the
        // samples.
        func gathered(_ ranks: [Int]) throws -> [Int] {
            try communicator.allGather(numbers: ranks.map(Double.init)).prefix(shards.samples).map { Int($0) }
        }
        return (try gathered(rowRanks), try gathered(columnRanks))
    }

    /// Finds the best right answer of each query of this worker's shards, in both directions. Every worker calls it.
    private static func bestAnswers(
        _ pairs: [(first: EncodedShard, second: EncodedShard)], _ remote: RemoteGallery, _ rightAnswers: RightAnswers,
        firstShard: Int, _ schedule: PairwiseSchedule, _ shards: SampleShards
    ) throws -> (first: BestAnswers, second: BestAnswers) {
        let size = shards.size
        var first = BestAnswers(count: pairs.count * size)
        try schedule.run(reading: remote.reading, accumulating: remote.best) { shardPair in
            let queries = pairs[shardPair.first].first, candidates = remote.shard(shardPair.second)
            if queries.count == 0 || candidates.count == 0 { return }
            let d = queries.encodings.columns, rowStart = (firstShard + shardPair.first) * size
            let columns = shards.samples(of: remote.number(ofShard: shardPair.second))
            var second = remote.bestAnswers(of: shardPair.second)
            for i in 0..<queries.count {
                let row = queries.encodings.pointer + i * d
                rightAnswers.forEach(of: rowStart + i, in: columns) { sample in
                    let j = sample - columns.lowerBound, column = candidates.encodings.pointer + j * d
                    first.add(candidates.scoring.score(row, column, at: j), of: shardPair.first * size + i)
                    second.add(queries.scoring.score(column, row, at: i), of: j)
                }
            }
            remote.store(second, of: shardPair.second)
        }
        let own = pairs.indices.map { remote.bestAnswers(of: $0) }
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
    /// Number of pairs, which is the number of queries, and of candidates for each query.
    public let gallery: Int
    /// Number of queries of each direction with several right answers: equal rows, or rows of one group.
    public let severalRightAnswers: Int

    public init(
        firstToSecond: RetrievalMetrics, secondToFirst: RetrievalMetrics, gallery: Int, severalRightAnswers: Int = 0
    ) {
        self.firstToSecond = firstToSecond
        self.secondToFirst = secondToFirst
        self.gallery = gallery
        self.severalRightAnswers = severalRightAnswers
    }

    var json: JSONValue {
        .object([
            ("first_to_second", firstToSecond.json), ("second_to_first", secondToFirst.json),
            ("gallery", .integer(gallery)), ("several_right_answers", .integer(severalRightAnswers)),
            ("recall_at_1", mean(\.recallAt1)), ("recall_at_5", mean(\.recallAt5)),
            ("recall_at_10", mean(\.recallAt10)), ("mean_reciprocal_rank", mean(\.meanReciprocalRank)),
        ])
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
/// Exchange buffers hold floats. The positives' scores in Double and the counts must arrive exactly, so they are stored
/// as bit patterns, which are copied only.
private final class RemoteGallery {
    /// For each shard: encodings rows × d; the positives' scores, two words each; its number among all shards; the
    /// number of rows that are samples.
    let reading: ExchangeBuffer
    /// For each shard: one count per row.
    let counts: ExchangeBuffer
    /// For each shard: four words per row, a `BestAnswers`. Empty unless queries have several right answers.
    let best: ExchangeBuffer
    private let shards: Int, rows: Int, dimension: Int
    private let similarity: Similarity

    init(shards: Int, rows: Int, dimension: Int, similarity: Similarity, hasSeveralAnswers: Bool) {
        self.shards = shards
        self.rows = rows
        self.dimension = dimension
        self.similarity = similarity
        reading = ExchangeBuffer(count: shards * (rows * (dimension + 2) + 2))
        counts = ExchangeBuffer(count: shards * rows)
        best = ExchangeBuffer(count: hasSeveralAnswers ? 4 * shards * rows : 0)
    }

    /// Stores a shard of this worker.
    func load(_ shard: EncodedShard, number: Int, at index: Int) {
        let slice = self.slice(index), encodings = rows * dimension
        slice.flat(0..<encodings).copy(from: shard.encodings)
        for (row, positive) in shard.positives.enumerated() {
            let bits = positive.bitPattern
            slice[encodings + 2 * row] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            slice[encodings + 2 * row + 1] = Float(bitPattern: UInt32(truncatingIfNeeded: bits >> 32))
        }
        slice[slice.count - 2] = Float(bitPattern: UInt32(number))
        slice[slice.count - 1] = Float(shard.count)
    }

    /// The number of a shard of the current block among all shards.
    func number(ofShard index: Int) -> Int {
        let slice = self.slice(index)
        return Int(slice[slice.count - 2].bitPattern)
    }

    /// Returns a shard of the current block.
    func shard(_ index: Int) -> EncodedShard {
        let slice = self.slice(index), encodings = slice.flat(0..<(rows * dimension)).reshaped([rows, dimension])
        let count = Int(slice[slice.count - 1])
        let positives = (0..<count).map { row in
            let low = slice[rows * dimension + 2 * row].bitPattern
            let high = slice[rows * dimension + 2 * row + 1].bitPattern
            return Double(bitPattern: UInt64(high) << 32 | UInt64(low))
        }
        return EncodedShard(
            encodings, count: count, scoring: CandidateScoring(encodings, similarity: similarity),
            positives: positives)
    }

    /// Adds to the counts of a shard of the current block.
    func add(_ numbers: [Int], count: Int, at index: Int) {
        let sums = counts.current.flat(index * rows..<(index + 1) * rows)
        for row in 0..<count { sums[row] = Float(bitPattern: sums[row].bitPattern + UInt32(numbers[row])) }
    }

    /// The best right answers to the queries of a shard of the current block, so far.
    func bestAnswers(of index: Int) -> BestAnswers {
        let words = best.current.flat(4 * index * rows..<4 * (index + 1) * rows)
        func word(_ row: Int, _ place: Int) -> UInt32 { words[4 * row + place].bitPattern }
        return BestAnswers(
            scores: (0..<rows).map { Double(bitPattern: UInt64(word($0, 1)) << 32 | UInt64(word($0, 0))) },
            ties: (0..<rows).map { word($0, 2) }, undefined: (0..<rows).map { word($0, 3) })
    }

    /// Stores the best right answers to the queries of a shard of the current block.
    func store(_ answers: BestAnswers, of index: Int) {
        let words = best.current.flat(4 * index * rows..<4 * (index + 1) * rows)
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
    var localCounts: [Int] { (0..<(shards * rows)).map { Int(counts.current[$0].bitPattern) } }

    private func slice(_ index: Int) -> Tensor {
        let stride = rows * (dimension + 2) + 2
        return reading.current.flat(index * stride..<(index + 1) * stride)
    }
}
