import CCoupletKernels
import CoupletTensors

/// The state of the passes for encodings of at most `COUPLET_SMALL_DIMENSION` numbers, which store no tile
/// (couplet_pairwise_small.h).
final class SmallScores {
    /// The first encodings times log₂e / τ.
    let scaledRows: Tensor
    /// What is subtracted from the products of each row: ½ |g|² log₂e / τ for the quadratic score function, otherwise
    /// 0.
    let rowOffsets: Tensor
    /// The same for each column of the current tile. `-COUPLET_EXCLUDED` behind the last column.
    let columnOffsets: Tensor

    init(rows: Int, dimension: Int, columns: Int) {
        scaledRows = Tensor([rows, dimension])
        rowOffsets = Tensor([rows])
        columnOffsets = Tensor([columns])
    }

    /// Number of floats that an instance allocates.
    static func memory(rows: Int, dimension: Int, columns: Int) -> Int { rows * (dimension + 1) + columns }

    func load(_ first: Tensor, scale: Float, offsets: Tensor?) {
        scaledRows.copy(from: first.reshaped(scaledRows.shape))
        couplet_scale(scaledRows.count, scale, scaledRows.pointer)
        if let offsets { rowOffsets.copy(from: offsets) }
    }
}

extension ScoreFunction {
    /// Whether encodings of d numbers have passes that store no tile.
    func allowsSmallPasses(_ dimension: Int) -> Bool { !usesDifferences && dimension <= COUPLET_SMALL_DIMENSION }
}

extension TiledScores {
    /// Whether a tile's passes store no tile. Their exponentials have the shift 0, so |T| must be bounded.
    func isSmall(_ tile: ScoreTile) -> Bool { small != nil && tile.isBounded }

    /// Computes the sums of exponentials of a tile in `tileRows` and `tileColumns`, and stores its positives.
    /// - Returns: the shift, 0.
    func computeSmallSums(_ tile: ScoreTile) -> Float {
        guard let small else { preconditionFailure("encodings of \(dimension) numbers are not small") }
        var kernelTile = kernelTile(tile, small)
        if let groups, groups.findEntries(tile, counting: true) {
            groups.addSmallMatches(tile, &kernelTile, tileRows.pointer, tileColumns.pointer)
        } else {
            couplet_small_sums(&kernelTile, tileRows.pointer, tileColumns.pointer)
        }
        let pairs = tile.diagonalRows
        if diagonal == .positives, !pairs.isEmpty {
            let row = tile.rows.lowerBound + pairs.lowerBound, column = tile.diagonalColumn(pairs.lowerBound)
            couplet_small_diagonal(
                pairs.count, dimension, small.scaledRows.pointer + row * dimension, small.rowOffsets.pointer + row,
                remote.encodings + (tile.columns.lowerBound + column) * dimension, small.columnOffsets.pointer + column,
                statistics.positives.pointer + row)
        }
        return 0
    }

    /// Adds the contribution of a tile to the gradients of both sets.
    /// - Returns: false if a factor is too large. Then nothing was added, and the weights must be computed from scores.
    func addSmallGradients(_ tile: ScoreTile) -> Bool {
        guard let small else { preconditionFailure("encodings of \(dimension) numbers are not small") }
        guard computeFactors(tile, shift: 0) else { return false }
        var kernelTile = kernelTile(tile, small)
        let (row, n) = (tile.rows.lowerBound, tile.columns.count)
        (tileColumns.pointer + n).update(repeating: 0, count: geometry.stride - n)
        let first = first.pointer + row * dimension, gradient = firstGradient.pointer + row * dimension,
            diagonalWeights = diagonal == .positives ? weights.diagonal.pointer + row : nil
        if let groups, groups.findEntries(tile) {
            var kernelGroups = groups.kernelGroups
            couplet_small_match_gradients(
                &kernelTile, &kernelGroups, first, tileRows.pointer, tileColumns.pointer, diagonalWeights,
                groups.arePositives ? weights.otherPositives.pointer + row : zeros.pointer, gradient,
                rowWeightSums.map { $0.pointer + row }, transposedGradient.pointer)
        } else {
            couplet_small_gradients(
                &kernelTile, first, tileRows.pointer, tileColumns.pointer, diagonalWeights, gradient,
                rowWeightSums.map { $0.pointer + row }, transposedGradient.pointer)
        }
        guard diagonal != .selfPairs else { return true }
        couplet_add_transposed(n, dimension, transposedGradient.pointer, geometry.stride, columnGradient(tile))
        if rowWeightSums != nil {
            couplet_add(n, transposedGradient.pointer + dimension * geometry.stride, columnWeightSums(tile))
        }
        return true
    }

    /// The tile as the kernels take it. Sets the offsets of its columns.
    private func kernelTile(_ tile: ScoreTile, _ small: SmallScores) -> couplet_small_tile {
        let n = tile.columns.count, offsets = small.columnOffsets.pointer
        if scoreFunction == .quadratic { offsets.update(from: remote.squares + tile.columns.lowerBound, count: n) }
        // A tile of another width may have left its end here.
        if scoreFunction == .product { offsets.update(repeating: 0, count: n) }
        (offsets + n).update(repeating: -COUPLET_EXCLUDED, count: geometry.stride - n)
        return couplet_small_tile(
            rows: tile.rows.count, columns: n, stride: geometry.stride, dimension: dimension,
            scaled: small.scaledRows.pointer + tile.rows.lowerBound * dimension,
            row_offsets: small.rowOffsets.pointer + tile.rows.lowerBound, column_offsets: offsets,
            y: columnBlock.transposed, diagonal: tile.diagonalStart ?? 0,
            has_diagonal: diagonal == .allNegatives || tile.diagonalRows.isEmpty ? 0 : 1)
    }
}
