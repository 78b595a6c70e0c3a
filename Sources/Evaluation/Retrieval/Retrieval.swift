import CoupletCommunication
import CoupletLosses
import CoupletTensors

/// Retrieval over a gallery of N pairs: the rank of every query's positive among all N candidates, both ways.
///
/// `rank = 1 + the number of other candidates whose score is at least the positive's`: ties count against the encoders. Scores
/// are compared as in Double (`RankCounter`), so the ranks are the same for every number of workers and on every CPU that gave
/// the encodings.
///
/// The walk of the pairwise engine: no N × N array, memory O(N d / W) a worker and one tile.
public enum Retrieval {
    /// The figures, on every worker.
    /// - Parameters:
    ///   - first, second: this worker's shards, (size · its shards) × d, as from `ShardedEncoding`.
    /// - Throws: `CollectiveError` where a worker has failed.
    public static func evaluate(
        first: Tensor, second: Tensor, similarity: Similarity, shards: SampleShards, communicator: any Communicator
    ) throws -> RetrievalResult {
        let ranks = try ranks(
            first: first, second: second, similarity: similarity, shards: shards, communicator: communicator)
        return RetrievalResult(
            firstToSecond: RetrievalMetrics(ranks: ranks.firstToSecond),
            secondToFirst: RetrievalMetrics(ranks: ranks.secondToFirst),
            gallery: shards.samples)
    }

    /// The ranks of all N positives, in the order of the samples, on every worker.
    /// - Throws: `CollectiveError` where a worker has failed.
    public static func ranks(
        first: Tensor, second: Tensor, similarity: Similarity, shards: SampleShards, communicator: any Communicator
    ) throws -> (firstToSecond: [Int], secondToFirst: [Int]) {
        precondition(shards.samples > 0, "retrieval over no pairs")
        let walk = PairwiseSchedule(communicator: communicator, shards: shards.count)
        let own = shards.shards(of: communicator.rank, workers: communicator.size), size = shards.size
        precondition(
            first.rows == own.count * size && second.rows == first.rows && second.columns == first.columns,
            "encodings \(first.shape) and \(second.shape) for \(own.count) shards of \(size)")
        let pairs = own.enumerated().map { place, shard in
            let rows = place * size..<(place + 1) * size
            let count = shards.samples(of: shard).count
            return EncodedShard.pair(first.rows(rows), second.rows(rows), count: count, similarity: similarity)
        }
        let visiting = RemoteGallery(shards: own.count, rows: size, dimension: second.columns, similarity: similarity)
        for (place, pair) in pairs.enumerated() { visiting.load(pair.second, at: place) }

        var counter = RankCounter(similarity: similarity, rows: size, columns: size)
        var rowRanks = [Int](repeating: 0, count: own.count * size)
        try walk.run(reading: visiting.reading, accumulating: visiting.counts) { visit in
            let query = pairs[visit.first].first, candidate = visiting.shard(visit.second)
            if query.count == 0 || candidate.count == 0 { return }
            counter.count(query, candidate)
            for i in 0..<query.count { rowRanks[visit.first * size + i] += counter.rowCounts[i] }
            visiting.add(counter.columnCounts, count: candidate.count, at: visit.second)
        }
        // Shards follow each other through all workers and only the last ones are filled up, so the samples come first.
        func gathered(_ ranks: [Int]) throws -> [Int] {
            try communicator.allGather(numbers: ranks.map(Double.init)).prefix(shards.samples).map { Int($0) }
        }
        return (try gathered(rowRanks), try gathered(visiting.localCounts))
    }
}
