import CoupletCommunication
import CoupletLosses
import CoupletPairs
import CoupletTensors

/// The held-out encodings from which a `Metric` computes its figures, and sums over all of them.
///
/// N held-out pairs are encoded. Each worker has the encodings of consecutive pairs. The sums run over the pairs of all
/// workers in a fixed order, so they have the same bits for every number of workers.
public struct MetricContext {
    /// The encodings f(x) and g(y) of this worker's pairs, n × e each, without padding. A worker may have none.
    public let encodings: PerModality<Tensor>
    /// The numbers of this worker's pairs among the N pairs, which are the sample numbers of the held-out split.
    public let samples: Range<Int>
    /// The class of each of this worker's pairs; nil if the source has no classes.
    public let labels: [Int]?
    /// The similarity of the run's loss.
    public let similarity: Similarity
    /// τ, which divides similarities to give scores.
    public let temperature: Double
    /// The shards of the N pairs.
    public let shards: SampleShards
    let communicator: any Communicator

    /// N, the number of pairs of all workers.
    public var count: Int { shards.samples }

    /// - Parameters:
    ///   - first, second: this worker's shards, (size · its shards) × e, as from `ShardedEncoding`.
    ///   - labels: the classes of this worker's pairs, in order, without the padding.
    public init(
        first: Tensor, second: Tensor, labels: [Int]? = nil, similarity: Similarity, temperature: Double,
        shards: SampleShards, communicator: any Communicator
    ) {
        let localShards = shards.shards(of: communicator.rank, workers: communicator.size)
        let start = min(localShards.lowerBound * shards.size, shards.samples)
        let samples = start..<min(localShards.upperBound * shards.size, shards.samples)
        precondition(
            first.rows == localShards.count * shards.size && second.rows == first.rows,
            "encodings \(first.shape) and \(second.shape) for \(localShards.count) shards of \(shards.size)")
        precondition(
            labels.map { $0.count == samples.count } ?? true,
            "\(labels?.count ?? 0) labels for \(samples.count) samples")
        // Only the last shards are padded, so this worker's samples are its first rows.
        self.samples = samples
        encodings = PerModality(first: first.rows(0..<samples.count), second: second.rows(0..<samples.count))
        self.labels = labels
        self.similarity = similarity
        self.temperature = temperature
        self.shards = shards
        self.communicator = communicator
    }

    // MARK: - Sums over pairs of the data

    /// Computes `count` sums over the N pairs: Σ_i terms(i). Every worker calls it.
    ///
    /// The pairs of a shard are added in ascending order, and the shards by pairwise summation. Cost: one all-gather of
    /// `count` Doubles.
    /// - Parameters:
    ///   - count: the number of sums.
    ///   - terms: returns `count` terms of a pair. It gets the pair's row in `encodings`.
    /// - Returns: the sums, on every worker.
    /// - Throws: `CollectiveError` if a worker has failed; an error of `terms`.
    public func sums(_ count: Int, _ terms: (_ row: Int) throws -> [Double]) throws -> [Double] {
        try ShardedSum(shards, communicator).run(count: count) { _, shardSamples in
            var sums = [Double](repeating: 0, count: count)
            for sample in shardSamples {
                let terms = try terms(sample - samples.lowerBound)
                precondition(terms.count == count, "\(terms.count) terms for \(count) sums")
                for k in 0..<count { sums[k] += terms[k] }
            }
            return sums
        }
    }

    /// Computes `count` means over the N pairs: Σ_i terms(i) / N. Every worker calls it, as for `sums`.
    public func means(_ count: Int, _ terms: (_ row: Int) throws -> [Double]) throws -> [Double] {
        try sums(count, terms).map { $0 / Double(self.count) }
    }

    /// Computes a mean over the N pairs: Σ_i term(i) / N. Every worker calls it, as for `sums`.
    public func mean(_ term: (_ row: Int) throws -> Double) throws -> Double { try means(1) { [try term($0)] }[0] }

    // MARK: - Sums over pairs of samples

    /// Some rows of a worker, with the same or another worker's columns: a tile of all N × N combinations of samples.
    public struct Tile {
        /// Rows of the first tensor of `sumsOverTiles`, at most `SampleShards.largestSize`, and their numbers among the
        /// N samples.
        public let rows: Tensor, rowSamples: Range<Int>
        /// Rows of the second tensor, and their numbers. They are valid until `terms` returns.
        public let columns: Tensor, columnSamples: Range<Int>
    }

    /// Computes `count` sums over all N × N combinations of a row of `rows` with a row of `columns`, tile by tile.
    /// Every worker calls it.
    ///
    /// The tiles of a shard of rows are added in a fixed order, and the shards by pairwise summation. Cost for each of
    /// W workers: N² / W combinations, memory of two copies of `columns`, W - 1 messages of the size of `columns`.
    /// - Parameters:
    ///   - count: the number of sums.
    ///   - rows, columns: one row for each of this worker's samples, n × any number of columns, such as
    ///     `encodings.first`.
    ///   - terms: returns `count` sums over one tile.
    /// - Returns: the sums, on every worker.
    /// - Throws: `CollectiveError` if a worker has failed; an error of `terms`.
    public func sumsOverTiles(
        _ count: Int, rows: Tensor, columns: Tensor, _ terms: (Tile) throws -> [Double]
    ) throws -> [Double] {
        precondition(
            rows.rows == samples.count && columns.rows == samples.count,
            "rows \(rows.shape) and columns \(columns.shape) of \(samples.count) samples")
        let sum = ShardedSum(shards, communicator), localShards = sum.localShards
        let size = shards.size, width = columns.columns, stride = size * width
        let schedule = PairwiseSchedule(
            communicator: communicator, shards: shards.count, unit: shards.unit, shardRows: size)
        // The last shards are padded with zeros.
        let own = Tensor([localShards.count * stride])
        own.flat(0..<columns.count).copy(from: columns)
        let block = RingBlock(largestShards: schedule.largestShards, largestFloats: stride)
        block.setOwn([own], shards: localShards.count)
        var shardSums = [[Double]](repeating: [Double](repeating: 0, count: count), count: localShards.count)
        try schedule.run(reading: block, accumulating: nil) { pair in
            let slice = block.current[0].flat(pair.second * stride..<(pair.second + 1) * stride)
            let rowSamples = shards.samples(of: pair.firstShard), columnSamples = shards.samples(of: pair.secondShard)
            if rowSamples.isEmpty || columnSamples.isEmpty { return }
            let terms = try terms(
                Tile(
                    rows: rows.rows(localRows(of: pair.firstShard)), rowSamples: rowSamples,
                    columns: slice.flat(0..<columnSamples.count * width).reshaped([columnSamples.count, width]),
                    columnSamples: columnSamples))
            precondition(terms.count == count, "\(terms.count) terms for \(count) sums")
            for k in 0..<count { shardSums[pair.first][k] += terms[k] }
        }
        return try sum.run(count: count) { localShard, _ in shardSums[localShard] }
    }

    /// The rows of one of this worker's shards in `encodings`.
    private func localRows(of shard: Int) -> Range<Int> {
        let range = shards.samples(of: shard)
        return range.isEmpty ? 0..<0 : range.lowerBound - samples.lowerBound..<range.upperBound - samples.lowerBound
    }
}
