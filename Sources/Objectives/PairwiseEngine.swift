import CKernels
import Collectives
import Foundation
import Tensors

/// The loss over all B × B pairs of a batch that is spread over workers, and its gradients, without a B × B array.
///
/// Pass 1 walks over all shard pairs and leaves each row's and each column's sum of exponentials; pass 2 walks again and turns scores into weights,
/// and weights into gradients. Scores are kept between the passes as far as the memory budget goes and made again beyond it, by
/// the same arithmetic. Cost: 3 matrix products of 2 B² d operations for kept tiles, 4 for others; about 3 B d floats sent
/// and received a worker (W - 1 of W of them). The results are the same bits for any number of workers.
///
/// The sigmoid loss needs one walk (2 and 4 products become 3), the maximum mean discrepancy three, with products over features besides.
///
/// Internally scores are `T = S log₂e` (see couplet_pairwise.h).
public final class PairwiseEngine {
    public let similarity: Similarity
    public let loss: Loss
    /// B, over all workers.
    public let batch: Int
    /// d.
    public let dimension: Int

    let walk: ShardWalk
    let geometry: TileGeometry
    let form: Loss.Form
    let rows: Int
    let tiles: TileStore
    let statistics: PairStatistics
    let weights: PairWeights
    /// What the first side is compared by: the encodings themselves, or for cosine their directions.
    var first: Tensor
    let unitFirst: Tensor?, unitSecond: Tensor?
    let firstInverseNorms: Tensor?, secondInverseNorms: Tensor?
    /// ½ |g|² log₂e / τ of each row: quadratic only.
    let firstSquares: Tensor?
    let visiting: VisitingBlock
    /// Pass 1: the column sums of a block as it travels; pass 2: its gradient and, for quadratic, the sums of its weights.
    let columnSums: TravellingBuffer
    let secondGradient: TravellingBuffer
    let firstGradient: Tensor
    /// Σ_j weight_ij: quadratic only.
    let rowWeightSums: Tensor?
    /// One number for each row (column) of the present sub-tile: its sums in pass 1, its factors in pass 2.
    let tileRows: Tensor, tileColumns: Tensor
    /// What the maximum mean discrepancy needs besides.
    let discrepancy: DiscrepancyBuffers?
    /// What each row adds to the loss, where that is not made of sums.
    var rowLosses: [Double] = []
    /// log₂e / τ of the present call.
    var scale: Float = 1

    /// - Parameters:
    ///   - communicator: the workers among whom the batch is spread.
    ///   - shards: S; a power of two and a multiple of the workers that divides `batch`.
    ///   - batch: B, over all workers.
    ///   - dimension: d, of the encodings.
    ///   - tileMemory: how many bytes this worker may spend on keeping scores between the passes. Never changes a bit of the result.
    ///   - features: F of each modality's data: for the maximum mean discrepancy, and for it alone.
    public init(
        communicator: any Communicator, shards: Int, batch: Int, dimension: Int, similarity: Similarity, loss: Loss, tileMemory: Int,
        features: FeatureCounts? = nil
    ) {
        precondition(batch > 0 && batch % shards == 0, "a batch of \(batch) in \(shards) shards")
        walk = ShardWalk(communicator: communicator, shards: shards)
        geometry = TileGeometry(shardRows: batch / shards)
        form = loss.form
        self.similarity = similarity
        self.loss = loss
        self.batch = batch
        self.dimension = dimension
        rows = batch / communicator.size
        let tilesAlong = geometry.ranges.count
        var counts: FeatureCounts?
        if case .discrepancy = form {
            precondition(features != nil, "the maximum mean discrepancy needs features")
            counts = features
        }
        discrepancy = counts.map { [rows, geometry] in DiscrepancyBuffers(rows: rows, side: geometry.side, features: $0) }
        // Only a walk that follows sums uses exponentials a second time.
        let keepsTiles = if case .sums = form { true } else { false }
        tiles = TileStore(
            side: geometry.side, dimension: dimension, most: walk.localShards * shards * tilesAlong * tilesAlong,
            bytes: keepsTiles ? tileMemory : 0)
        statistics = PairStatistics(positives: Tensor([rows]), rows: PairSums(count: rows), columns: PairSums(count: rows))
        weights = PairWeights(rows: rows)
        let isCosine = similarity == .cosine, isQuadratic = similarity == .quadratic
        unitFirst = isCosine ? Tensor([rows, dimension]) : nil
        first = unitFirst ?? Tensor([0])
        unitSecond = isCosine ? Tensor([rows, dimension]) : nil
        firstInverseNorms = isCosine ? Tensor([rows]) : nil
        secondInverseNorms = isCosine ? Tensor([rows]) : nil
        firstSquares = isQuadratic ? Tensor([rows]) : nil
        rowWeightSums = isQuadratic ? Tensor([rows]) : nil
        visiting = VisitingBlock(rows: rows, dimension: dimension, features: counts)
        columnSums = TravellingBuffer(count: 2 * rows)
        secondGradient = TravellingBuffer(count: rows * (dimension + 1))
        firstGradient = Tensor([rows, dimension])
        tileRows = Tensor([geometry.side])
        tileColumns = Tensor([geometry.side])
    }

    /// The loss of a batch and, if wanted, its gradients.
    ///
    /// Every worker calls it with its own pairs. A loss that is not finite is returned as it is: its gradients mean nothing.
    /// - Parameters:
    ///   - first, second: this worker's encodings, B/W × d, shard by shard.
    ///   - temperature: τ, positive.
    ///   - bias: what the scores are shifted by, for a loss that uses one.
    ///   - features: φ(u) and ψ(v) of this worker's data, B/W × F each, for the maximum mean discrepancy.
    /// - Throws: `CollectiveError` where another worker failed.
    public func evaluate(
        first: Tensor, second: Tensor, temperature: Double, bias: Double = 0, features: (first: Tensor, second: Tensor)? = nil,
        gradients: Bool = true
    ) throws -> PairwiseResult {
        precondition(
            first.count == rows * dimension && second.count == rows * dimension,
            "encodings \(first.shape) and \(second.shape) for \(rows) × \(dimension)")
        precondition(temperature > 0, "temperature \(temperature)")
        couplet_flush_subnormals()
        scale = Float(1 / (temperature * log(2)))
        let second = prepare(first: first, second: second)
        if !gradients {
            firstGradient.fill(0)
            secondGradient.current.fill(0)
        }

        let none = [Double](repeating: 0, count: walk.localShards)
        var parts: [Double], biasParts = none, constant = 0.0
        switch form {
        case .sums(let rule):
            try firstPass(rows: rule.needsRows, columns: rule.needsColumns)
            (parts, constant) = try rule.finish(
                statistics, batch: batch, shardRows: geometry.shardRows, temperature: temperature, communicator: walk.communicator,
                weights: weights)
            if gradients { try secondPass(second: second) }
        case .sigmoid:
            biasParts = try sigmoidPass(temperature: temperature, bias: bias, gradients: gradients)
            parts = shardSums(rowLosses)
        case .discrepancy(let rule):
            guard let features else { preconditionFailure("the maximum mean discrepancy needs features") }
            try discrepancyPasses(rule, second: second, features: features, temperature: temperature, gradients: gradients)
            parts = shardSums(rowLosses)
        }
        let scoreParts = gradients ? finishGradients(second: second) : none
        let gathered = try walk.communicator.allGather(numbers: parts + scoreParts + biasParts)
        let local = walk.localShards
        func total(_ place: Int) -> Double {
            ShardTree.sum((0..<walk.shards).map { gathered[$0 / local * 3 * local + place * local + $0 % local] })
        }
        return PairwiseResult(
            loss: total(0) + constant, firstGradient: firstGradient,
            secondGradient: secondGradient.current.flat(0..<(rows * dimension)).reshaped([rows, dimension]),
            inverseTemperatureGradient: total(1), biasGradient: gradients ? total(2) : 0)
    }

    /// The loss of each of this worker's pairs, as the last `evaluate` found it: conditional: first (c_i - S_ii) + second (r_i - S_ii); joint:
    /// LSE(S) - log N² - S_ii; sigmoid: its row; the maximum mean discrepancy: both its residuals. Their mean over the batch is the loss, but for
    /// rounding in Double. Every worker calls it.
    package func pairLosses() throws -> [Double] {
        guard case .sums(let rule) = form else { return rowLosses.map { Double(batch) * $0 } }
        return try rule.pairLosses(statistics, batch: batch, shardRows: geometry.shardRows, communicator: walk.communicator)
    }

    /// Σ of a number a row over each of this worker's shards.
    private func shardSums(_ numbers: [Double]) -> [Double] {
        stride(from: 0, to: rows, by: geometry.shardRows).map { start in numbers[start..<(start + geometry.shardRows)].reduce(0, +) }
    }

    /// Sets `first`, loads the visiting block, and returns what the second side is compared by.
    private func prepare(first given: Tensor, second: Tensor) -> Tensor {
        var second = second
        if let unitFirst, let unitSecond, let firstInverseNorms, let secondInverseNorms {
            couplet_normalize_rows(rows, dimension, given.pointer, unitFirst.pointer, firstInverseNorms.pointer)
            couplet_normalize_rows(rows, dimension, second.pointer, unitSecond.pointer, secondInverseNorms.pointer)
            first = unitFirst
            second = unitSecond
        } else {
            first = given
        }
        if let firstSquares { couplet_row_squares(rows, dimension, first.pointer, 0.5 * scale, firstSquares.pointer) }
        visiting.load(second, squareFactor: similarity == .quadratic ? 0.5 * scale : nil, weights: nil)
        return second
    }

    /// Turns ∂/∂(what is compared) into ∂/∂(encodings), and returns Σ_ij ∂loss/∂S_ij S_ij for each shard of this worker.
    private func finishGradients(second: Tensor) -> [Double] {
        let gradient = secondGradient.current.pointer, columnWeightSums = gradient + rows * dimension
        let n = geometry.shardRows, block = n * dimension
        let parts = (0..<walk.localShards).map { shard -> Double in
            var sum = couplet_dot(block, first.pointer + shard * block, firstGradient.pointer + shard * block)
            if let firstSquares, let rowWeightSums {
                // firstSquares are in units of log₂e / τ.
                for i in (shard * n)..<((shard + 1) * n) {
                    let g = Double(firstSquares.pointer[i]) * Double(rowWeightSums.pointer[i])
                    let h = Double(visiting.homeSquares.pointer[i]) * Double(columnWeightSums[i])
                    sum -= (g + h) / Double(scale)
                }
            }
            return sum
        }
        if let rowWeightSums {
            couplet_subtract_scaled_rows(rows, dimension, first.pointer, rowWeightSums.pointer, firstGradient.pointer)
            couplet_subtract_scaled_rows(rows, dimension, second.pointer, columnWeightSums, gradient)
        }
        if let unitFirst, let unitSecond, let firstInverseNorms, let secondInverseNorms {
            couplet_normalize_rows_backward(rows, dimension, unitFirst.pointer, firstInverseNorms.pointer, firstGradient.pointer)
            couplet_normalize_rows_backward(rows, dimension, unitSecond.pointer, secondInverseNorms.pointer, gradient)
        }
        return parts
    }
}
