import CCoupletKernels
import CoupletTensors
import Foundation

/// The bias b that the sigmoid loss adds to every score: fixed or learned.
public struct BiasSpecification: Equatable, Sendable {
    /// b before the first step. The default of the initializer classifies every pair as negative at first (Zhai et al.,
    /// *Sigmoid Loss for Language Image Pre-Training*, ICCV 2023).
    public var initial: Double
    /// Whether training updates b.
    public var learned: Bool

    public init(initial: Double = -10, learned: Bool = true) {
        self.initial = initial
        self.learned = learned
    }
}

extension TiledScores {
    /// Computes the sigmoid loss in one pass: `(1/N) Σ_ij ln(1 + e^{-z_ij (S_ij + b)})`, z_ij = 1 for i = j and -1
    /// otherwise (Zhai et al., ICCV 2023).
    ///
    /// A tile's losses, weights and gradients are computed while it is in the cache.
    /// - Returns: the contribution of each row to the loss, and of each local shard to ∂loss/∂b.
    func sigmoidPass(
        batchSize: Int, temperature: Double, bias: Double, gradients: Bool
    ) throws -> (rowLosses: [Double], shardBiasGradients: [Double]) {
        let side = geometry.side, scores = tiles.workspace, shift = Float(bias / log(2)),
            pairWeight = 1 / Double(batchSize)
        var biasGradients = [Double](repeating: 0, count: schedule.localShards),
            rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachTile(accumulating: gradients ? secondGradient : nil) { tile in
            computeNegativeScores(tile, into: scores, storingPositives: true)
            couplet_tile_sigmoid(
                tile.rows.count, tile.columns.count, scores, side, shift, Float(pairWeight / temperature),
                tileRows.pointer, tileColumns.pointer)
            let shard = tile.rows.lowerBound / geometry.shardRows
            for i in 0..<tile.rows.count {
                rowLosses[tile.rows.lowerBound + i] += pairWeight * Double(tileRows.pointer[i])
                biasGradients[shard] += temperature * Double(tileColumns.pointer[i])
            }
            if tile.isDiagonal {
                for i in 0..<tile.rows.count {
                    let score = Double(statistics.positives.pointer[tile.rows.lowerBound + i]) * log(2) + bias
                    let (loss, derivative) = Self.positiveLoss(score)
                    rowLosses[tile.rows.lowerBound + i] += pairWeight * loss
                    biasGradients[shard] += pairWeight * derivative
                    scores[i * side + i] = Float(pairWeight / temperature * derivative)
                }
            }
            if gradients { addGradients(tile, scores) }
        }
        return (rowLosses, biasGradients)
    }

    /// ln(1 + e^-x) and its derivative, -1 / (1 + e^x).
    private static func positiveLoss(_ x: Double) -> (loss: Double, derivative: Double) {
        let small = exp(-abs(x))
        return (max(-x, 0) + log1p(small), x > 0 ? -small / (1 + small) : -1 / (1 + small))
    }
}
