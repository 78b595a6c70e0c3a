import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// `(1/N) Σ_ij ln(1 + e^{-z_ij (S_ij + b)})`, z_ij = 1 for i = j and -1 otherwise
/// (Zhai et al., *Sigmoid Loss for Language Image Pre-Training*, ICCV 2023).
///
/// Where the pairs of a group are positives, z_ij = 1 for all pairs (i, j) of one group; where they are excluded, the
/// sum leaves them out.
///
/// Each pair is one binary classification, so S + b fits log ρ/(μ ν) up to log(N - 1). The loss needs no sums over
/// rows.
public struct SigmoidLoss: Loss {
    /// b.
    public var scoreBias: BiasSpecification

    public init(bias: BiasSpecification = BiasSpecification()) { scoreBias = bias }

    public static let name = "sigmoid"
    public static let table = ConfigurationTable(
        SigmoidLoss(), help: "One binary classification for each pair of encodings.",
        [.key("bias", \.scoreBias, .bias, "Bias that is added to every score.")])

    public var bias: BiasSpecification? { scoreBias }
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }
}

extension Loss where Self == SigmoidLoss {
    /// `SigmoidLoss` with a learned bias.
    public static var sigmoid: Self { SigmoidLoss() }

    /// `SigmoidLoss` with this bias.
    public static func sigmoid(bias: BiasSpecification) -> Self { SigmoidLoss(bias: bias) }
}

// MARK: - Pass

extension TiledScores {
    /// Computes the sigmoid loss in one pass.
    ///
    /// A tile's losses, weights and gradients are computed while it is in the cache.
    /// - Returns: the contribution of each row to the loss, and of each local shard to ∂loss/∂b.
    func sigmoidPass(
        batchSize: Int, temperature: Double, bias: Double, gradients: Bool
    ) throws -> (rowLosses: [Double], shardBiasGradients: [Double]) {
        let stride = geometry.stride, tileWeights = tiles.workspace, shift = Float(bias / log(2)),
            pairWeight = 1 / Double(batchSize)
        var biasGradients = [Double](repeating: 0, count: schedule.localShards.count),
            rowLosses = [Double](repeating: 0, count: rows)
        if gradients { clearGradients() }
        try forEachTile(accumulating: gradients ? secondGradient : nil) { tile in
            let factor = computeNegativeProducts(tile, into: tileWeights, storingPositives: true)
            if let groups, groups.arePositives, groups.find(tile) {
                couplet_tile_sigmoid_matches(
                    tile.rows.count, tile.columns.count, tileWeights, stride, factor, shift,
                    Float(pairWeight / temperature), groups.tileRows, groups.tileColumns, tileRows.pointer,
                    tileColumns.pointer)
            } else {
                couplet_tile_sigmoid(
                    tile.rows.count, tile.columns.count, tileWeights, stride, factor, shift,
                    Float(pairWeight / temperature), tileRows.pointer, tileColumns.pointer)
            }
            let shard = tile.rows.lowerBound / geometry.shardRows
            for i in 0..<tile.rows.count {
                rowLosses[tile.rows.lowerBound + i] += pairWeight * Double(tileRows.pointer[i])
                biasGradients[shard] += temperature * Double(tileColumns.pointer[i])
            }
            for i in tile.diagonalRows {
                let score = Double(statistics.positives.pointer[tile.rows.lowerBound + i]) * log(2) + bias
                let (loss, derivative) = Self.positiveLoss(score)
                rowLosses[tile.rows.lowerBound + i] += pairWeight * loss
                biasGradients[shard] += pairWeight * derivative
                tileWeights[i * stride + tile.diagonalColumn(i)] = Float(pairWeight / temperature * derivative)
            }
            if gradients { addGradients(tile, tileWeights) }
        }
        return (rowLosses, biasGradients)
    }

    /// ln(1 + e^-x) and its derivative, -1 / (1 + e^x).
    private static func positiveLoss(_ x: Double) -> (loss: Double, derivative: Double) {
        let small = exp(-abs(x))
        return (max(-x, 0) + log1p(small), x > 0 ? -small / (1 + small) : -1 / (1 + small))
    }
}
