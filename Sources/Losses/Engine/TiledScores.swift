import CCoupletKernels
import CoupletCommunication
import CoupletTensors

/// The scores of two sets of encodings that are spread over workers, tile by tile, without an array of all scores.
///
/// Pass 1 runs over all shard pairs and computes the sums of exponentials of each row and column. Pass 2 runs over them
/// again, turns scores into weights ∂loss/∂S, and turns weights into gradients. The tile cache keeps exponentials
/// between the passes; pass 2 computes all other tiles again by the same arithmetic. Small encodings have passes of
/// their own, which store no tile (SmallScores.swift).
///
/// Cost: 3 matrix products of 2 B² d operations if all tiles are cached, 4 if none is. With W > 1 workers each one
/// sends and receives, for equal ranges of shards, the encodings twice, (W - 1)/W · B d floats each time, and their
/// gradients once, B d floats; and for each column of a block its square in both passes, its weight and its exponent in
/// the second one, and two floats of its sum in the first one. The results are the same bits for any number of workers.
///
/// The unit of a score is `T = S log₂e` (see couplet_pairwise.h). A tile holds products of encodings first, then
/// exponentials 2^(T - shift), then weights. The shift is 0 where the lengths of the encodings bound |T|; otherwise it
/// is the largest T of the tile, rounded up.
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
    /// Number of this worker's rows.
    let rows: Int
    let dimension: Int
    let tiles: TileCache
    let columnBlock: ColumnBlock
    let statistics: SoftmaxStatistics
    private(set) var weights: SoftmaxWeights
    /// The block of second encodings that is being processed.
    let remote: RemoteBlock
    /// The pairs of one group, and those with an equal sample; nil if both are ignored.
    let groups: GroupScores?
    /// A zero for each row of a tile, if there are groups.
    let zeros: Tensor
    /// ∂loss/∂(first encodings) after pass 2.
    let firstGradient: Tensor
    /// ∂loss/∂(second encodings) of a block, which moves with the block; for the quadratic score function the column
    /// sums of the weights are a second field.
    let secondGradient: RingSums
    /// One number per row of the current tile: sums in pass 1, factors in pass 2.
    let tileRows: Tensor
    /// One number per column of the current tile, or a second one per row.
    let tileColumns: Tensor

    /// The first encodings: the caller's memory.
    private(set) var first = Tensor([0])
    /// log₂e / τ of the current call.
    private(set) var scale: Float = 1
    /// ½ |g|² log₂e / τ of each row.
    let firstSquares: Tensor
    /// The column sums of a block in pass 1: exponents, then mantissas. They move with the block.
    private let columnSums: RingSums
    /// Σ_j weight_ij of each row; nil unless the score function is quadratic.
    let rowWeightSums: Tensor?
    /// A tile's gradient of the second encodings, transposed to d × `TileGeometry.stride`; with one more row for sums
    /// of weights if the encodings are small. Empty if the gradient is a matrix product.
    let transposedGradient: Tensor
    /// The state of the passes of small encodings; nil for others.
    let small: SmallScores?

    /// - Parameters:
    ///   - tiles: keeps exponentials between the passes. Instances that are used one after the other may share it.
    ///   - weights: receives the weights of rows and columns; nil allocates them.
    ///   - treatment: of the pairs of one group.
    ///   - excludesPositives: whether the sums leave out the positives of a group.
    ///   - excludesEqualSamples: whether the sums leave out other pairs with an equal first or second sample.
    init(
        schedule: PairwiseSchedule, batchSize: Int, dimension: Int, scoreFunction: ScoreFunction, diagonal: Diagonal,
        tiles: TileCache, weights: SoftmaxWeights? = nil, features: FeatureCounts? = nil,
        groups treatment: GroupTreatment = .ignore, excludesPositives: Bool = false, excludesEqualSamples: Bool = false
    ) {
        self.schedule = schedule
        self.scoreFunction = scoreFunction
        self.diagonal = diagonal
        self.dimension = dimension
        self.tiles = tiles
        geometry = TileGeometry(shardRows: batchSize / schedule.shards, dimension: dimension)
        columnBlock = ColumnBlock(
            geometry: geometry, dimension: dimension, usesDifferences: scoreFunction.usesDifferences)
        rows = schedule.rows
        let largestRows = schedule.largestRows
        let isTwoSided = diagonal != .selfPairs, arePositives = treatment == .positives
        let keyCount = GroupScores.keyCount(treatment, excludesEqualSamples)
        groups =
            keyCount == 0
            ? nil
            : GroupScores(
                rows: rows, largestRows: largestRows, geometry: geometry, treatment: treatment,
                excludesPositives: excludesPositives, excludesEqualSamples: excludesEqualSamples,
                hasDiagonal: diagonal != .allNegatives)
        zeros = Tensor([groups == nil ? 0 : geometry.rows])
        statistics = SoftmaxStatistics(
            positives: Tensor([rows]), rows: LogSumExp(count: rows), columns: LogSumExp(count: isTwoSided ? rows : 0),
            matches: groups?.matches)
        self.weights = weights ?? SoftmaxWeights(rows: rows, hasOtherPositives: arePositives)
        firstSquares = Tensor([rows])
        rowWeightSums = scoreFunction == .quadratic ? Tensor([rows]) : nil
        remote = RemoteBlock(schedule: schedule, dimension: dimension, features: features, keyCount: keyCount)
        func sums(_ widths: [Int]) -> RingSums {
            RingSums(
                widths: widths, columns: isTwoSided ? schedule.rows : 0, largestColumns: isTwoSided ? largestRows : 0)
        }
        columnSums = sums([1, 1])
        secondGradient = sums(scoreFunction == .quadratic ? [dimension, 1] : [dimension])
        firstGradient = Tensor([rows, dimension])
        tileRows = Tensor([geometry.rows])
        tileColumns = Tensor([max(geometry.rows, geometry.stride)])
        transposedGradient = Tensor([
            Self.transposedGradientRows(dimension, scoreFunction, isTwoSided: isTwoSided), geometry.stride,
        ])
        small =
            scoreFunction.allowsSmallPasses(dimension)
            ? SmallScores(rows: rows, dimension: dimension, columns: geometry.stride) : nil
    }

    private static func transposedGradientRows(
        _ dimension: Int, _ scoreFunction: ScoreFunction, isTwoSided: Bool
    ) -> Int {
        if scoreFunction.allowsSmallPasses(dimension) { return dimension + 1 }
        return scoreFunction.usesDifferences && isTwoSided ? dimension : 0
    }

    /// The bytes that an instance allocates, without its tile cache.
    /// - Parameters:
    ///   - rows: the most rows of a worker.
    ///   - receives: whether blocks come from other processes.
    static func memory(
        rows: Int, receives: Bool, geometry: TileGeometry, dimension: Int, scoreFunction: ScoreFunction,
        diagonal: Diagonal,
        features: FeatureCounts?, groups: GroupTreatment, excludesEqualSamples: Bool
    ) -> Int {
        let isTwoSided = diagonal != .selfPairs, keyCount = GroupScores.keyCount(groups, excludesEqualSamples)
        // Statistics and weights of the rows; squares; the first gradient; the block; the sums of its columns.
        var floats = rows * (isTwoSided ? 10 : 3) + rows + rows * dimension
        floats += RemoteBlock.memory(
            rows: rows, dimension: dimension, features: features, keyCount: keyCount, receives: receives)
        floats += geometry.rows + max(geometry.rows, geometry.stride)
        if isTwoSided {
            floats += (receives ? 2 : 1) * rows * (2 + dimension + (scoreFunction == .quadratic ? 1 : 0))
        }
        if scoreFunction == .quadratic { floats += rows }
        floats += ColumnBlock.memory(
            geometry: geometry, dimension: dimension, usesDifferences: scoreFunction.usesDifferences)
        floats += transposedGradientRows(dimension, scoreFunction, isTwoSided: isTwoSided) * geometry.stride
        if scoreFunction.allowsSmallPasses(dimension) {
            floats += SmallScores.memory(rows: rows, dimension: dimension, columns: geometry.stride)
        }
        if keyCount == 0 { return floats * MemoryLayout<Float>.stride }
        floats += rows + geometry.rows
        return floats * MemoryLayout<Float>.stride
            + GroupScores.memory(
                rows: rows, geometry: geometry, treatment: groups, excludesEqualSamples: excludesEqualSamples)
    }

    /// Sets this worker's encodings of a batch, rows × d each. Other workers read the second ones where they are. So
    /// the memory must stay valid and unchanged until all workers have finished the last pass.
    /// - Parameters:
    ///   - firstKeys: the numbers of the rows that are compared (`GroupScores.keyCount` lists).
    ///   - secondKeys: those of the columns.
    func load(
        first: Tensor, second: Tensor, temperature: Double, firstKeys: [[Int]] = [], secondKeys: [[Int]] = []
    ) {
        if let groups {
            groups.load(firstKeys, areColumns: firstKeys == secondKeys)
            remote.setKeys(secondKeys)
        }
        scale = Float(1 / (temperature * log(2)))
        weights.temperature = temperature
        self.first = first
        couplet_row_squares(rows, dimension, first.pointer, 0.5 * scale, firstSquares.pointer)
        remote.load(second, squareFactor: 0.5 * scale)
        small?.load(first, scale: scale, offsets: scoreFunction == .quadratic ? firstSquares : nil)
    }

    /// ∂loss/∂(second encodings) of this worker's rows, after pass 2.
    var secondEncodingGradient: Tensor { secondGradient.field(0).reshaped([rows, dimension]) }

    func clearGradients() {
        firstGradient.fill(0)
        secondGradient.clear()
        rowWeightSums?.fill(0)
    }

    // MARK: - Passes

    /// Pass 1: computes the positives, and the row and column sums of exponentials of all other pairs.
    /// - Parameters:
    ///   - needsRows: whether row sums are needed.
    ///   - needsColumns: whether column sums are needed.
    func firstPass(rows needsRows: Bool, columns needsColumns: Bool) throws {
        statistics.rows.setEmpty()
        groups?.matches.clear()
        if needsColumns {
            columnSums.field(0).fill(COUPLET_EMPTY)
            columnSums.field(1).fill(0)
        }
        let tileRowSums = needsRows ? tileRows.pointer : nil, tileColumnSums = needsColumns ? tileColumns.pointer : nil
        try forEachTile(accumulating: needsColumns ? columnSums : nil) { tile in
            let shift =
                isSmall(tile)
                ? computeSmallSums(tile)
                : computeExponentials(tile, storingPositives: true, tileRowSums, tileColumnSums)
            if let tileRowSums {
                let row = tile.rows.lowerBound
                addTileSums(
                    tile.rows.count, tileRowSums, shift, statistics.rows.exponent.pointer + row,
                    statistics.rows.mantissa.pointer + row, tile, byColumn: false)
            }
            if let tileColumnSums {
                let column = tile.columns.lowerBound
                addTileSums(
                    tile.columns.count, tileColumnSums, shift, columnSums.pointer(0, column: column),
                    columnSums.pointer(1, column: column), tile, byColumn: true)
            }
        }
        guard needsColumns else { return }
        statistics.columns.exponent.copy(from: columnSums.field(0))
        statistics.columns.mantissa.copy(from: columnSums.field(1))
    }

    /// Computes a loss from the statistics of pass 1, and `weights`.
    func evaluate(_ loss: any SoftmaxLoss, _ batch: LossBatch) throws -> LossValue {
        weights.clear()
        return try loss.evaluate(statistics, batch: batch, weights: weights)
    }

    /// Pass 2: computes the gradients of the encodings from `weights`. `finishGradients` completes them.
    func secondPass() throws {
        remote.load(weights)
        clearGradients()
        try forEachTile(accumulating: diagonal == .selfPairs ? nil : secondGradient) { tile in
            if isSmall(tile), addSmallGradients(tile) { return }
            addGradients(tile, computeWeights(tile))
        }
    }

    /// Runs over all tiles in the order of the schedule. Every worker must call it.
    func forEachTile(accumulating: RingSums?, _ body: (ScoreTile) -> Void) throws {
        let (rowRanges, n) = (geometry.rowRanges, geometry.shardRows)
        var number = 0
        try schedule.run(reading: remote.ring, accumulating: accumulating) { pair in
            let firstRow = pair.first * n, firstColumn = pair.second * n + pair.columns.lowerBound,
                columns = firstColumn..<firstColumn + pair.columns.count, isBounded = isBounded(pair)
            if pair.beginsBlock { groups?.beginBlock(isOwn: pair.isOwnBlock, columns: remote.count, remote.key) }
            if pair.beginsColumns {
                groups?.beginColumns(columns, number: pair.columnRange)
                columnBlock.begin(remote.encodings + firstColumn * dimension, count: columns.count)
            }
            for rows in rowRanges {
                body(
                    ScoreTile(
                        rows: firstRow + rows.lowerBound..<firstRow + rows.upperBound, columns: columns,
                        diagonalStart: pair.isDiagonal ? rows.lowerBound - pair.columns.lowerBound : nil,
                        isBounded: isBounded, number: number))
                number += 1
            }
        }
    }

    /// Whether the lengths of the encodings bound |T| by `COUPLET_BOUNDED`. Then sums of 2^T neither overflow nor
    /// underflow.
    private func isBounded(_ pair: ShardPair) -> Bool {
        let n = geometry.shardRows
        let first = couplet_tile_maximum(1, n, firstSquares.pointer + pair.first * n, n).squareRoot()
        let second = couplet_tile_maximum(1, n, remote.squares + pair.second * n, n).squareRoot()
        switch scoreFunction {
        case .product: return 2 * first * second <= COUPLET_BOUNDED
        case .quadratic: return (first + second) * (first + second) <= COUPLET_BOUNDED
        case .euclidean, .manhattan: return false
        }
    }

    // MARK: - From encodings to products

    /// Computes the products of a tile. Other score functions than the product compute T itself.
    /// - Returns: the factor from the results to T.
    func computeProducts(_ tile: ScoreTile, into products: UnsafeMutablePointer<Float>) -> Float {
        let stride = geometry.stride, firstRows = first.pointer + tile.rows.lowerBound * dimension
        let (m, n) = (tile.rows.count, tile.columns.count)
        if scoreFunction.usesDifferences {
            couplet_tile_distances(
                m, n, dimension, firstRows, columnBlock.transposed, scoreFunction == .manhattan ? 1 : 2, -scale,
                products, stride)
            return 1
        }
        couplet_product_packed(
            m, n, dimension, firstRows, dimension, 0, columnBlock.forScores, 0, products, stride, nil)
        guard scoreFunction == .quadratic else { return scale }
        couplet_tile_scores(
            m, n, products, stride, scale, firstSquares.pointer + tile.rows.lowerBound,
            remote.squares + tile.columns.lowerBound)
        return 1
    }

    /// Computes the products of a tile, with positives, self-pairs and what groups exclude set to `COUPLET_EXCLUDED`.
    /// - Parameters:
    ///   - storingPositives: whether to store the positives in `statistics`.
    ///   - addingMatches: whether to add the matches of groups in `statistics`.
    /// - Returns: the factor from the results to T.
    func computeNegativeProducts(
        _ tile: ScoreTile, into products: UnsafeMutablePointer<Float>, storingPositives: Bool,
        addingMatches: Bool = false
    ) -> Float {
        let factor = computeProducts(tile, into: products)
        for i in diagonal == .allNegatives ? 0..<0 : tile.diagonalRows {
            let product = products + i * geometry.stride + tile.diagonalColumn(i)
            if storingPositives, diagonal == .positives {
                statistics.positives.pointer[tile.rows.lowerBound + i] = factor * product.pointee
            }
            product.pointee = COUPLET_EXCLUDED
        }
        guard let groups else { return factor }
        if addingMatches || groups.areExcluded, groups.find(tile) {
            if addingMatches { groups.addMatches(tile, products, factor: factor) }
            if groups.areExcluded {
                couplet_tile_exclude_matches(
                    tile.rows.count, tile.columns.count, products, geometry.stride, groups.tileRows, groups.tileColumns)
            }
        }
        groups.excludeEqualSamples(tile, products, counting: addingMatches)
        return factor
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
        let products = tiles.current, stride = geometry.stride, (m, n) = (tile.rows.count, tile.columns.count)
        let factor = computeNegativeProducts(
            tile, into: products, storingPositives: storingPositives, addingMatches: storingPositives)
        var shift: Float = 0
        if !tile.isBounded {
            let largest = couplet_tile_maximum(m, n, products, stride)
            if largest > 0.5 * COUPLET_EXCLUDED { shift = (factor * largest).rounded(.up) }
        }
        couplet_tile_exponentials(
            m, n, products, stride, factor, shift, tiles.exponentials(tile.number), stride, rowSums, columnSums)
        tiles.shift(tile.number).pointee = shift
        return shift
    }

    /// Adds a tile's sums to the sums of its rows (or columns). The few sums that underflow under the tile's shift are
    /// computed again, each with a shift of its own.
    private func addTileSums(
        _ count: Int, _ sums: UnsafeMutablePointer<Float>, _ shift: Float, _ exponent: UnsafeMutablePointer<Float>,
        _ mantissa: UnsafeMutablePointer<Float>, _ tile: ScoreTile, byColumn: Bool
    ) {
        let stride = geometry.stride
        if !tile.isBounded, couplet_underflowed_sums(count, shift, sums, exponent) > 0 {
            let products = tiles.workspace
            let factor = computeNegativeProducts(tile, into: products, storingPositives: false)
            for i in 0..<count
            where sums[i] < COUPLET_UNDERFLOWED && exponent[i] < shift - COUPLET_NEGLIGIBLE {
                var sum: (exponent: Float, mantissa: Float) = (0, 0)
                couplet_exp2_sum(
                    byColumn ? tile.rows.count : tile.columns.count, products + (byColumn ? i : i * stride),
                    byColumn ? stride : 1, factor, &sum.exponent, &sum.mantissa)
                couplet_add_sums(1, &sum.exponent, &sum.mantissa, exponent + i, mantissa + i)
                sums[i] = 0
            }
        }
        couplet_add_tile_sums(count, shift, sums, exponent, mantissa)
    }

    // MARK: - From weights to gradients

    /// Computes the factors from a tile's exponentials 2^(T - shift) to its weights, in `tileRows` and `tileColumns`.
    /// - Returns: false if a factor is too large, so that the weights must be computed from scores.
    func computeFactors(_ tile: ScoreTile, shift: Float) -> Bool {
        let largest = max(
            couplet_tile_factors(
                tile.rows.count, shift, weights.rowExponent.pointer + tile.rows.lowerBound,
                weights.rowWeight.pointer + tile.rows.lowerBound, tileRows.pointer),
            couplet_tile_factors(
                tile.columns.count, shift, remote.exponents + tile.columns.lowerBound,
                remote.weights + tile.columns.lowerBound, tileColumns.pointer))
        return largest <= COUPLET_LARGEST_FACTOR
    }

    /// Computes the weights of a tile, ∂loss/∂S / τ.
    private func computeWeights(_ tile: ScoreTile) -> UnsafeMutablePointer<Float> {
        let stride = geometry.stride, (m, n) = (tile.rows.count, tile.columns.count)
        if !tiles.isCached(tile.number) { computeExponentials(tile, storingPositives: false, nil, nil) }
        // Weights overwrite exponentials that are not cached, which are still in the cache of the CPU.
        let exponentials = tiles.exponentials(tile.number), result = tiles.current
        if computeFactors(tile, shift: tiles.shift(tile.number).pointee) {
            couplet_tile_weights(
                m, n, exponentials, stride, tileRows.pointer, tileColumns.pointer, result, stride)
        } else {
            let factor = computeNegativeProducts(tile, into: result, storingPositives: false)
            couplet_tile_weights_direct(
                m, n, result, stride, factor, weights.rowExponent.pointer + tile.rows.lowerBound,
                weights.rowWeight.pointer + tile.rows.lowerBound, remote.exponents + tile.columns.lowerBound,
                remote.weights + tile.columns.lowerBound)
        }
        let hasMatches = groups?.arePositives == true && groups!.find(tile)
        if hasMatches, let groups {
            couplet_tile_add_matches(
                m, n, result, stride, groups.tileRows, groups.tileColumns,
                weights.otherPositives.pointer + tile.rows.lowerBound)
        }
        if diagonal == .positives || hasMatches && diagonal == .selfPairs {
            for i in tile.diagonalRows {
                result[i * stride + tile.diagonalColumn(i)] =
                    diagonal == .positives ? weights.diagonal.pointer[tile.rows.lowerBound + i] : 0
            }
        }
        return result
    }

    /// Adds the contribution of a tile's weights, ∂loss/∂S / τ, to the gradients of both sets.
    func addGradients(_ tile: ScoreTile, _ tileWeights: UnsafeMutablePointer<Float>) {
        let stride = geometry.stride, isTwoSided = diagonal != .selfPairs,
            (m, n) = (tile.rows.count, tile.columns.count)
        let firstGradient = firstGradient.pointer + tile.rows.lowerBound * dimension
        let first = first.pointer + tile.rows.lowerBound * dimension
        // Not used if all gradients go to the first set.
        let secondGradient = isTwoSided ? columnGradient(tile) : firstGradient
        if scoreFunction.usesDifferences {
            if scoreFunction == .euclidean {
                couplet_tile_divide_distances(m, n, dimension, first, columnBlock.transposed, tileWeights, stride)
            }
            if isTwoSided { transposedGradient.fill(0) }
            couplet_tile_difference_sums(
                m, n, dimension, first, columnBlock.transposed, tileWeights, stride,
                scoreFunction == .manhattan ? 1 : 0, firstGradient, isTwoSided ? transposedGradient.pointer : nil)
            if isTwoSided { couplet_add_transposed(n, dimension, transposedGradient.pointer, stride, secondGradient) }
            return
        }
        if let rowWeightSums {
            if !isTwoSided { tileColumns.fill(0) }
            couplet_tile_sums(
                m, n, tileWeights, stride, rowWeightSums.pointer + tile.rows.lowerBound,
                isTwoSided ? columnWeightSums(tile) : tileColumns.pointer)
        }
        couplet_product_packed(
            m, dimension, n, tileWeights, stride, 0, columnBlock.forGradients, 1, firstGradient, dimension, nil)
        guard isTwoSided else { return }
        MatrixProduct.multiply(
            m: n, n: dimension, k: m, tileWeights, .transposed, stride: stride, first, .asIs, stride: dimension,
            accumulate: true, secondGradient, stride: dimension)
    }

    /// The gradient of a tile's columns.
    func columnGradient(_ tile: ScoreTile) -> UnsafeMutablePointer<Float> {
        secondGradient.pointer(0, column: tile.columns.lowerBound)
    }

    /// The sums of the weights of a tile's columns, for the quadratic score function.
    func columnWeightSums(_ tile: ScoreTile) -> UnsafeMutablePointer<Float> {
        secondGradient.pointer(1, column: tile.columns.lowerBound)
    }

    /// Completes the gradients with respect to the encodings. Every pass that accumulates gradients must be followed by
    /// one call.
    /// - Returns: Σ_ij ∂loss/∂S_ij S_ij of each local shard.
    func finishGradients(second: Tensor) -> [Double] {
        let isTwoSided = diagonal != .selfPairs, secondGradient = secondGradient.field(0).pointer
        let columnWeightSums =
            isTwoSided && scoreFunction == .quadratic ? self.secondGradient.field(1).pointer : nil
        let n = geometry.shardRows, block = n * dimension
        func alongFirst(_ shard: Int) -> Double {
            couplet_dot(block, first.pointer + shard * block, firstGradient.pointer + shard * block)
        }
        func alongSecond(_ shard: Int) -> Double {
            couplet_dot(block, second.pointer + shard * block, secondGradient + shard * block)
        }
        let shards = 0..<schedule.localShards.count
        var scoreGradients = shards.map { shard -> Double in
            guard scoreFunction == .quadratic || scoreFunction == .product else { return 0 }
            var sum = alongFirst(shard)
            if let rowWeightSums {
                // `firstSquares` has the unit log₂e / τ.
                for i in (shard * n)..<((shard + 1) * n) {
                    let g = Double(firstSquares.pointer[i]) * Double(rowWeightSums.pointer[i])
                    let h = columnWeightSums.map { Double(remote.localSquares[i]) * Double($0[i]) } ?? g
                    sum -= (g + h) / Double(scale)
                }
            }
            return sum
        }
        if let rowWeightSums {
            couplet_subtract_scaled_rows(rows, dimension, first.pointer, rowWeightSums.pointer, firstGradient.pointer)
            if let columnWeightSums {
                couplet_subtract_scaled_rows(rows, dimension, second.pointer, columnWeightSums, secondGradient)
            }
        }
        if scoreFunction.usesDifferences {
            // Distances are homogeneous of degree 1, so Euler's theorem gives the sum.
            scoreGradients = shards.map { alongFirst($0) + (isTwoSided ? alongSecond($0) : 0) }
        } else if diagonal == .selfPairs {
            // Every score belongs to two encodings of the same set.
            scoreGradients = scoreGradients.map { 0.5 * $0 }
        }
        return scoreGradients
    }
}
