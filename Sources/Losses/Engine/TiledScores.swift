import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// The scores of two sets of encodings that are spread over workers, tile by tile, without an array of all scores.
///
/// Pass 1 runs over all shard pairs and computes the sums of exponentials of each row and column. Pass 2 runs over them
/// again, turns scores into weights ∂loss/∂S, and turns weights into gradients. The tile cache keeps exponentials
/// between the passes; pass 2 computes all other tiles again by the same arithmetic.
///
/// Cost: 3 matrix products of 2 B² d operations if all tiles are cached, 4 if none is. Each worker sends and receives
/// about 3 B d (W - 1) / W floats. The results are the same bits for any number of workers.
///
/// Scores are stored as `T = S log₂e` (see couplet_pairwise.h).
final class TiledScores {
    /// The meaning of the pairs (i, i).
    enum Diagonal {
        /// The positives of the batch. They are excluded from the sums and have weights of their own.
        case positives
        /// Each encoding with itself, if a set is scored against itself. They are excluded from the sums. All gradients
        /// go to the first set.
        case selfPairs
        /// Negatives, like all other pairs.
        case allNegatives
    }

    let scoreFunction: ScoreFunction
    let diagonal: Diagonal
    let schedule: PairwiseSchedule
    let geometry: TileGeometry
    /// B / W.
    let rows: Int
    let dimension: Int
    let tiles: TileCache
    let statistics: SoftmaxStatistics
    private(set) var weights: SoftmaxWeights
    /// The block of second encodings that is being processed.
    let remote: RemoteBlock
    /// ∂loss/∂(first encodings) after pass 2.
    let firstGradient: Tensor
    /// ∂loss/∂(second encodings) of a block. It moves with the block. For the quadratic score function the column sums
    /// of the weights follow.
    let secondGradient: ExchangeBuffer
    /// One number per row of the current tile: sums in pass 1, factors in pass 2.
    let tileRows: Tensor
    /// One number per column of the current tile.
    let tileColumns: Tensor

    /// The first encodings: the caller's memory.
    private var first = Tensor([0])
    /// log₂e / τ of the current call.
    private var scale: Float = 1
    /// ½ |g|² log₂e / τ of each row; nil unless the score function is quadratic.
    private let firstSquares: Tensor?
    /// The column sums of a block in pass 1: exponents, then mantissas. They move with the block.
    private let columnSums: ExchangeBuffer
    /// Σ_j weight_ij of each row; nil unless the score function is quadratic.
    private let rowWeightSums: Tensor?
    /// The second encodings of the current tile, transposed to d × side, and their gradient. Empty unless scores are
    /// computed from differences.
    private let transposedColumns: Tensor, transposedGradient: Tensor

    /// - Parameters:
    ///   - tiles: keeps exponentials between the passes. Instances that are used one after the other may share it.
    ///   - weights: receives the weights of rows and columns; nil allocates them.
    init(
        schedule: PairwiseSchedule, batchSize: Int, dimension: Int, scoreFunction: ScoreFunction, diagonal: Diagonal,
        tiles: TileCache, weights: SoftmaxWeights? = nil, features: FeatureCounts? = nil
    ) {
        self.schedule = schedule
        self.scoreFunction = scoreFunction
        self.diagonal = diagonal
        self.dimension = dimension
        self.tiles = tiles
        geometry = TileGeometry(shardRows: batchSize / schedule.shards)
        rows = batchSize / schedule.communicator.size
        let isTwoSided = diagonal != .selfPairs
        statistics = SoftmaxStatistics(
            positives: Tensor([rows]), rows: LogSumExp(count: rows), columns: LogSumExp(count: isTwoSided ? rows : 0))
        self.weights = weights ?? SoftmaxWeights(rows: rows)
        firstSquares = scoreFunction == .quadratic ? Tensor([rows]) : nil
        rowWeightSums = scoreFunction == .quadratic ? Tensor([rows]) : nil
        remote = RemoteBlock(rows: rows, dimension: dimension, features: features)
        columnSums = ExchangeBuffer(count: isTwoSided ? 2 * rows : 0)
        secondGradient = ExchangeBuffer(count: isTwoSided ? rows * (dimension + 1) : 0)
        firstGradient = Tensor([rows, dimension])
        tileRows = Tensor([geometry.side])
        tileColumns = Tensor([geometry.side])
        transposedColumns = Tensor([scoreFunction.usesDifferences ? dimension : 0, geometry.side])
        transposedGradient = Tensor([scoreFunction.usesDifferences && isTwoSided ? dimension : 0, geometry.side])
    }

    /// The bytes that an instance allocates, without its tile cache.
    static func memory(rows: Int, shardRows: Int, dimension: Int, scoreFunction: ScoreFunction, diagonal: Diagonal)
        -> Int
    {
        let side = TileGeometry(shardRows: shardRows).side, isTwoSided = diagonal != .selfPairs
        // Statistics and weights of the rows; exchange buffers, twice; the first gradient.
        var floats = rows * (isTwoSided ? 10 : 3) + 2 * rows * (dimension + 3) + rows + rows * dimension + 2 * side
        if isTwoSided { floats += 2 * rows * (2 + dimension + 1) }
        if scoreFunction == .quadratic { floats += 2 * rows }
        if scoreFunction.usesDifferences { floats += dimension * side * (isTwoSided ? 2 : 1) }
        return floats * MemoryLayout<Float>.stride
    }

    /// Sets the encodings of a batch, B/W × d each. Their memory must stay valid and unchanged until the last pass.
    func load(first: Tensor, second: Tensor, temperature: Double) {
        scale = Float(1 / (temperature * log(2)))
        weights.temperature = temperature
        self.first = first
        if let firstSquares { couplet_row_squares(rows, dimension, first.pointer, 0.5 * scale, firstSquares.pointer) }
        remote.load(second, squareFactor: scoreFunction == .quadratic ? 0.5 * scale : nil, weights: nil)
    }

    /// ∂loss/∂(second encodings) of this worker's rows, after pass 2.
    var secondEncodingGradient: Tensor {
        secondGradient.current.flat(0..<(rows * dimension)).reshaped([rows, dimension])
    }

    func clearGradients() {
        firstGradient.fill(0)
        secondGradient.current.fill(0)
        rowWeightSums?.fill(0)
    }

    // MARK: - Passes

    /// Pass 1: computes the positives, and the row and column sums of exponentials of all other pairs.
    /// - Parameters:
    ///   - needsRows: whether row sums are needed.
    ///   - needsColumns: whether column sums are needed.
    func firstPass(rows needsRows: Bool, columns needsColumns: Bool) throws {
        statistics.rows.setEmpty()
        if needsColumns {
            columnSums.current.flat(0..<rows).fill(COUPLET_EMPTY)
            columnSums.current.flat(rows..<(2 * rows)).fill(0)
        }
        let tileRowSums = needsRows ? tileRows.pointer : nil, tileColumnSums = needsColumns ? tileColumns.pointer : nil
        try forEachTile(accumulating: needsColumns ? columnSums : nil) { tile in
            let blockSums = columnSums.current.pointer
            let shift = computeExponentials(tile, storingPositives: true, tileRowSums, tileColumnSums)
            if let tileRowSums {
                addTileSums(
                    tile.rows, tileRowSums, shift, statistics.rows.exponent.pointer, statistics.rows.mantissa.pointer,
                    tile, byColumn: false)
            }
            if let tileColumnSums {
                addTileSums(tile.columns, tileColumnSums, shift, blockSums, blockSums + rows, tile, byColumn: true)
            }
        }
        guard needsColumns else { return }
        statistics.columns.exponent.copy(from: columnSums.current.flat(0..<rows))
        statistics.columns.mantissa.copy(from: columnSums.current.flat(rows..<(2 * rows)))
    }

    /// Computes a loss from the statistics of pass 1, and `weights`.
    func evaluate(_ loss: any SoftmaxLoss, _ batch: LossBatch) throws -> LossValue {
        weights.clear()
        return try loss.evaluate(statistics, batch: batch, weights: weights)
    }

    /// Pass 2: computes the gradients of the encodings from `weights`. `finishGradients` completes them.
    func secondPass(second: Tensor) throws {
        remote.load(second, squareFactor: nil, weights: weights)
        clearGradients()
        try forEachTile(accumulating: diagonal == .selfPairs ? nil : secondGradient) { tile in
            addGradients(tile, computeWeights(tile))
        }
    }

    /// Runs over all tiles in the order of the schedule. Every worker must call it.
    func forEachTile(accumulating: ExchangeBuffer?, _ body: (ScoreTile) -> Void) throws {
        let ranges = geometry.ranges, n = geometry.shardRows
        var number = 0
        try schedule.run(reading: remote.buffer, accumulating: accumulating) { pair in
            for rows in ranges {
                for columns in ranges {
                    body(
                        ScoreTile(
                            rows: pair.first * n + rows.lowerBound..<pair.first * n + rows.upperBound,
                            columns: pair.second * n + columns.lowerBound..<pair.second * n + columns.upperBound,
                            isDiagonal: pair.isDiagonal && rows == columns, number: number))
                    number += 1
                }
            }
        }
    }

    // MARK: - From encodings to scores

    /// Computes the scores T of a tile.
    func computeScores(_ tile: ScoreTile, into scores: UnsafeMutablePointer<Float>) {
        let side = geometry.side, firstRows = first.pointer + tile.rows.lowerBound * dimension
        if scoreFunction.usesDifferences {
            transposeColumns(tile)
            couplet_tile_distances(
                tile.rows.count, tile.columns.count, dimension, firstRows, transposedColumns.pointer,
                scoreFunction == .manhattan ? 1 : 2, -scale, scores, side)
            return
        }
        MatrixProduct.multiply(
            m: tile.rows.count, n: tile.columns.count, k: dimension, alpha: scale, firstRows, .asIs, stride: dimension,
            remote.encodings + tile.columns.lowerBound * dimension, .transposed, stride: dimension, beta: 0, scores,
            stride: side)
        if let firstSquares {
            couplet_tile_offset(
                tile.rows.count, tile.columns.count, scores, side, firstSquares.pointer + tile.rows.lowerBound,
                remote.squares + tile.columns.lowerBound)
        }
    }

    /// Computes the scores T of a tile, with positives and self-pairs excluded (`COUPLET_EXCLUDED`).
    /// - Parameter storingPositives: whether to store the positives in `statistics`.
    func computeNegativeScores(_ tile: ScoreTile, into scores: UnsafeMutablePointer<Float>, storingPositives: Bool) {
        computeScores(tile, into: scores)
        guard tile.isDiagonal, diagonal != .allNegatives else { return }
        let side = geometry.side
        for i in 0..<tile.rows.count {
            if storingPositives, diagonal == .positives {
                statistics.positives.pointer[tile.rows.lowerBound + i] = scores[i * side + i]
            }
            scores[i * side + i] = COUPLET_EXCLUDED
        }
    }

    private func transposeColumns(_ tile: ScoreTile) {
        couplet_transpose(
            tile.columns.count, dimension, remote.encodings + tile.columns.lowerBound * dimension, dimension,
            transposedColumns.pointer, geometry.side)
    }

    // MARK: - From scores to sums

    /// Computes the exponentials 2^(T - shift) of a tile in the tile cache, and their row and column sums unless the
    /// pointer is nil.
    /// - Returns: the shift.
    @discardableResult
    private func computeExponentials(
        _ tile: ScoreTile, storingPositives: Bool, _ rowSums: UnsafeMutablePointer<Float>?,
        _ columnSums: UnsafeMutablePointer<Float>?
    ) -> Float {
        let values = tiles.exponentials(tile.number), side = geometry.side
        computeNegativeScores(tile, into: values, storingPositives: storingPositives)
        let largest = couplet_tile_maximum(tile.rows.count, tile.columns.count, values, side)
        let shift = largest > 0.5 * COUPLET_EXCLUDED ? largest.rounded(.up) : 0
        couplet_tile_exponentials(tile.rows.count, tile.columns.count, values, side, shift, rowSums, columnSums)
        tiles.shift(tile.number).pointee = shift
        return shift
    }

    /// Adds a tile's sums to the sums of its rows (or columns). The few sums that underflow under the tile's shift are
    /// computed again, each with a shift of its own.
    private func addTileSums(
        _ range: Range<Int>, _ sums: UnsafeMutablePointer<Float>, _ shift: Float,
        _ exponents: UnsafeMutablePointer<Float>, _ mantissas: UnsafeMutablePointer<Float>, _ tile: ScoreTile,
        byColumn: Bool
    ) {
        let exponent = exponents + range.lowerBound, mantissa = mantissas + range.lowerBound, side = geometry.side
        if couplet_underflowed_sums(range.count, shift, sums, exponent) > 0 {
            let scores = tiles.workspace
            computeNegativeScores(tile, into: scores, storingPositives: false)
            for i in 0..<range.count
            where sums[i] < COUPLET_UNDERFLOWED && exponent[i] < shift - COUPLET_NEGLIGIBLE {
                var sum: (exponent: Float, mantissa: Float) = (0, 0)
                couplet_exp2_sum(
                    byColumn ? tile.rows.count : tile.columns.count, scores + (byColumn ? i : i * side),
                    byColumn ? side : 1, &sum.exponent, &sum.mantissa)
                couplet_add_sums(1, &sum.exponent, &sum.mantissa, exponent + i, mantissa + i)
                sums[i] = 0
            }
        }
        couplet_add_tile_sums(range.count, shift, sums, exponent, mantissa)
    }

    // MARK: - From weights to gradients

    /// Computes the weights of a tile, ∂loss/∂S / τ, in the workspace.
    private func computeWeights(_ tile: ScoreTile) -> UnsafeMutablePointer<Float> {
        let side = geometry.side, result = tiles.workspace, rowFactors = tileRows.pointer,
            columnFactors = tileColumns.pointer
        if !tiles.isCached(tile.number) { computeExponentials(tile, storingPositives: false, nil, nil) }
        let shift = tiles.shift(tile.number).pointee
        let rowExponent = weights.rowExponent.pointer + tile.rows.lowerBound
        let rowWeight = weights.rowWeight.pointer + tile.rows.lowerBound
        let columnExponent = remote.exponents + tile.columns.lowerBound,
            columnWeight = remote.weights + tile.columns.lowerBound
        let largest = max(
            couplet_tile_factors(tile.rows.count, shift, rowExponent, rowWeight, rowFactors),
            couplet_tile_factors(tile.columns.count, shift, columnExponent, columnWeight, columnFactors))
        if largest > COUPLET_LARGEST_FACTOR {
            computeNegativeScores(tile, into: result, storingPositives: false)
            couplet_tile_weights_direct(
                tile.rows.count, tile.columns.count, result, side, rowExponent, rowWeight, columnExponent, columnWeight)
        } else {
            couplet_tile_weights(
                tile.rows.count, tile.columns.count, tiles.exponentials(tile.number), side, rowFactors, columnFactors,
                result, side)
        }
        if tile.isDiagonal, diagonal == .positives {
            for i in 0..<tile.rows.count { result[i * side + i] = weights.diagonal.pointer[tile.rows.lowerBound + i] }
        }
        return result
    }

    /// Adds the contribution of a tile's weights, ∂loss/∂S / τ, to the gradients of both sets.
    func addGradients(_ tile: ScoreTile, _ tileWeights: UnsafeMutablePointer<Float>) {
        let side = geometry.side, isTwoSided = diagonal != .selfPairs, (m, n) = (tile.rows.count, tile.columns.count)
        let firstGradient = firstGradient.pointer + tile.rows.lowerBound * dimension
        let first = first.pointer + tile.rows.lowerBound * dimension
        let secondGradient = secondGradient.current.pointer + (isTwoSided ? tile.columns.lowerBound * dimension : 0)
        if scoreFunction.usesDifferences {
            transposeColumns(tile)
            if scoreFunction == .euclidean {
                couplet_tile_divide_distances(m, n, dimension, first, transposedColumns.pointer, tileWeights, side)
            }
            if isTwoSided { transposedGradient.fill(0) }
            couplet_tile_difference_sums(
                m, n, dimension, first, transposedColumns.pointer, tileWeights, side,
                scoreFunction == .manhattan ? 1 : 0, firstGradient, isTwoSided ? transposedGradient.pointer : nil)
            if isTwoSided { couplet_add_transposed(n, dimension, transposedGradient.pointer, side, secondGradient) }
            return
        }
        if let rowWeightSums {
            if !isTwoSided { tileColumns.fill(0) }
            let columnWeightSums =
                isTwoSided
                ? self.secondGradient.current.pointer + rows * dimension + tile.columns.lowerBound : tileColumns.pointer
            couplet_tile_sums(
                m, n, tileWeights, side, rowWeightSums.pointer + tile.rows.lowerBound, columnWeightSums)
        }
        MatrixProduct.multiply(
            m: m, n: dimension, k: n, alpha: 1, tileWeights, .asIs, stride: side,
            remote.encodings + tile.columns.lowerBound * dimension, .asIs, stride: dimension, beta: 1, firstGradient,
            stride: dimension)
        guard isTwoSided else { return }
        MatrixProduct.multiply(
            m: n, n: dimension, k: m, alpha: 1, tileWeights, .transposed, stride: side, first, .asIs, stride: dimension,
            beta: 1, secondGradient, stride: dimension)
    }

    /// Completes the gradients with respect to the encodings. Every pass that accumulates gradients must be followed by
    /// one call.
    /// - Returns: Σ_ij ∂loss/∂S_ij S_ij of each local shard.
    func finishGradients(second: Tensor) -> [Double] {
        let columnWeightSums = diagonal == .selfPairs ? nil : secondGradient.current.pointer + rows * dimension
        let n = geometry.shardRows, block = n * dimension
        func alongFirst(_ shard: Int) -> Double {
            couplet_dot(block, first.pointer + shard * block, firstGradient.pointer + shard * block)
        }
        func alongSecond(_ shard: Int) -> Double {
            couplet_dot(block, second.pointer + shard * block, secondGradient.current.pointer + shard * block)
        }
        var scoreGradients = (0..<schedule.localShards).map { shard -> Double in
            guard scoreFunction == .quadratic || scoreFunction == .product else { return 0 }
            var sum = alongFirst(shard)
            if let firstSquares, let rowWeightSums {
                // `firstSquares` has the unit log₂e / τ.
                for i in (shard * n)..<((shard + 1) * n) {
                    let g = Double(firstSquares.pointer[i]) * Double(rowWeightSums.pointer[i])
                    let h = columnWeightSums.map { Double(remote.localSquares.pointer[i]) * Double($0[i]) } ?? g
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
        if scoreFunction.usesDifferences {
            // Distances are homogeneous of degree 1, so Euler's theorem gives the sum.
            scoreGradients = (0..<schedule.localShards).map {
                alongFirst($0) + (columnWeightSums == nil ? 0 : alongSecond($0))
            }
        } else if diagonal == .selfPairs {
            // Every score belongs to two encodings of the same set.
            scoreGradients = scoreGradients.map { 0.5 * $0 }
        }
        return scoreGradients
    }
}
