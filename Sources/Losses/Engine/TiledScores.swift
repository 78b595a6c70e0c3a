import CCoupletKernels
import CoupletTensors
import Foundation

/// Two sets of encodings, spread over workers, that meet: every one of the first with every one of the second, without an array of all scores.
///
/// Pass 1 walks over all shard pairs and leaves each row's and each column's sum of exponentials; pass 2 walks again and turns scores into weights,
/// and weights into gradients. Scores are kept between the passes as far as the memory budget goes and made again beyond it, by
/// the same arithmetic. Cost: 3 matrix products of 2 B² d operations for kept tiles, 4 for others; about 3 B d floats sent
/// and received a worker (W - 1 of W of them). The results are the same bits for any number of workers.
///
/// Internally scores are `T = S log₂e` (see couplet_pairwise.h).
final class TiledScores {
    /// What the pairs (i, i) are.
    enum Diagonal {
        /// The batch's pairs: left out of the sums, with weights of their own.
        case positives
        /// An encoding and itself: a set meets itself, and these pairs take no part. All gradients go to the first side.
        case selves
        /// Pairs like all others.
        case strangers
    }

    let measure: ScoreFunction
    let diagonal: Diagonal
    let walk: PairwiseSchedule
    let geometry: TileGeometry
    /// B / W.
    let rows: Int
    let dimension: Int
    let tiles: TileCache
    let statistics: SoftmaxStatistics
    let weights: SoftmaxWeights
    /// The first side's encodings, the caller's memory.
    var first = Tensor([0])
    /// ½ |g|² log₂e / τ of each row: quadratic only.
    let firstSquares: Tensor?
    let visiting: RemoteBlock
    /// Pass 1: the column sums of a block as it travels; pass 2: its gradient and, for quadratic, the sums of its weights.
    let columnSums: ExchangeBuffer
    let secondGradient: ExchangeBuffer
    let firstGradient: Tensor
    /// Σ_j weight_ij: quadratic only.
    let rowWeightSums: Tensor?
    /// One number for each row (column) of the present sub-tile: its sums in pass 1, its factors in pass 2.
    let tileRows: Tensor, tileColumns: Tensor
    /// The columns' encodings of the present sub-tile, d × side, and their gradient likewise: where scores are made of differences.
    let transposed: Tensor, transposedGradient: Tensor
    /// log₂e / τ of the present call.
    var scale: Float = 1

    /// - Parameters:
    ///   - tiles: where scores are kept between the passes; meetings that are worked off one after the other may share it.
    ///   - weights: where the weights of rows and columns will be; a set that meets itself has the same ones for both.
    init(
        walk: PairwiseSchedule, batch: Int, dimension: Int, measure: ScoreFunction, diagonal: Diagonal,
        tiles: TileCache, weights: SoftmaxWeights? = nil,
        features: FeatureCounts? = nil
    ) {
        self.walk = walk
        self.measure = measure
        self.diagonal = diagonal
        self.dimension = dimension
        self.tiles = tiles
        geometry = TileGeometry(shardRows: batch / walk.shards)
        rows = batch / walk.communicator.size
        let isTwoSided = diagonal != .selves
        statistics = SoftmaxStatistics(
            positives: Tensor([rows]), rows: LogSumExp(count: rows), columns: LogSumExp(count: isTwoSided ? rows : 0))
        self.weights = weights ?? SoftmaxWeights(rows: rows)
        firstSquares = measure == .quadratic ? Tensor([rows]) : nil
        rowWeightSums = measure == .quadratic ? Tensor([rows]) : nil
        visiting = RemoteBlock(rows: rows, dimension: dimension, features: features)
        columnSums = ExchangeBuffer(count: isTwoSided ? 2 * rows : 0)
        secondGradient = ExchangeBuffer(count: isTwoSided ? rows * (dimension + 1) : 0)
        firstGradient = Tensor([rows, dimension])
        tileRows = Tensor([geometry.side])
        tileColumns = Tensor([geometry.side])
        transposed = Tensor([measure.usesDifferences ? dimension : 0, geometry.side])
        transposedGradient = Tensor([measure.usesDifferences && isTwoSided ? dimension : 0, geometry.side])
    }

    /// The bytes that a meeting takes beside its tiles.
    static func memory(rows: Int, shardRows: Int, dimension: Int, measure: ScoreFunction, diagonal: Diagonal) -> Int {
        let side = TileGeometry(shardRows: shardRows).side, isTwoSided = diagonal != .selves
        // Statistics and weights of the rows; what travels, twice; the first gradient.
        var floats = rows * (isTwoSided ? 10 : 3) + 2 * rows * (dimension + 3) + rows + rows * dimension + 2 * side
        if isTwoSided { floats += 2 * rows * (2 + dimension + 1) }
        if measure == .quadratic { floats += 2 * rows }
        if measure.usesDifferences { floats += dimension * side * (isTwoSided ? 2 : 1) }
        return floats * MemoryLayout<Float>.stride
    }

    /// Begins with the sets of a batch: this worker's encodings, B/W × d each, which must stay until the last pass.
    func begin(first: Tensor, second: Tensor, temperature: Double) {
        scale = Float(1 / (temperature * log(2)))
        self.first = first
        if let firstSquares { couplet_row_squares(rows, dimension, first.pointer, 0.5 * scale, firstSquares.pointer) }
        visiting.load(second, squareFactor: measure == .quadratic ? 0.5 * scale : nil, weights: nil)
    }

    /// Where a second encoding's gradient is, once a pass has made it.
    var secondEncodingGradient: Tensor {
        secondGradient.current.flat(0..<(rows * dimension)).reshaped([rows, dimension])
    }

    /// Finishes the gradients with respect to the encodings as they were given, and returns Σ_ij ∂loss/∂S_ij S_ij for each shard of this worker.
    func finishGradients(second: Tensor) -> [Double] {
        let columnWeightSums = diagonal == .selves ? nil : secondGradient.current.pointer + rows * dimension
        let n = geometry.shardRows, block = n * dimension
        func alongFirst(_ shard: Int) -> Double {
            couplet_dot(block, first.pointer + shard * block, firstGradient.pointer + shard * block)
        }
        func alongSecond(_ shard: Int) -> Double {
            couplet_dot(block, second.pointer + shard * block, secondGradient.current.pointer + shard * block)
        }
        var parts = (0..<walk.localShards).map { shard -> Double in
            guard measure == .quadratic || measure == .product else { return 0 }
            var sum = alongFirst(shard)
            if let firstSquares, let rowWeightSums {
                // firstSquares are in units of log₂e / τ.
                for i in (shard * n)..<((shard + 1) * n) {
                    let g = Double(firstSquares.pointer[i]) * Double(rowWeightSums.pointer[i])
                    let h = columnWeightSums.map { Double(visiting.homeSquares.pointer[i]) * Double($0[i]) } ?? g
                    sum -= (g + h) / Double(scale)
                }
            }
            return sum
        }
        if let rowWeightSums {
            couplet_subtract_scaled_rows(rows, dimension, first.pointer, rowWeightSums.pointer, firstGradient.pointer)
            if let columnWeightSums {
                couplet_subtract_scaled_rows(
                    rows, dimension, second.pointer, columnWeightSums, secondGradient.current.pointer)
            }
        }
        if measure.usesDifferences {
            // Distances are homogeneous of degree 1: Euler's formula.
            parts = (0..<walk.localShards).map { alongFirst($0) + (columnWeightSums == nil ? 0 : alongSecond($0)) }
        } else if diagonal == .selves {
            // Every score counts for both its encodings.
            parts = parts.map { 0.5 * $0 }
        }
        return parts
    }
}
