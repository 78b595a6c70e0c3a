import CCoupletKernels
import Foundation

extension TiledScores {
    /// The one walk of the sigmoid loss: losses, weights and gradients of a sub-tile while it is in the cache.
    /// - Returns: what each row adds to the loss; and for each of this worker's shards its part of ∂ loss/∂ bias.
    func sigmoidPass(batch: Int, temperature: Double, bias: Double, gradients: Bool) throws -> (
        rowLosses: [Double], biases: [Double]
    ) {
        let side = geometry.side, place = tiles.workspace, shift = Float(bias / log(2)), share = 1 / Double(batch)
        var biases = [Double](repeating: 0, count: walk.localShards), rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachSubTile(accumulating: gradients ? secondGradient : nil) { tile in
            makeScores(tile, into: place, keepingPositives: true)
            couplet_tile_sigmoid(
                tile.rows.count, tile.columns.count, place, side, shift, Float(share / temperature), tileRows.pointer,
                tileColumns.pointer)
            let shard = tile.rows.lowerBound / geometry.shardRows
            for i in 0..<tile.rows.count {
                rowLosses[tile.rows.lowerBound + i] += share * Double(tileRows.pointer[i])
                biases[shard] += temperature * Double(tileColumns.pointer[i])
            }
            if tile.isDiagonal {
                for i in 0..<tile.rows.count {
                    let (loss, weight) = Self.positive(
                        Double(statistics.positives.pointer[tile.rows.lowerBound + i]) * log(2) + bias)
                    rowLosses[tile.rows.lowerBound + i] += share * loss
                    biases[shard] += share * weight
                    place[i * side + i] = Float(share / temperature * weight)
                }
            }
            if gradients { addGradients(tile, place) }
        }
        return (rowLosses, biases)
    }

    /// ln(1 + e^-x) and its derivative, -1 / (1 + e^x).
    private static func positive(_ x: Double) -> (loss: Double, derivative: Double) {
        let small = exp(-abs(x))
        return (max(-x, 0) + log1p(small), x > 0 ? -small / (1 + small) : -1 / (1 + small))
    }
}
