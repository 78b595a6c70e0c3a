import CCoupletKernels
import CoupletTensors

/// One sub-tile of a walk: rows of this worker's first encodings, columns of the visiting block.
struct ScoreTile {
    let rows: Range<Int>
    let columns: Range<Int>
    /// Whether its diagonal holds the pairs (i, i).
    let isDiagonal: Bool
    /// Its place in the walk.
    let number: Int
}

extension TiledScores {
    /// Pass 1: positives, and the row and column sums of all other pairs.
    /// - Parameters:
    ///   - needsRows, needsColumns: which sums are wanted.
    func firstPass(rows needsRows: Bool, columns needsColumns: Bool) throws {
        statistics.rows.setEmpty()
        if needsColumns {
            columnSums.current.flat(0..<rows).fill(COUPLET_EMPTY)
            columnSums.current.flat(rows..<(2 * rows)).fill(0)
        }
        let rowSums = needsRows ? tileRows.pointer : nil, columnSums = needsColumns ? tileColumns.pointer : nil
        try forEachSubTile(accumulating: needsColumns ? self.columnSums : nil) { tile in
            let columns = self.columnSums.current.pointer
            let shift = makeExponentials(tile, keepingPositives: true, rowSums, columnSums)
            if let rowSums {
                merge(
                    tile.rows, rowSums, shift, statistics.rows.exponent.pointer, statistics.rows.mantissa.pointer, tile,
                    byColumn: false)
            }
            if let columnSums { merge(tile.columns, columnSums, shift, columns, columns + rows, tile, byColumn: true) }
        }
        guard needsColumns else { return }
        statistics.columns.exponent.copy(from: self.columnSums.current.flat(0..<rows))
        statistics.columns.mantissa.copy(from: self.columnSums.current.flat(rows..<(2 * rows)))
    }

    /// Pass 2: from scores to weights to the gradients of what is compared.
    func secondPass(second: Tensor) throws {
        visiting.load(second, squareFactor: nil, weights: weights)
        clearGradients()
        try forEachSubTile(accumulating: diagonal == .selves ? nil : secondGradient) { tile in
            addGradients(tile, makeWeights(tile))
        }
    }

    func clearGradients() {
        firstGradient.fill(0)
        secondGradient.current.fill(0)
        rowWeightSums?.fill(0)
    }

    /// Adds what a sub-tile's weights, ∂loss/∂S / τ, give to the gradients of both sides.
    func addGradients(_ tile: ScoreTile, _ tileWeights: UnsafeMutablePointer<Float>) {
        let side = geometry.side, isTwoSided = diagonal != .selves, (m, n) = (tile.rows.count, tile.columns.count)
        let firstGradient = firstGradient.pointer + tile.rows.lowerBound * dimension,
            first = first.pointer + tile.rows.lowerBound * dimension
        let secondGradient = secondGradient.current.pointer + (isTwoSided ? tile.columns.lowerBound * dimension : 0)
        if measure.usesDifferences {
            transposeColumns(tile)
            if measure == .euclidean {
                couplet_tile_divide_distances(m, n, dimension, first, transposed.pointer, tileWeights, side)
            }
            if isTwoSided { transposedGradient.fill(0) }
            couplet_tile_difference_sums(
                m, n, dimension, first, transposed.pointer, tileWeights, side, measure == .manhattan ? 1 : 0,
                firstGradient,
                isTwoSided ? transposedGradient.pointer : nil)
            if isTwoSided { couplet_add_transposed(n, dimension, transposedGradient.pointer, side, secondGradient) }
            return
        }
        if let rowWeightSums {
            if !isTwoSided { tileColumns.fill(0) }
            couplet_tile_sums(
                m, n, tileWeights, side, rowWeightSums.pointer + tile.rows.lowerBound,
                isTwoSided
                    ? self.secondGradient.current.pointer + rows * dimension + tile.columns.lowerBound
                    : tileColumns.pointer)
        }
        MatrixProduct.multiply(
            m: m, n: dimension, k: n, alpha: 1, tileWeights, .asIs, stride: side,
            visiting.encodings + tile.columns.lowerBound * dimension, .asIs, stride: dimension, beta: 1, firstGradient,
            stride: dimension)
        guard isTwoSided else { return }
        MatrixProduct.multiply(
            m: n, n: dimension, k: m, alpha: 1, tileWeights, .transposed, stride: side, first, .asIs, stride: dimension,
            beta: 1,
            secondGradient, stride: dimension)
    }

    private func transposeColumns(_ tile: ScoreTile) {
        couplet_transpose(
            tile.columns.count, dimension, visiting.encodings + tile.columns.lowerBound * dimension, dimension,
            transposed.pointer,
            geometry.side)
    }

    func forEachSubTile(accumulating: ExchangeBuffer?, _ body: (ScoreTile) -> Void) throws {
        let ranges = geometry.ranges, n = geometry.shardRows
        var number = 0
        try walk.run(reading: visiting.buffer, accumulating: accumulating) { visit in
            for rows in ranges {
                for columns in ranges {
                    body(
                        ScoreTile(
                            rows: visit.first * n + rows.lowerBound..<visit.first * n + rows.upperBound,
                            columns: visit.second * n + columns.lowerBound..<visit.second * n + columns.upperBound,
                            isDiagonal: visit.isDiagonal && rows == columns, number: number))
                    number += 1
                }
            }
        }
    }

    /// The scores T of a sub-tile, positives and selves excluded.
    func makeScores(_ tile: ScoreTile, into scores: UnsafeMutablePointer<Float>, keepingPositives: Bool) {
        makeAllScores(tile, into: scores)
        guard tile.isDiagonal, diagonal != .strangers else { return }
        let side = geometry.side
        for i in 0..<tile.rows.count {
            if keepingPositives, diagonal == .positives {
                statistics.positives.pointer[tile.rows.lowerBound + i] = scores[i * side + i]
            }
            scores[i * side + i] = COUPLET_EXCLUDED
        }
    }

    /// The scores T of a sub-tile.
    func makeAllScores(_ tile: ScoreTile, into scores: UnsafeMutablePointer<Float>) {
        let side = geometry.side
        if measure.usesDifferences {
            transposeColumns(tile)
            couplet_tile_distances(
                tile.rows.count, tile.columns.count, dimension, first.pointer + tile.rows.lowerBound * dimension,
                transposed.pointer,
                measure == .manhattan ? 1 : 2, -scale, scores, side)
            return
        }
        MatrixProduct.multiply(
            m: tile.rows.count, n: tile.columns.count, k: dimension, alpha: scale,
            first.pointer + tile.rows.lowerBound * dimension, .asIs,
            stride: dimension, visiting.encodings + tile.columns.lowerBound * dimension, .transposed, stride: dimension,
            beta: 0, scores,
            stride: side)
        if let firstSquares {
            couplet_tile_offset(
                tile.rows.count, tile.columns.count, scores, side, firstSquares.pointer + tile.rows.lowerBound,
                visiting.squares + tile.columns.lowerBound)
        }
    }

    /// The exponentials 2^(T - shift) of a sub-tile in its place of the store, and their sums; nil where these are not wanted. Returns the shift.
    @discardableResult
    private func makeExponentials(
        _ tile: ScoreTile, keepingPositives: Bool, _ rowSums: UnsafeMutablePointer<Float>?,
        _ columnSums: UnsafeMutablePointer<Float>?
    ) -> Float {
        let place = tiles.exponentials(tile.number), side = geometry.side
        makeScores(tile, into: place, keepingPositives: keepingPositives)
        let largest = couplet_tile_maximum(tile.rows.count, tile.columns.count, place, side)
        let shift = largest > 0.5 * COUPLET_EXCLUDED ? largest.rounded(.up) : 0
        couplet_tile_exponentials(tile.rows.count, tile.columns.count, place, side, shift, rowSums, columnSums)
        tiles.shift(tile.number).pointee = shift
        return shift
    }

    /// Adds a sub-tile's sums to those of its rows (or columns); the few that its shift has swallowed are made again with a shift of their own.
    private func merge(
        _ range: Range<Int>, _ sums: UnsafeMutablePointer<Float>, _ shift: Float,
        _ exponents: UnsafeMutablePointer<Float>,
        _ mantissas: UnsafeMutablePointer<Float>, _ tile: ScoreTile, byColumn: Bool
    ) {
        let exponent = exponents + range.lowerBound, mantissa = mantissas + range.lowerBound, side = geometry.side
        if couplet_lost_sums(range.count, shift, sums, exponent) > 0 {
            let scores = tiles.workspace
            makeScores(tile, into: scores, keepingPositives: false)
            for i in 0..<range.count where sums[i] < COUPLET_LOST && exponent[i] < shift - COUPLET_NEGLIGIBLE {
                var own: (exponent: Float, mantissa: Float) = (0, 0)
                couplet_power_sum(
                    byColumn ? tile.rows.count : tile.columns.count, scores + (byColumn ? i : i * side),
                    byColumn ? side : 1, &own.exponent,
                    &own.mantissa)
                couplet_add_sums(1, &own.exponent, &own.mantissa, exponent + i, mantissa + i)
                sums[i] = 0
            }
        }
        couplet_merge_sums(range.count, shift, sums, exponent, mantissa)
    }

    /// The weights of a sub-tile, ∂loss/∂S / τ, in the workspace.
    private func makeWeights(_ tile: ScoreTile) -> UnsafeMutablePointer<Float> {
        let side = geometry.side, place = tiles.workspace, rowFactors = tileRows.pointer,
            columnFactors = tileColumns.pointer
        if !tiles.isKept(tile.number) {
            makeExponentials(tile, keepingPositives: false, nil, nil)
        }
        let shift = tiles.shift(tile.number).pointee
        let rowExponent = weights.rowExponent.pointer + tile.rows.lowerBound,
            rowWeight = weights.rowWeight.pointer + tile.rows.lowerBound
        let columnExponent = visiting.exponents + tile.columns.lowerBound,
            columnWeight = visiting.weights + tile.columns.lowerBound
        let largest = max(
            couplet_tile_factors(tile.rows.count, shift, rowExponent, rowWeight, rowFactors),
            couplet_tile_factors(tile.columns.count, shift, columnExponent, columnWeight, columnFactors))
        if largest > COUPLET_LARGEST_FACTOR {
            makeScores(tile, into: place, keepingPositives: false)
            couplet_tile_weights_direct(
                tile.rows.count, tile.columns.count, place, side, rowExponent, rowWeight, columnExponent, columnWeight)
        } else {
            couplet_tile_weights(
                tile.rows.count, tile.columns.count, tiles.exponentials(tile.number), side, rowFactors, columnFactors,
                place, side)
        }
        if tile.isDiagonal, diagonal == .positives {
            for i in 0..<tile.rows.count { place[i * side + i] = weights.diagonal.pointer[tile.rows.lowerBound + i] }
        }
        return place
    }
}
