import CoupletCommunication
import CoupletEvaluation
import CoupletLosses
import CoupletPairs
import CoupletTensors

/// The batches over which an evaluation computes the loss of a run.
struct LossBatches {
    let split: Split
    /// Pairs of a batch: B, or, if the split has fewer, the largest multiple of S that it allows.
    let size: Int
    /// Number of batches whose losses are averaged.
    let count: Int
    /// Number of batches that one value of the loss takes: 2 for a loss with a second batch.
    let batchesPerLoss: Int
    /// Number of samples of the split; nil for an endless source.
    private let available: Int?

    /// As many whole batches as the pairs of the evaluation fill, at least one. Nil if there are too few pairs for a
    /// batch of S pairs.
    init?(_ configuration: Configuration, _ pairs: EvaluationPairs, source: any PairSource) {
        let batch = configuration.batch, perLoss = configuration.objective.loss.batchCount
        let available = source.count(of: pairs.split)
        var size = batch.size
        if let available, available < perLoss * size {
            size = available / (perLoss * batch.shards) * batch.shards
        }
        guard size >= 2 else { return nil }
        self.size = size
        count = max(1, pairs.count / (perLoss * size))
        split = pairs.split
        batchesPerLoss = perLoss
        self.available = available
    }

    /// The sample number at a position of a batch. The samples of a batch are spread over the whole split, as those of
    /// a training batch are.
    /// - Parameter batch: from 0 to `count` · `batchesPerLoss` - 1.
    func number(_ position: Int, of batch: Int) -> UInt64 {
        let batches = count * batchesPerLoss, index = position * batches + batch
        return UInt64(available.map { index * $0 / (batches * size) } ?? index)
    }
}

extension ModelEvaluation {
    /// The encodings of this worker's pairs of a batch, their sample numbers, and their samples if the loss
    /// compares data.
    fileprivate typealias Batch = (
        encodings: PerModality<Tensor>, numbers: [UInt64], samples: PerModality<Tensor>?
    )

    /// Computes the run's loss over batches of pairs that training does not see, by the engine and the order of sums of
    /// a training step. The encoders are in evaluation: no dropout, running statistics. Every worker calls it and gets
    /// the same result.
    /// - Parameters:
    ///   - first, second: the encodings of `pairs`, as from `ShardedEncoding`. Where they fill a batch of B pairs, the
    ///     loss is of these; otherwise further pairs are encoded.
    /// - Returns: nil if there are too few pairs for a batch.
    func loss(
        _ parameters: LossParameters, _ pairs: EvaluationPairs, _ first: Tensor, _ second: Tensor,
        _ shards: SampleShards
    ) throws -> HeldOutLoss? {
        guard let batches = LossBatches(configuration, pairs, source: source) else { return nil }
        if configuration.objective.loss.dataKernel == nil {
            let gallery = GalleryBatches(configuration, shards, rank: communicator.rank, workers: communicator.size)
            if gallery.count > 0 {
                return try loss(
                    parameters, pairs.split, size: configuration.batch.size,
                    count: gallery.count / batches.batchesPerLoss, features: nil
                ) { number in
                    (
                        PerModality(first: gallery.rows(of: first, number), second: gallery.rows(of: second, number)),
                        gallery.samples(of: number).map(pairs.number), nil
                    )
                }
            }
        }
        var sized = configuration
        sized.batch.size = batches.size
        // Each pair of an evaluation brings its own samples.
        sized.batch.secondPerFirst = 1
        let shards = ShardPartition(shards: sized.batch.shards, workers: communicator.size).range(of: communicator.rank)
        let shardRows = batches.size / sized.batch.shards
        let positions = shards.lowerBound * shardRows..<shards.upperBound * shardRows
        let features = try BatchFeatures(sized, source: source, rows: positions.count)
        let encoded = LossEncodings(self, batches, positions, keepsSamples: features != nil)
        return try loss(
            parameters, pairs.split, size: batches.size, count: batches.count, features: features, batch: encoded.batch)
    }

    /// Computes the mean loss of batches.
    /// - Parameters:
    ///   - size: pairs of a batch.
    ///   - count: number of losses.
    ///   - batch: returns this worker's part of a batch. A loss takes one batch, or two in a row.
    private func loss(
        _ parameters: LossParameters, _ split: Split, size: Int, count: Int, features: BatchFeatures?,
        batch: (_ number: Int) throws -> Batch
    ) throws -> HeldOutLoss {
        let objective = configuration.objective, batchesPerLoss = objective.loss.batchCount
        let engine = PairwiseEngine(
            communicator: communicator, shards: configuration.batch.shards, batchSize: size,
            dimension: configuration.encoders.embedding, similarity: objective.similarity, loss: objective.loss,
            tileMemory: 0, features: features?.counts, groups: objective.groups,
            equalSamples: objective.equalSamples)
        var sum = 0.0
        for number in 0..<count {
            let parts = try (0..<batchesPerLoss).map { try batch(number * batchesPerLoss + $0) }
            let encodings = parts[0].encodings
            let groups =
                objective.groups == .ignore ? nil : try parts.map { try source.groupNumbers(split, $0.numbers) }
            let rows =
                objective.equalSamples == .ignore
                ? nil
                : try parts.map { part in
                    try SampleRows(count: part.numbers.count) { try source.sampleRows(split, part.numbers, $0) }
                }
            sum += try engine.evaluate(
                first: encodings.first, second: encodings.second,
                secondBatch: parts.count > 1 ? (parts[1].encodings.first, parts[1].encodings.second) : nil,
                temperature: parameters.temperature, bias: parameters.bias,
                features: parts[0].samples.flatMap { features?.evaluate($0) }, groups: groups?[0],
                secondBatchGroups: groups.flatMap { $0.count > 1 ? $0[1] : nil }, samples: rows?[0],
                secondBatchSamples: rows.flatMap { $0.count > 1 ? $0[1] : nil }, gradients: false
            ).loss
        }
        return HeldOutLoss(mean: sum / Double(count), batchPairs: size, batches: count)
    }

    /// Rows that a worker encodes at once for the loss.
    static func lossRows(ofShard rows: Int) -> Int { min(rows, SampleShards.largestSize) }
}

/// Batches of B pairs of the encodings of an evaluation. Shard a of S of a batch takes its rows from the a-th of S
/// equal runs of the evaluation's shards, which the same worker has, so nothing is sent.
private struct GalleryBatches {
    /// Number of batches.
    let count: Int
    /// B / S.
    private let shardRows: Int
    /// Rows of the encodings from one run of shards to the next.
    private let runRows: Int
    /// The shards of a batch that this worker has.
    private let ownShards: Range<Int>

    init(_ configuration: Configuration, _ shards: SampleShards, rank: Int, workers: Int) {
        let batch = configuration.batch, perLoss = configuration.objective.loss.batchCount
        let run = shards.count / batch.shards
        shardRows = batch.size / batch.shards
        runRows = run * shards.size
        ownShards = ShardPartition(shards: batch.shards, workers: workers).range(of: rank)
        // The last shards may be shorter. Every worker gets the same number.
        let smallest =
            (0..<batch.shards).map { shard in
                (shard * run..<(shard + 1) * run).reduce(0) { $0 + shards.samples(of: $1).count }
            }.min() ?? 0
        count = smallest / (perLoss * shardRows) * perLoss
    }

    /// The first of a shard's rows of a batch, among the rows of the encodings of all workers.
    private func start(ofShard shard: Int, _ batch: Int) -> Int { shard * runRows + batch * shardRows }

    /// The numbers of this worker's pairs of a batch among the pairs of the evaluation.
    func samples(of batch: Int) -> [UInt64] {
        ownShards.flatMap { shard in
            let start = UInt64(start(ofShard: shard, batch))
            return start..<start + UInt64(shardRows)
        }
    }

    /// This worker's rows of a batch.
    func rows(of encodings: Tensor, _ batch: Int) -> Tensor {
        let result = Tensor([ownShards.count * shardRows, encodings.columns])
        for (index, shard) in ownShards.enumerated() {
            let start = start(ofShard: shard, batch) - ownShards.lowerBound * runRows
            result.rows(index * shardRows..<(index + 1) * shardRows).copy(
                from: encodings.rows(start..<start + shardRows))
        }
        return result
    }
}

/// Encodes this worker's part of the batches of a loss, shard by shard.
private struct LossEncodings {
    private let source: any PairSource
    private let batches: LossBatches
    private let encoders: PerModality<BatchEncoder>
    /// Positions in the batch of this worker's pairs.
    private let positions: Range<Int>
    private let shardRows: Int
    private let keepsSamples: Bool

    init(_ evaluation: ModelEvaluation, _ batches: LossBatches, _ positions: Range<Int>, keepsSamples: Bool) {
        source = evaluation.source
        self.batches = batches
        let shardRows = batches.size / evaluation.configuration.batch.shards
        self.shardRows = shardRows
        encoders = PerModality {
            evaluation.model.batchEncoder($0, rows: ModelEvaluation.lossRows(ofShard: shardRows))
        }
        self.positions = positions
        self.keepsSamples = keepsSamples
    }

    func batch(_ number: Int) throws -> ModelEvaluation.Batch {
        let samples =
            keepsSamples ? PerModality { Tensor([positions.count] + encoders[$0].encoder.inputShape) } : nil
        let encodings = try PerModality { modality in
            let encoder = encoders[modality], result = Tensor([positions.count, encoder.encoder.outputCount])
            for start in stride(from: 0, to: positions.count, by: shardRows) {
                try encoder.encode(
                    rows: start..<start + shardRows,
                    read: { rows in
                        let part = Tensor([rows.count] + encoder.encoder.inputShape)
                        let numbers = rows.map { batches.number(positions.lowerBound + $0, of: number) }
                        try source.read(
                            batches.split, numbers, first: modality == .first ? part : nil,
                            second: modality == .second ? part : nil)
                        samples?[modality].rows(rows).copy(from: part)
                        return part
                    }, write: { encoded, rows in result.rows(rows).copy(from: encoded) })
            }
            return result
        }
        return (encodings, positions.map { batches.number($0, of: number) }, samples)
    }
}
