import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// The loss over all B × B pairs of a batch that is spread over workers, and its gradients, without a B × B array.
///
/// A loss says which sets meet: mostly the first modality's encodings and the second's; for `lpSimCLR` each modality's and those of its second batch; for
/// `ntXent` besides the first and second modality's own. `TiledScores` works a meeting off, in two walks for losses that are made of sums, one for the
/// sigmoid loss, three for the maximum mean discrepancy. The results are the same bits for any number of workers.
public final class PairwiseEngine {
    public let similarity: Similarity
    public let loss: Loss
    /// B, over all workers.
    public let batch: Int
    /// d.
    public let dimension: Int

    let walk: PairwiseSchedule
    private let form: Loss.Form
    let rows: Int
    let shardRows: Int
    /// The first modality's encodings meet the second's; of `lpSimCLR` their own second batch.
    let meeting: TiledScores
    /// The other meetings: of `lpSimCLR` the second modality's encodings and their second batch; of `ntXent` each modality and itself.
    let others: [TiledScores]
    /// Of cosine: the encodings' directions.
    private let unitFirst: Tensor?, unitSecond: Tensor?
    private let firstInverseNorms: Tensor?, secondInverseNorms: Tensor?
    /// What the maximum mean discrepancy needs besides.
    private let discrepancy: MaximumMeanDiscrepancyBuffers?
    /// What each row adds to the loss, where that is not made of sums.
    private var rowLosses: [Double] = []

    /// - Parameters:
    ///   - communicator: the workers among whom the batch is spread.
    ///   - shards: S; a power of two and a multiple of the workers that divides `batch`.
    ///   - batch: B, over all workers.
    ///   - dimension: d, of the encodings.
    ///   - similarity: what scores are; of no account to `lpSimCLR`, which has a distance of its own.
    ///   - tileMemory: how many bytes this worker may spend on keeping scores between the passes. Never changes a bit of the result.
    ///   - features: F of each modality's data: for the maximum mean discrepancy, and for it alone.
    public init(
        communicator: any Communicator, shards: Int, batch: Int, dimension: Int, similarity: Similarity, loss: Loss,
        tileMemory: Int,
        features: FeatureCounts? = nil
    ) {
        precondition(batch > 0 && batch % shards == 0, "a batch of \(batch) in \(shards) shards")
        let walk = PairwiseSchedule(communicator: communicator, shards: shards), form = loss.form,
            measure = loss.measure(similarity)
        self.walk = walk
        self.form = form
        self.similarity = similarity
        self.loss = loss
        self.batch = batch
        self.dimension = dimension
        rows = batch / communicator.size
        shardRows = batch / shards
        var counts: FeatureCounts?
        if case .discrepancy = form {
            precondition(features != nil, "the maximum mean discrepancy needs features")
            counts = features
        }
        func meeting(_ diagonal: TiledScores.Diagonal, _ tiles: TileCache, weights: SoftmaxWeights? = nil)
            -> TiledScores
        {
            TiledScores(
                walk: walk, batch: batch, dimension: dimension, measure: measure, diagonal: diagonal, tiles: tiles,
                weights: weights, features: counts)
        }
        func tiles(_ bytes: Int) -> TileCache {
            TileCache(geometry: TileGeometry(shardRows: batch / shards), walk: walk, dimension: dimension, bytes: bytes)
        }
        switch form {
        case .sums: (self.meeting, others) = (meeting(.positives, tiles(tileMemory)), [])
        // Only a walk that follows sums uses exponentials a second time.
        case .sigmoid, .discrepancy: (self.meeting, others) = (meeting(.positives, tiles(0)), [])
        case .secondBatch:
            let shared = tiles(tileMemory)
            (self.meeting, others) = (meeting(.strangers, shared), [meeting(.strangers, shared)])
        case .allEncodings:
            let across = meeting(.positives, tiles(tileMemory / 3)), weights = across.weights
            let sides = [(weights.rowExponent, weights.rowWeight), (weights.columnExponent, weights.columnWeight)]
            self.meeting = across
            others = sides.map {
                meeting(.selves, tiles(tileMemory / 3), weights: SoftmaxWeights(exponent: $0.0, weight: $0.1))
            }
        }
        discrepancy = counts.map { [rows, geometry = self.meeting.geometry] in
            MaximumMeanDiscrepancyBuffers(rows: rows, side: geometry.side, features: $0)
        }
        let isCosine = measure == .product && similarity == .cosine
        unitFirst = isCosine ? Tensor([rows, dimension]) : nil
        unitSecond = isCosine ? Tensor([rows, dimension]) : nil
        firstInverseNorms = isCosine ? Tensor([rows]) : nil
        secondInverseNorms = isCosine ? Tensor([rows]) : nil
    }

    /// The loss of a batch and, if wanted, its gradients.
    ///
    /// Every worker calls it with its own pairs. A loss that is not finite is returned as it is: its gradients mean nothing.
    /// - Parameters:
    ///   - first, second: this worker's encodings, B/W × d, shard by shard.
    ///   - secondBatch: likewise those of the second batch, for a loss that takes one.
    ///   - temperature: τ, positive.
    ///   - bias: what the scores are shifted by, for a loss that uses one.
    ///   - features: φ(u) and ψ(v) of this worker's data, B/W × F each, for the maximum mean discrepancy.
    /// - Throws: `CollectiveError` where another worker failed.
    public func evaluate(
        first: Tensor, second: Tensor, secondBatch: (first: Tensor, second: Tensor)? = nil, temperature: Double,
        bias: Double = 0,
        features: (first: Tensor, second: Tensor)? = nil, gradients: Bool = true
    ) throws -> PairwiseResult {
        for encodings in [first, second] + (secondBatch.map { [$0.first, $0.second] } ?? []) {
            precondition(encodings.count == rows * dimension, "encodings \(encodings.shape) for \(rows) × \(dimension)")
        }
        precondition(temperature > 0, "temperature \(temperature)")
        precondition((secondBatch != nil) == loss.usesSecondBatch, "a second batch is for the losses that take one")
        couplet_flush_subnormals()
        let (u, v) = directions(first, second), scoreTemperature = loss.scoreTemperature(temperature)
        if !gradients { clear() }

        let none = [Double](repeating: 0, count: walk.localShards)
        var parts: [Double], biasParts = none, scoreParts = none, constant = 0.0
        switch form {
        case .sums(let rule):
            meeting.begin(first: u, second: v, temperature: scoreTemperature)
            try meeting.firstPass(rows: rule.needsRows, columns: rule.needsColumns)
            (parts, constant) = try rule.finish(
                meeting.statistics, batch: batch, shardRows: shardRows, temperature: scoreTemperature,
                communicator: walk.communicator,
                weights: meeting.weights)
            if gradients { try meeting.secondPass(second: v) }
        case .sigmoid:
            meeting.begin(first: u, second: v, temperature: temperature)
            (rowLosses, biasParts) = try meeting.sigmoidPass(
                batch: batch, temperature: temperature, bias: bias, gradients: gradients)
            parts = shardSums(rowLosses)
        case .discrepancy(let rule):
            guard let features, let discrepancy else {
                preconditionFailure("the maximum mean discrepancy needs features")
            }
            meeting.begin(first: u, second: v, temperature: temperature)
            rowLosses = try meeting.discrepancyPasses(
                rule, discrepancy, batch: batch, second: v, features: features, temperature: temperature,
                gradients: gradients)
            parts = shardSums(rowLosses)
        case .secondBatch(let distance):
            guard let secondBatch else { preconditionFailure("the loss needs a second batch") }
            (parts, scoreParts) = try meetSecondBatch(
                distance, first: u, second: v, secondBatch: secondBatch, temperature: temperature, gradients: gradients)
            constant = -log(Double(batch) + 1)
        case .allEncodings:
            (parts, scoreParts) = try meetAll(first: u, second: v, temperature: temperature, gradients: gradients)
        }
        if gradients, !loss.usesSecondBatch {
            scoreParts = zip(scoreParts, meeting.finishGradients(second: v)).map { $0 + $1 }
            if case .allEncodings = form { addOwnSides() }
            throughDirections()
        }
        let gathered = try walk.communicator.allGather(numbers: parts + scoreParts + biasParts)
        let local = walk.localShards
        func total(_ place: Int) -> Double {
            PairwiseSummation.sum(
                (0..<walk.shards).map { gathered[$0 / local * 3 * local + place * local + $0 % local] })
        }
        return PairwiseResult(
            loss: total(0) + constant, firstGradient: meeting.firstGradient,
            secondGradient: loss.usesSecondBatch ? others[0].firstGradient : meeting.secondEncodingGradient,
            secondBatchGradients: loss.usesSecondBatch
                ? (meeting.secondEncodingGradient, others[0].secondEncodingGradient) : nil,
            inverseTemperatureGradient: total(1), biasGradient: gradients ? total(2) : 0)
    }

    /// The loss of each of this worker's pairs, as the last `evaluate` found it: conditional: first (c_i - S_ii) + second (r_i - S_ii); joint:
    /// LSE(S) - log N² - S_ii; sigmoid: its row; the maximum mean discrepancy: both its residuals; `lpSimCLR` and `ntXent`: the mean of its two anchors. Their
    /// mean over the batch is the loss, but for rounding in Double. Every worker calls it.
    package func pairLosses() throws -> [Double] {
        func losses(_ rule: any SoftmaxLoss, _ meeting: TiledScores) throws -> [Double] {
            try rule.pairLosses(meeting.statistics, batch: batch, shardRows: shardRows, communicator: walk.communicator)
        }
        switch form {
        case .sums(let rule): return try losses(rule, meeting)
        case .sigmoid, .discrepancy: return rowLosses.map { Double(batch) * $0 }
        case .secondBatch:
            return zip(try losses(Self.anchors, meeting), try losses(Self.anchors, others[0])).map {
                $0 + $1 - log(Double(batch) + 1)
            }
        case .allEncodings: return try losses(Self.bothAnchors, meeting)
        }
    }

    private func clear() {
        for meeting in [meeting] + others {
            meeting.firstGradient.fill(0)
            meeting.secondGradient.current.fill(0)
        }
    }

    /// Σ of a number a row over each of this worker's shards.
    private func shardSums(_ numbers: [Double]) -> [Double] {
        stride(from: 0, to: rows, by: shardRows).map { start in numbers[start..<(start + shardRows)].reduce(0, +) }
    }

    /// What is compared: the encodings themselves, or for cosine their directions.
    private func directions(_ first: Tensor, _ second: Tensor) -> (first: Tensor, second: Tensor) {
        guard let unitFirst, let unitSecond, let firstInverseNorms, let secondInverseNorms else {
            return (first, second)
        }
        couplet_normalize_rows(rows, dimension, first.pointer, unitFirst.pointer, firstInverseNorms.pointer)
        couplet_normalize_rows(rows, dimension, second.pointer, unitSecond.pointer, secondInverseNorms.pointer)
        return (unitFirst, unitSecond)
    }

    /// Turns ∂/∂(what is compared) into ∂/∂(encodings).
    private func throughDirections() {
        guard let unitFirst, let unitSecond, let firstInverseNorms, let secondInverseNorms else { return }
        couplet_normalize_rows_backward(
            rows, dimension, unitFirst.pointer, firstInverseNorms.pointer, meeting.firstGradient.pointer)
        couplet_normalize_rows_backward(
            rows, dimension, unitSecond.pointer, secondInverseNorms.pointer, meeting.secondGradient.current.pointer)
    }
}
