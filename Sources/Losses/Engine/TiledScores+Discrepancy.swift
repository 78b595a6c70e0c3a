import CCoupletKernels
import CoupletTensors

extension TiledScores {
    /// The three walks of the maximum mean discrepancy. With softmax weights w over columns and w' over rows, φ and ψ the features of the first and
    /// second side's data, residuals `r_j = Σ_i w_ij φ_i - φ_j` and `r'_i = Σ_j w'_ij ψ_j - ψ_i`:
    ///
    ///     loss = (1/N) Σ_j first/2 |r_j|² + (1/N) Σ_i second/2 |r'_i|²
    ///     ∂loss/∂S_ij = first/N w_ij (⟨φ_i, r_j⟩ - ⟨m_j, r_j⟩) + second/N w'_ij (⟨ψ_j, r'_i⟩ - ⟨m'_i, r'_i⟩)
    ///
    /// as in attention: no N × N array, and a cost of N² F. A side whose weight is 0 costs nothing.
    /// - Returns: what each row adds to the loss.
    func discrepancyPasses(
        _ rule: MaximumMeanDiscrepancyLoss, _ buffers: MaximumMeanDiscrepancyBuffers, batch: Int, second: Tensor,
        features: (first: Tensor, second: Tensor),
        temperature: Double, gradients: Bool
    ) throws -> [Double] {
        precondition(
            features.first.rows == rows && features.second.rows == rows
                && features.first.count == buffers.columnMeans.current.count
                && features.second.count == buffers.rowMeans.count,
            "features \(features.first.shape) and \(features.second.shape)")
        let usesColumns = rule.first != 0, usesRows = rule.second != 0
        try firstPass(rows: usesRows, columns: usesColumns)
        if usesRows {
            rule.setSoftmax(
                statistics.rows, statistics.positives, exponent: weights.rowExponent, weight: weights.rowWeight)
        }
        if usesColumns {
            rule.setSoftmax(
                statistics.columns, statistics.positives, exponent: weights.columnExponent, weight: weights.columnWeight
            )
        }
        visiting.load(second, squareFactor: nil, weights: weights)
        visiting.load(features: features.second, residuals: nil, centres: nil)
        try meansPass(features.first, buffers, rows: usesRows, columns: usesColumns)

        var rowLosses = [Double](repeating: 0, count: rows)
        func finish(_ means: Tensor, _ features: Tensor, _ centres: Tensor, _ weight: Double) {
            let side = rule.finishSide(
                means: means, features: features, centres: centres, share: weight / Double(batch),
                temperature: temperature)
            rowLosses = zip(rowLosses, side).map { $0 + $1 }
        }
        if usesColumns { finish(buffers.columnMeans.current, features.first, buffers.columnCentres, rule.first) }
        if usesRows { finish(buffers.rowMeans, features.second, buffers.rowCentres, rule.second) }
        if gradients {
            visiting.load(second, squareFactor: nil, weights: weights)
            visiting.load(
                features: features.second, residuals: buffers.columnMeans.current, centres: buffers.columnCentres)
            clearGradients()
            try forEachSubTile(accumulating: secondGradient) { tile in
                addGradients(
                    tile, discrepancyWeights(tile, features.first, buffers, rows: usesRows, columns: usesColumns))
            }
        }
        return rowLosses
    }

    /// The second walk: conditional means of the features.
    private func meansPass(
        _ firstFeatures: Tensor, _ buffers: MaximumMeanDiscrepancyBuffers, rows usesRows: Bool,
        columns usesColumns: Bool
    ) throws {
        let side = geometry.side, scores = tiles.workspace, softmax = buffers.softmax.pointer
        let firstWidth = firstFeatures.columns, secondWidth = buffers.rowMeans.columns
        buffers.columnMeans.current.fill(0)
        buffers.rowMeans.fill(0)
        try forEachSubTile(accumulating: usesColumns ? buffers.columnMeans : nil) { tile in
            let (m, n) = (tile.rows.count, tile.columns.count)
            makeAllScores(tile, into: scores)
            if usesColumns {
                columnSoftmax(tile, scores, softmax)
                MatrixProduct.multiply(
                    m: n, n: firstWidth, k: m, alpha: 1, softmax, .transposed, stride: side,
                    firstFeatures.pointer + tile.rows.lowerBound * firstWidth, .asIs, stride: firstWidth, beta: 1,
                    buffers.columnMeans.current.pointer + tile.columns.lowerBound * firstWidth, stride: firstWidth)
            }
            if usesRows {
                rowSoftmax(tile, scores, softmax)
                MatrixProduct.multiply(
                    m: m, n: secondWidth, k: n, alpha: 1, softmax, .asIs, stride: side,
                    visiting.secondFeatures + tile.columns.lowerBound * secondWidth, .asIs, stride: secondWidth,
                    beta: 1,
                    buffers.rowMeans.pointer + tile.rows.lowerBound * secondWidth, stride: secondWidth)
            }
        }
    }

    /// The weights of a sub-tile, ∂loss/∂S / τ, in place of its scores; positives are pairs like all others.
    private func discrepancyWeights(
        _ tile: ScoreTile, _ firstFeatures: Tensor, _ buffers: MaximumMeanDiscrepancyBuffers, rows usesRows: Bool,
        columns usesColumns: Bool
    ) -> UnsafeMutablePointer<Float> {
        let side = geometry.side, softmax = buffers.softmax.pointer, products = buffers.products.pointer
        let firstWidth = firstFeatures.columns, secondWidth = buffers.rowMeans.columns,
            (m, n) = (tile.rows.count, tile.columns.count)
        let scores = tiles.workspace, result = tiles.exponentials(tile.number)
        makeAllScores(tile, into: scores)
        result.update(repeating: 0, count: side * side)
        if usesColumns {
            columnSoftmax(tile, scores, softmax)
            MatrixProduct.multiply(
                m: m, n: n, k: firstWidth, alpha: 1, firstFeatures.pointer + tile.rows.lowerBound * firstWidth, .asIs,
                stride: firstWidth,
                visiting.residuals + tile.columns.lowerBound * firstWidth, .transposed, stride: firstWidth, beta: 0,
                products, stride: side)
            couplet_tile_add_column_centred(
                m, n, softmax, products, side, visiting.centres + tile.columns.lowerBound, result)
        }
        if usesRows {
            rowSoftmax(tile, scores, softmax)
            MatrixProduct.multiply(
                m: m, n: n, k: secondWidth, alpha: 1, buffers.rowMeans.pointer + tile.rows.lowerBound * secondWidth,
                .asIs,
                stride: secondWidth, visiting.secondFeatures + tile.columns.lowerBound * secondWidth, .transposed,
                stride: secondWidth,
                beta: 0, products, stride: side)
            couplet_tile_add_row_centred(
                m, n, softmax, products, side, buffers.rowCentres.pointer + tile.rows.lowerBound, result)
        }
        return result
    }

    private func columnSoftmax(
        _ tile: ScoreTile, _ scores: UnsafeMutablePointer<Float>, _ out: UnsafeMutablePointer<Float>
    ) {
        couplet_tile_column_softmax(
            tile.rows.count, tile.columns.count, scores, geometry.side, visiting.exponents + tile.columns.lowerBound,
            visiting.weights + tile.columns.lowerBound, out)
    }

    private func rowSoftmax(
        _ tile: ScoreTile, _ scores: UnsafeMutablePointer<Float>, _ out: UnsafeMutablePointer<Float>
    ) {
        couplet_tile_row_softmax(
            tile.rows.count, tile.columns.count, scores, geometry.side,
            weights.rowExponent.pointer + tile.rows.lowerBound,
            weights.rowWeight.pointer + tile.rows.lowerBound, out)
    }
}
