import CCoupletKernels
import CoupletCommunication
import CoupletTensors

/// The loss of a batch and its gradients, as `PairwiseEngine` computes them.
public struct PairwiseResult {
    /// The loss over the whole batch, the same bits on every worker.
    public let loss: Double
    /// ∂loss/∂(first encodings) of this worker's pairs, rows × d.
    ///
    /// The engine owns the memory of all gradients; they are valid until its next call. They are zero if no gradients
    /// were requested.
    public let firstGradient: Tensor
    /// ∂loss/∂(second encodings) of this worker's pairs, rows × d.
    public let secondGradient: Tensor
    /// The gradients of the second batch's encodings; nil if the loss takes one batch.
    public let secondBatchGradients: (first: Tensor, second: Tensor)?
    /// The gradients of the first modality's encodings: the batch's, then the second batch's.
    public var firstGradients: [Tensor] { [firstGradient] + (secondBatchGradients.map { [$0.first] } ?? []) }
    /// The gradients of the second modality's encodings: the batch's, then the second batch's.
    public var secondGradients: [Tensor] { [secondGradient] + (secondBatchGradients.map { [$0.second] } ?? []) }

    /// ∂loss/∂log(1/τ) over the whole batch, the same bits on every worker; 0 if no gradients were requested.
    public let inverseTemperatureGradient: Double
    /// ∂loss/∂bias over the whole batch, the same bits on every worker; 0 if no gradients were requested or the loss
    /// has no bias.
    public let biasGradient: Double
}

/// Computes the loss over all B × B pairs of a batch that is spread over workers, and its gradients, without a B × B
/// array.
///
/// `Loss.comparedSets` determines which sets of encodings are compared. A `TiledScores` compares two sets: in two
/// passes for softmax losses, in one for pairwise losses, in three for the maximum mean discrepancy. The results are
/// the same bits for any number of workers.
public final class PairwiseEngine {
    public let similarity: Similarity
    public let loss: any Loss
    /// What the loss does with pairs of one group.
    public let groups: GroupTreatment
    /// What it does with other pairs that have an equal sample.
    public let equalSamples: EqualSampleTreatment
    /// B, over all workers.
    public let batchSize: Int
    /// d.
    public let dimension: Int

    let schedule: PairwiseSchedule
    private let partition: ShardPartition
    /// Number of this worker's pairs: those of its shards (`ShardPartition`).
    let rows: Int
    let batch: LossBatch
    /// Scores the first modality's encodings against the second modality's; for `secondBatch` against the second batch
    /// of the first modality.
    let scores: TiledScores
    /// For `secondBatch` scores the second modality's encodings against its second batch; for `allEncodings` scores
    /// each modality against itself. Otherwise empty.
    let additionalScores: [TiledScores]
    let scoreFunction: ScoreFunction
    private let algorithm: Algorithm
    /// The normalised encodings of both modalities of each batch; empty unless the score is the cosine.
    private let normalizedRows: [NormalizedRows]
    private let discrepancyBuffers: MaximumMeanDiscrepancyBuffers?
    /// The value of the last call.
    private var value: LossValue

    /// The passes over the scores by which the engine computes a loss and its gradients.
    private enum Algorithm {
        /// Pass 1 sums exponentials; pass 2 applies weights of the form of `SoftmaxWeights`.
        case softmax(any SoftmaxLoss)
        /// One pass; each score contributes independently of the others.
        case pairwise(any PairwiseLoss)
        /// One pass, with kernels of its own.
        case sigmoid
        /// Three passes: sums of exponentials, conditional means of the features, weights.
        case maximumMeanDiscrepancy(MaximumMeanDiscrepancyLoss)

        init(_ loss: any Loss) {
            switch loss {
            case let loss as any SoftmaxLoss: self = .softmax(loss)
            case let loss as any PairwiseLoss: self = .pairwise(loss)
            case is SigmoidLoss: self = .sigmoid
            case let loss as MaximumMeanDiscrepancyLoss: self = .maximumMeanDiscrepancy(loss)
            default: preconditionFailure(loss.problem ?? "the engine has no algorithm for the loss \(loss.title)")
            }
            if let problem = loss.problem { preconditionFailure(problem) }
        }

        var isSoftmax: Bool { if case .softmax = self { true } else { false } }
    }

    /// - Parameters:
    ///   - communicator: the workers over which the batch is spread.
    ///   - shards: S, at least the number of workers; divides `batchSize`.
    ///   - batchSize: B, over all workers.
    ///   - dimension: d, the size of an encoding.
    ///   - similarity: κ; ignored by a loss with a distance of its own.
    ///   - loss: a `SoftmaxLoss`, a `PairwiseLoss` or one of this library's losses.
    ///   - tileMemory: the bytes that this worker may use to keep exponentials between the passes. They never change a
    ///     bit of the result.
    ///   - features: F₁ and F₂; required by the maximum mean discrepancy, ignored otherwise.
    ///   - groups: what to do with pairs of one group: one of `loss.groupTreatments`.
    ///   - equalSamples: what to do with other pairs that have an equal sample: `.excluded` only if the loss can
    ///     exclude groups.
    public init(
        communicator: any Communicator, shards: Int, batchSize: Int, dimension: Int, similarity: Similarity,
        loss: any Loss, tileMemory: Int, features: FeatureCounts? = nil, groups: GroupTreatment = .ignore,
        equalSamples: EqualSampleTreatment = .ignore
    ) {
        if let problem = loss.problem(of: groups) ?? loss.problem(ofEqualSamples: equalSamples) {
            preconditionFailure(problem)
        }
        precondition(batchSize > 0 && batchSize % shards == 0, "a batch of \(batchSize) in \(shards) shards")
        let algorithm = Algorithm(loss), scoreFunction = loss.scoreFunction(similarity)
        let geometry = TileGeometry(shardRows: batchSize / shards, dimension: dimension)
        let schedule = PairwiseSchedule(
            communicator: communicator, shards: shards, shardRows: geometry.shardRows,
            columnRanges: geometry.columnRanges)
        let rows = schedule.rows
        self.schedule = schedule
        self.algorithm = algorithm
        self.scoreFunction = scoreFunction
        self.similarity = similarity
        self.loss = loss
        self.groups = groups
        self.equalSamples = equalSamples
        self.batchSize = batchSize
        self.dimension = dimension
        self.rows = rows
        partition = ShardPartition(shards: shards, workers: communicator.size)
        batch = LossBatch(size: batchSize, partition: partition, communicator: communicator)
        value = LossValue(pairLosses: [Double](repeating: 0, count: rows), batch: batch)
        var featureCounts: FeatureCounts?
        if case .maximumMeanDiscrepancy = algorithm {
            precondition(features != nil, "the maximum mean discrepancy needs features")
            featureCounts = features
        }
        let excludesPositives = (loss as? any SoftmaxLoss)?.sumsExcludePositives ?? false
        func tiledScores(
            _ diagonal: TiledScores.Diagonal, _ tiles: TileCache, weights: SoftmaxWeights? = nil
        ) -> TiledScores {
            TiledScores(
                schedule: schedule, batchSize: batchSize, dimension: dimension, scoreFunction: scoreFunction,
                diagonal: diagonal, tiles: tiles, weights: weights, features: featureCounts, groups: groups,
                excludesPositives: excludesPositives, excludesEqualSamples: equalSamples == .excluded)
        }
        func tileCache(_ bytes: Int) -> TileCache {
            // Only softmax passes use exponentials a second time.
            TileCache(
                geometry: geometry, schedule: schedule, dimension: dimension, bytes: algorithm.isSoftmax ? bytes : 0)
        }
        switch loss.comparedSets {
        case .modalities: (scores, additionalScores) = (tiledScores(.positives, tileCache(tileMemory)), [])
        case .secondBatch:
            let shared = tileCache(tileMemory)
            (scores, additionalScores) = (tiledScores(.allNegatives, shared), [tiledScores(.allNegatives, shared)])
        case .allEncodings:
            let betweenModalities = tiledScores(.positives, tileCache(tileMemory / 3)),
                weights = betweenModalities.weights
            scores = betweenModalities
            additionalScores = [
                SoftmaxWeights(
                    symmetricExponent: weights.rowExponent, weight: weights.rowWeight,
                    otherPositives: weights.otherPositives),
                SoftmaxWeights(
                    symmetricExponent: weights.columnExponent, weight: weights.columnWeight,
                    otherPositives: weights.otherPositives),
            ].map { tiledScores(.selfPairs, tileCache(tileMemory / 3), weights: $0) }
        }
        discrepancyBuffers = featureCounts.map {
            MaximumMeanDiscrepancyBuffers(
                rows: rows, largestRows: schedule.largestRows, geometry: geometry, features: $0)
        }
        let isCosine = scoreFunction == .product && similarity == .cosine
        normalizedRows = (0..<(isCosine ? 2 * loss.batchCount : 0)).map { _ in
            NormalizedRows(rows: rows, dimension: dimension)
        }
    }

    /// Computes the loss of a batch and, if requested, its gradients. Every worker must call it with its own pairs.
    ///
    /// A loss that is not finite is returned as it is; its gradients are then meaningless.
    /// - Parameters:
    ///   - first: this worker's first encodings, rows × d, shard by shard.
    ///   - second: this worker's second encodings, rows × d, in the same order.
    ///   - secondBatch: this worker's encodings of the second batch, rows × d each, for a loss that takes one.
    ///   - temperature: τ, positive.
    ///   - bias: added to the scores, for a loss that uses one.
    ///   - features: φ(u) and ψ(v) of this worker's data, rows × F₁ and rows × F₂, for the maximum mean discrepancy.
    ///   - groups: the group of each of this worker's pairs, negative for none; nil if the engine ignores groups.
    ///   - secondBatchGroups: the groups of the second batch, for a loss that takes one.
    ///   - samples: which of this worker's samples are equal; nil if the engine ignores it.
    ///   - secondBatchSamples: the same of the second batch.
    ///   - gradients: whether to compute gradients.
    /// - Throws: `CollectiveError` if another worker failed.
    public func evaluate(
        first: Tensor, second: Tensor, secondBatch: (first: Tensor, second: Tensor)? = nil, temperature: Double,
        bias: Double = 0, features: (first: Tensor, second: Tensor)? = nil, groups: [Int]? = nil,
        secondBatchGroups: [Int]? = nil, samples: SampleRows? = nil, secondBatchSamples: SampleRows? = nil,
        gradients: Bool = true
    ) throws -> PairwiseResult {
        precondition(
            (groups != nil) == (self.groups != .ignore), "an engine that treats groups as \(self.groups)")
        precondition(
            (secondBatchGroups != nil) == (self.groups != .ignore && loss.usesSecondBatch),
            "groups of a second batch of \(loss.title)")
        precondition(
            (samples != nil) == (equalSamples == .excluded), "an engine that has equal samples \(equalSamples)")
        precondition(
            (secondBatchSamples != nil) == (equalSamples == .excluded && loss.usesSecondBatch),
            "equal samples of a second batch of \(loss.title)")
        /// The numbers of each pair that are compared.
        func keys(_ groups: [Int]?, _ samples: SampleRows?) -> [[Int]] {
            (groups.map { [$0] } ?? []) + (samples.map { [$0.first, $0.second] } ?? [])
        }
        let keys = (first: keys(groups, samples), second: keys(secondBatchGroups, secondBatchSamples))
        var encodings = [first, second] + (secondBatch.map { [$0.first, $0.second] } ?? [])
        for encodings in encodings {
            precondition(encodings.count == rows * dimension, "encodings \(encodings.shape) for \(rows) × \(dimension)")
        }
        precondition(temperature > 0, "temperature \(temperature)")
        precondition(
            (secondBatch != nil) == loss.usesSecondBatch,
            "\(loss.title) \(secondBatch == nil ? "needs a" : "takes no") second batch")
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        for (i, normalized) in normalizedRows.enumerated() { encodings[i] = normalized.normalize(encodings[i]) }
        if !gradients { clearGradients() }
        let temperature = loss.scoreTemperature(temperature)

        func load() {
            scores.load(
                first: encodings[0], second: encodings[1], temperature: temperature, firstKeys: keys.first,
                secondKeys: keys.first)
        }
        let zeros = [Double](repeating: 0, count: schedule.localShards.count)
        var shardScoreGradients = zeros, shardBiasGradients = zeros
        switch (algorithm, loss.comparedSets) {
        case (.softmax(let loss), .modalities):
            load()
            try scores.firstPass(rows: loss.needsRowSums, columns: loss.needsColumnSums)
            value = try scores.evaluate(loss, batch)
            if gradients { try scores.secondPass() }
        case (.softmax(let loss), .secondBatch):
            (value, shardScoreGradients) = try evaluateSecondBatch(
                loss, encodings, keys: keys, temperature: temperature, gradients: gradients)
        case (.softmax(let loss), .allEncodings):
            (value, shardScoreGradients) = try evaluateAllEncodings(
                loss, first: encodings[0], second: encodings[1], keys: keys.first, temperature: temperature,
                gradients: gradients)
        case (.pairwise(let loss), _):
            load()
            let rowLosses: [Double]
            (rowLosses, shardBiasGradients) = try scores.pairwisePass(
                loss, batchSize: batchSize, temperature: temperature, bias: loss.usesBias ? bias : 0,
                gradients: gradients)
            value = LossValue(rowLosses: rowLosses, batch: batch)
        case (.sigmoid, _):
            load()
            let rowLosses: [Double]
            (rowLosses, shardBiasGradients) = try scores.sigmoidPass(
                batchSize: batchSize, temperature: temperature, bias: bias, gradients: gradients)
            value = LossValue(rowLosses: rowLosses, batch: batch)
        case (.maximumMeanDiscrepancy(let loss), _):
            guard let features, let discrepancyBuffers else {
                preconditionFailure("the maximum mean discrepancy needs features")
            }
            scores.load(first: encodings[0], second: encodings[1], temperature: temperature)
            let rowLosses = try scores.maximumMeanDiscrepancyPasses(
                loss, discrepancyBuffers, batchSize: batchSize, features: features, temperature: temperature,
                gradients: gradients)
            value = LossValue(rowLosses: rowLosses, batch: batch)
        }
        if gradients {
            if !loss.usesSecondBatch {
                shardScoreGradients = zip(shardScoreGradients, scores.finishGradients(second: encodings[1])).map {
                    $0 + $1
                }
                if loss.comparedSets == .allEncodings { addWithinModalityGradients() }
            }
            for (normalized, gradient) in zip(normalizedRows, encodingGradients) { normalized.backward(gradient) }
        }
        // This also says that all workers have finished the last pass, so that nobody reads the encodings any more.
        let gathered = try schedule.communicator.allGather(
            shards: zip(value.shardLosses, zip(shardScoreGradients, shardBiasGradients)).map { [$0, $1.0, $1.1] },
            partition)
        /// Sums one of the three gathered quantities over all shards.
        func total(_ quantity: Int) -> Double { PairwiseSummation.sum(gathered.map { $0[quantity] }) }
        let results = encodingGradients
        return PairwiseResult(
            loss: total(0) + value.constant, firstGradient: results[0], secondGradient: results[1],
            secondBatchGradients: loss.usesSecondBatch ? (results[2], results[3]) : nil,
            inverseTemperatureGradient: total(1), biasGradient: gradients && loss.usesBias ? total(2) : 0)
    }

    /// The loss of each local pair in the last `evaluate`. The mean over the batch is the loss, except for rounding in
    /// Double.
    ///
    /// - conditional and decoupled: first (c_i - S_ii) + second (r_i - S_ii)
    /// - joint: LSE(S) - log N² - S_ii; off-diagonal: LSE_{i≠j}(S) - log N(N-1) - S_ii
    /// - pairwise losses: Σ_j ℓ(S_ij + b)
    /// - maximum mean discrepancy: first/2 |r_i|² + second/2 |r'_i|² (`MaximumMeanDiscrepancyLoss`)
    /// - lp_simclr and nt_xent: the mean over the pair's two anchors
    package var pairLosses: [Double] { value.pairLosses.map { $0 + value.constant } }

    /// How long this worker has waited in all calls for encodings and sums of other workers.
    package var waiting: Duration { schedule.waiting.duration }

    /// Learns when this worker begins and ends a pass.
    package var passes: PassObserver { schedule.passes }

    /// The gradients of both modalities' encodings, then those of the second batch.
    private var encodingGradients: [Tensor] {
        loss.usesSecondBatch
            ? [
                scores.firstGradient, additionalScores[0].firstGradient, scores.secondEncodingGradient,
                additionalScores[0].secondEncodingGradient,
            ] : [scores.firstGradient, scores.secondEncodingGradient]
    }

    private func clearGradients() {
        for scores in [scores] + additionalScores {
            scores.firstGradient.fill(0)
            scores.secondGradient.clear()
        }
    }
}

extension PairwiseEngine {
    /// The bytes that an engine would allocate: its buffers, and the tiles that it would keep between the passes.
    /// Parameters as in `init`.
    /// - Parameters:
    ///   - workers: W.
    ///   - processes: number of processes; nil: as many as workers.
    public static func memory(
        workers: Int, processes: Int? = nil, shards: Int, batchSize: Int, dimension: Int, similarity: Similarity,
        loss: any Loss,
        tileMemory: Int, features: FeatureCounts? = nil, groups: GroupTreatment = .ignore,
        equalSamples: EqualSampleTreatment = .ignore
    ) -> (buffers: Int, tiles: Int) {
        let largestShards = ShardPartition(shards: shards, workers: workers).largest
        let rows = largestShards * (batchSize / shards), receives = (processes ?? workers) > 1
        let geometry = TileGeometry(shardRows: batchSize / shards, dimension: dimension)
        let stride = MemoryLayout<Float>.stride, scoreFunction = loss.scoreFunction(similarity)
        let algorithm = Algorithm(loss)
        func scores(_ diagonal: TiledScores.Diagonal) -> Int {
            TiledScores.memory(
                rows: rows, receives: receives, geometry: geometry, dimension: dimension,
                scoreFunction: scoreFunction, diagonal: diagonal, features: features, groups: groups,
                excludesEqualSamples: equalSamples == .excluded)
        }
        func cachedTiles(_ bytes: Int) -> Int {
            TileCache.cachedCount(
                geometry: geometry, shardPairs: largestShards * shards, dimension: dimension,
                bytes: algorithm.isSoftmax ? bytes : 0)
        }
        var buffers = 0, caches = 1, tiles = 0
        switch loss.comparedSets {
        case .modalities: (buffers, tiles) = (scores(.positives), cachedTiles(tileMemory))
        case .secondBatch: (buffers, tiles) = (2 * scores(.allNegatives), cachedTiles(tileMemory))
        case .allEncodings:
            (buffers, caches, tiles) = (scores(.positives) + 2 * scores(.selfPairs), 3, 3 * cachedTiles(tileMemory / 3))
        }
        if case .maximumMeanDiscrepancy = algorithm, let features {
            buffers += MaximumMeanDiscrepancyBuffers.memory(
                rows: rows, receives: receives, geometry: geometry, features: features)
        }
        buffers += caches * 2 * geometry.count * stride
        if scoreFunction == .product && similarity == .cosine {
            buffers += loss.batchCount * rows * (2 * dimension + 2) * stride
        }
        return (buffers, tiles * geometry.count * stride)
    }
}

/// Normalises the rows of a matrix to length 1, and computes the gradient through the normalisation, for the cosine.
final class NormalizedRows {
    private let values: Tensor
    private let inverseNorms: Tensor

    init(rows: Int, dimension: Int) {
        values = Tensor([rows, dimension])
        inverseNorms = Tensor([rows])
    }

    /// Returns x / |x| of each row. The result is valid until the next call.
    func normalize(_ encodings: Tensor) -> Tensor {
        couplet_normalize_rows(values.rows, values.columns, encodings.pointer, values.pointer, inverseNorms.pointer)
        return values
    }

    /// Turns ∂loss/∂(normalised rows) into ∂loss/∂(rows), in place.
    func backward(_ gradient: Tensor) {
        couplet_normalize_rows_backward(
            values.rows, values.columns, values.pointer, inverseNorms.pointer, gradient.pointer)
    }
}
