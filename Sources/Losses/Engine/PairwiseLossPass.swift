import CoupletTensors
import Foundation

extension TiledScores {
    /// Computes a pairwise loss in one pass.
    ///
    /// A tile's losses, weights and gradients are computed while it is in the cache.
    /// - Returns: the contribution of each row to the loss, and of each local shard to ∂loss/∂b.
    func pairwisePass(
        _ loss: any PairwiseLoss, batchSize: Int, temperature: Double, bias: Double, gradients: Bool
    ) throws -> (rowLosses: [Double], shardBiasGradients: [Double]) {
        let side = geometry.side, scores = tiles.workspace
        let pairWeight = 1 / Double(batchSize), factor = Float(pairWeight / temperature)
        let unit = Float(log(2.0) as Double), shift = Float(bias)
        var biasGradients = [Double](repeating: 0, count: schedule.localShards),
            rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachTile(accumulating: gradients ? secondGradient : nil) { tile in
            let derivatives = tiles.exponentials(tile.number), shard = tile.rows.lowerBound / geometry.shardRows
            computeScores(tile, into: scores)
            for i in 0..<tile.rows.count {
                let row = UnsafeMutableBufferPointer(start: scores + i * side, count: tile.columns.count)
                let slopes = UnsafeMutableBufferPointer(start: derivatives + i * side, count: tile.columns.count)
                for j in row.indices { row[j] = unit * row[j] + shift }
                var span = slopes.mutableSpan
                let sum = loss.evaluateRow(
                    row.span, positive: tile.isDiagonal ? i : nil, batchSize: batchSize, derivatives: &span)
                rowLosses[tile.rows.lowerBound + i] += pairWeight * sum
                biasGradients[shard] += pairWeight * slopes.reduce(0.0) { $0 + Double($1) }
                for j in slopes.indices { slopes[j] *= factor }
            }
            if gradients { addGradients(tile, derivatives) }
        }
        return (rowLosses, biasGradients)
    }
}
