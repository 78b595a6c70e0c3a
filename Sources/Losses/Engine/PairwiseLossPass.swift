import CoupletTensors

extension TiledScores {
    /// Computes a pairwise loss in one pass.
    ///
    /// A tile's losses, weights and gradients are computed while it is in the cache.
    /// - Returns: the contribution of each row to the loss, and of each local shard to ∂loss/∂b.
    func pairwisePass(
        _ loss: any PairwiseLoss, batchSize: Int, temperature: Double, bias: Double, gradients: Bool
    ) throws -> (rowLosses: [Double], shardBiasGradients: [Double]) {
        let stride = geometry.stride, scores = tiles.workspace, derivatives = tiles.current
        let pairWeight = 1 / Double(batchSize), factor = Float(pairWeight / temperature), shift = Float(bias)
        var biasGradients = [Double](repeating: 0, count: schedule.localShards),
            rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachTile(accumulating: gradients ? secondGradient : nil) { tile in
            let shard = tile.rows.lowerBound / geometry.shardRows, pairs = tile.diagonalRows
            let unit = Float(Double(computeProducts(tile, into: scores)) * log(2))
            for i in 0..<tile.rows.count {
                let row = UnsafeMutableBufferPointer(start: scores + i * stride, count: tile.columns.count)
                let slopes = UnsafeMutableBufferPointer(start: derivatives + i * stride, count: tile.columns.count)
                for j in row.indices { row[j] = unit * row[j] + shift }
                var span = slopes.mutableSpan
                let sum = loss.evaluateRow(
                    row.span, positive: pairs.contains(i) ? tile.diagonalColumn(i) : nil, batchSize: batchSize,
                    derivatives: &span)
                rowLosses[tile.rows.lowerBound + i] += pairWeight * sum
                biasGradients[shard] += pairWeight * slopes.reduce(0.0) { $0 + Double($1) }
                for j in slopes.indices { slopes[j] *= factor }
            }
            if gradients { addGradients(tile, derivatives) }
        }
        return (rowLosses, biasGradients)
    }
}
