import CCoupletKernels
import CoupletCommunication
import CoupletTensors

/// The loss of a batch and its gradients, as `PairwiseEngine` computes them.
public struct PairwiseResult {
    /// The loss over the whole batch, the same bits on every worker.
    public let loss: Double
    /// ∂loss/∂(first encodings) of this worker's pairs, B/W × d.
    ///
    /// The engine owns the memory of all gradients; they are valid until its next call. They are zero if no gradients
    /// were requested.
    public let firstGradient: Tensor
    /// ∂loss/∂(second encodings) of this worker's pairs, B/W × d.
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
/// A loss determines which sets of encodings are compared: in most losses the first modality's and the second's; in
/// `lpSimCLR` each modality's and its second batch's; in `ntXent` also each modality's with itself. A `TiledScores`
/// compares two sets: in two passes for softmax losses, in one for the sigmoid loss, in three for the maximum mean
/// discrepancy. The results are the same bits for any number of workers.
public final class PairwiseEngine {
    public let similarity: Similarity
    public let loss: Loss
    /// B, over all workers.
    public let batchSize: Int
    /// d.
    public let dimension: Int

    let schedule: PairwiseSchedule
    /// B / W.
    let rows: Int
    /// B / S.
    let shardRows: Int
    /// Scores the first modality's encodings against the second modality's; in `lpSimCLR` against the second batch of
    /// the first modality.
    let scores: TiledScores
    /// In `lpSimCLR` scores the second modality's encodings against its second batch; in `ntXent` scores each modality
    /// against itself. Empty for other losses.
    let additionalScores: [TiledScores]
    private let algorithm: Loss.Algorithm
    /// The normalised encodings and the inverse norms; nil unless the similarity is the cosine.
    private let normalizedFirst: NormalizedRows?, normalizedSecond: NormalizedRows?
    private let discrepancyBuffers: MaximumMeanDiscrepancyBuffers?
    /// The contribution of each row to the loss, for losses that are not softmax losses.
    private var rowLosses: [Double] = []

    /// - Parameters:
    ///   - communicator: the workers over which the batch is spread.
    ///   - shards: S, a power of two and a multiple of the number of workers; divides `batchSize`.
    ///   - batchSize: B, over all workers.
    ///   - dimension: d, the size of an encoding.
    ///   - similarity: κ; ignored by `lpSimCLR`, which has a distance of its own.
    ///   - tileMemory: the bytes that this worker may use to keep exponentials between the passes. They never change a
    ///     bit of the result.
    ///   - features: F₁ and F₂; required by the maximum mean discrepancy, ignored otherwise.
    public init(
        communicator: any Communicator, shards: Int, batchSize: Int, dimension: Int, similarity: Similarity, loss: Loss,
        tileMemory: Int, features: FeatureCounts? = nil
    ) {
        precondition(batchSize > 0 && batchSize % shards == 0, "a batch of \(batchSize) in \(shards) shards")
        let schedule = PairwiseSchedule(communicator: communicator, shards: shards)
        let algorithm = loss.algorithm, scoreFunction = loss.scoreFunction(similarity)
        let geometry = TileGeometry(shardRows: batchSize / shards), rows = batchSize / communicator.size
        self.schedule = schedule
        self.algorithm = algorithm
        self.similarity = similarity
        self.loss = loss
        self.batchSize = batchSize
        self.dimension = dimension
        self.rows = rows
        shardRows = batchSize / shards
        var featureCounts: FeatureCounts?
        if case .maximumMeanDiscrepancy = algorithm {
            precondition(features != nil, "the maximum mean discrepancy needs features")
            featureCounts = features
        }
        func tiledScores(
            _ diagonal: TiledScores.Diagonal, _ tiles: TileCache, weights: SoftmaxWeights? = nil
        ) -> TiledScores {
            TiledScores(
                schedule: schedule, batchSize: batchSize, dimension: dimension, scoreFunction: scoreFunction,
                diagonal: diagonal, tiles: tiles, weights: weights, features: featureCounts)
        }
        func tileCache(_ bytes: Int) -> TileCache {
            TileCache(geometry: geometry, schedule: schedule, dimension: dimension, bytes: bytes)
        }
        switch algorithm {
        case .softmax: (scores, additionalScores) = (tiledScores(.positives, tileCache(tileMemory)), [])
        // Only softmax passes use exponentials a second time.
        case .sigmoid, .maximumMeanDiscrepancy: (scores, additionalScores) = (tiledScores(.positives, tileCache(0)), [])
        case .lpSimCLR:
            let shared = tileCache(tileMemory)
            (scores, additionalScores) = (tiledScores(.allNegatives, shared), [tiledScores(.allNegatives, shared)])
        case .ntXent:
            let betweenModalities = tiledScores(.positives, tileCache(tileMemory / 3)),
                weights = betweenModalities.weights
            scores = betweenModalities
            additionalScores = [
                SoftmaxWeights(symmetricExponent: weights.rowExponent, weight: weights.rowWeight),
                SoftmaxWeights(symmetricExponent: weights.columnExponent, weight: weights.columnWeight),
            ].map { tiledScores(.selfPairs, tileCache(tileMemory / 3), weights: $0) }
        }
        discrepancyBuffers = featureCounts.map {
            MaximumMeanDiscrepancyBuffers(rows: rows, side: geometry.side, features: $0)
        }
        let isCosine = scoreFunction == .product && similarity == .cosine
        normalizedFirst = isCosine ? NormalizedRows(rows: rows, dimension: dimension) : nil
        normalizedSecond = isCosine ? NormalizedRows(rows: rows, dimension: dimension) : nil
    }

    /// Computes the loss of a batch and, if requested, its gradients. Every worker must call it with its own pairs.
    ///
    /// A loss that is not finite is returned as it is; its gradients are then meaningless.
    /// - Parameters:
    ///   - first: this worker's first encodings, B/W × d, shard by shard.
    ///   - second: this worker's second encodings, B/W × d, in the same order.
    ///   - secondBatch: this worker's encodings of the second batch, B/W × d each, for a loss that takes one.
    ///   - temperature: τ, positive.
    ///   - bias: added to the scores, for a loss that uses one.
    ///   - features: φ(u) and ψ(v) of this worker's data, B/W × F₁ and B/W × F₂, for the maximum mean discrepancy.
    ///   - gradients: whether to compute gradients.
    /// - Throws: `CollectiveError` if another worker failed.
    public func evaluate(
        first: Tensor, second: Tensor, secondBatch: (first: Tensor, second: Tensor)? = nil, temperature: Double,
        bias: Double = 0, features: (first: Tensor, second: Tensor)? = nil, gradients: Bool = true
    ) throws -> PairwiseResult {
        for encodings in [first, second] + (secondBatch.map { [$0.first, $0.second] } ?? []) {
            precondition(encodings.count == rows * dimension, "encodings \(encodings.shape) for \(rows) × \(dimension)")
        }
        precondition(temperature > 0, "temperature \(temperature)")
        precondition(
            (secondBatch != nil) == loss.usesSecondBatch,
            "\(loss) \(secondBatch == nil ? "needs a" : "takes no") second batch")
        couplet_flush_subnormals()
        let u = normalizedFirst?.normalize(first) ?? first, v = normalizedSecond?.normalize(second) ?? second
        let scoreTemperature = loss.scoreTemperature(temperature)
        if !gradients { clearGradients() }

        let zeros = [Double](repeating: 0, count: schedule.localShards)
        var shardLosses: [Double], shardBiasGradients = zeros, shardScoreGradients = zeros, constant = 0.0
        switch algorithm {
        case .softmax(let softmaxLoss):
            scores.load(first: u, second: v, temperature: scoreTemperature)
            try scores.firstPass(rows: softmaxLoss.needsRowSums, columns: softmaxLoss.needsColumnSums)
            (shardLosses, constant) = try softmaxLoss.evaluate(
                scores.statistics, batchSize: batchSize, shardRows: shardRows, temperature: scoreTemperature,
                communicator: schedule.communicator, weights: scores.weights)
            if gradients { try scores.secondPass(second: v) }
        case .sigmoid:
            scores.load(first: u, second: v, temperature: temperature)
            (rowLosses, shardBiasGradients) = try scores.sigmoidPass(
                batchSize: batchSize, temperature: temperature, bias: bias, gradients: gradients)
            shardLosses = shardSums(rowLosses)
        case .maximumMeanDiscrepancy(let discrepancyLoss):
            guard let features, let discrepancyBuffers else {
                preconditionFailure("the maximum mean discrepancy needs features")
            }
            scores.load(first: u, second: v, temperature: temperature)
            rowLosses = try scores.maximumMeanDiscrepancyPasses(
                discrepancyLoss, discrepancyBuffers, batchSize: batchSize, second: v, features: features,
                temperature: temperature, gradients: gradients)
            shardLosses = shardSums(rowLosses)
        case .lpSimCLR(let distance):
            guard let secondBatch else { preconditionFailure("the loss needs a second batch") }
            (shardLosses, shardScoreGradients) = try evaluateLpSimCLR(
                distance, first: u, second: v, secondBatch: secondBatch, temperature: temperature, gradients: gradients)
            constant = lpSimCLRConstant
        case .ntXent:
            (shardLosses, shardScoreGradients) = try evaluateNTXent(
                first: u, second: v, temperature: temperature, gradients: gradients)
        }
        if gradients, !loss.usesSecondBatch {
            shardScoreGradients = zip(shardScoreGradients, scores.finishGradients(second: v)).map { $0 + $1 }
            if case .ntXent = algorithm { addWithinModalityGradients() }
            normalizedFirst?.backward(scores.firstGradient)
            normalizedSecond?.backward(scores.secondGradient.current)
        }
        let gathered = try schedule.communicator.allGather(
            numbers: shardLosses + shardScoreGradients + shardBiasGradients)
        let local = schedule.localShards
        /// Sums one of the three gathered quantities over all shards.
        func total(_ quantity: Int) -> Double {
            PairwiseSummation.sum(
                (0..<schedule.shards).map { gathered[$0 / local * 3 * local + quantity * local + $0 % local] })
        }
        return PairwiseResult(
            loss: total(0) + constant, firstGradient: scores.firstGradient,
            secondGradient: loss.usesSecondBatch ? additionalScores[0].firstGradient : scores.secondEncodingGradient,
            secondBatchGradients: loss.usesSecondBatch
                ? (scores.secondEncodingGradient, additionalScores[0].secondEncodingGradient) : nil,
            inverseTemperatureGradient: total(1), biasGradient: gradients ? total(2) : 0)
    }

    /// The loss of each local pair in the last `evaluate`. The mean over the batch is the loss, except for rounding in
    /// Double. Every worker must call it.
    ///
    /// - conditional and decoupled: first (c_i - S_ii) + second (r_i - S_ii)
    /// - joint: LSE(S) - log N² - S_ii; off-diagonal: LSE_{i≠j}(S) - log N(N-1) - S_ii
    /// - sigmoid: Σ_j ln(1 + e^{-z_ij (S_ij + b)})
    /// - maximum mean discrepancy: first/2 |r_i|² + second/2 |r'_i|² (`MaximumMeanDiscrepancyLoss`)
    /// - `lpSimCLR` and `ntXent`: the mean over the pair's two anchors
    package func pairLosses() throws -> [Double] {
        switch algorithm {
        case .softmax(let softmaxLoss): try pairLosses(softmaxLoss, scores)
        case .sigmoid, .maximumMeanDiscrepancy: rowLosses.map { Double(batchSize) * $0 }
        case .lpSimCLR: try lpSimCLRPairLosses()
        case .ntXent: try ntXentPairLosses()
        }
    }

    /// The loss of each local pair, from the statistics of the last pass 1 of `scores`.
    func pairLosses(_ softmaxLoss: any SoftmaxLoss, _ scores: TiledScores) throws -> [Double] {
        try softmaxLoss.pairLosses(
            scores.statistics, batchSize: batchSize, shardRows: shardRows, communicator: schedule.communicator)
    }

    private func clearGradients() {
        for scores in [scores] + additionalScores {
            scores.firstGradient.fill(0)
            scores.secondGradient.current.fill(0)
        }
    }

    /// Sums one number per row over each local shard.
    private func shardSums(_ numbers: [Double]) -> [Double] {
        stride(from: 0, to: rows, by: shardRows).map { start in numbers[start..<(start + shardRows)].reduce(0, +) }
    }
}

/// Normalises the rows of a matrix to length 1, and computes the gradient through the normalisation, for the cosine.
private final class NormalizedRows {
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

extension PairwiseEngine {
    /// The bytes that an engine would allocate: its buffers, and the tiles that it would keep between the passes.
    /// Parameters as in `init`.
    /// - Parameter workers: W.
    public static func memory(
        workers: Int, shards: Int, batchSize: Int, dimension: Int, similarity: Similarity, loss: Loss, tileMemory: Int,
        features: FeatureCounts? = nil
    ) -> (buffers: Int, tiles: Int) {
        let rows = batchSize / workers, shardRows = batchSize / shards
        let geometry = TileGeometry(shardRows: shardRows), tile = geometry.side * geometry.side
        let stride = MemoryLayout<Float>.stride, scoreFunction = loss.scoreFunction(similarity)
        func scores(_ diagonal: TiledScores.Diagonal) -> Int {
            TiledScores.memory(
                rows: rows, shardRows: shardRows, dimension: dimension, scoreFunction: scoreFunction, diagonal: diagonal
            )
        }
        func cachedTiles(_ bytes: Int) -> Int {
            TileCache.cachedCount(
                geometry: geometry, shardPairs: shards / workers * shards, dimension: dimension, bytes: bytes)
        }
        var buffers = 0, caches = 1, tiles = 0
        switch loss.algorithm {
        case .softmax: (buffers, tiles) = (scores(.positives), cachedTiles(tileMemory))
        case .sigmoid: buffers = scores(.positives)
        case .maximumMeanDiscrepancy:
            buffers = scores(.positives)
            if let features {
                buffers += MaximumMeanDiscrepancyBuffers.memory(rows: rows, side: geometry.side, features: features)
            }
        case .lpSimCLR: (buffers, tiles) = (2 * scores(.allNegatives), cachedTiles(tileMemory))
        case .ntXent:
            (buffers, caches, tiles) = (scores(.positives) + 2 * scores(.selfPairs), 3, 3 * cachedTiles(tileMemory / 3))
        }
        buffers += caches * 2 * tile * stride
        if scoreFunction == .product && similarity == .cosine { buffers += rows * (2 * dimension + 2) * stride }
        return (buffers, tiles * (tile + 16) * stride)
    }
}
