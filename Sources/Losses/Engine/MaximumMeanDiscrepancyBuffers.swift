import CoupletTensors

/// What the maximum mean discrepancy keeps beside the engine's other buffers, for a worker's `rows` pairs.
final class MaximumMeanDiscrepancyBuffers {
    /// Σ_i w_ij φ(u_i) of each second encoding, as its block travels: rows × F₁.
    let columnMeans: ExchangeBuffer
    /// Σ_j w'_ij ψ(v_j) of each first encoding: rows × F₂. Then their residuals.
    let rowMeans: Tensor
    let rowCentres: Tensor, columnCentres: Tensor
    /// Room for the softmax weights of one sub-tile, and for its products of features.
    let softmax: Tensor, products: Tensor

    init(rows: Int, side: Int, features: FeatureCounts) {
        columnMeans = ExchangeBuffer(count: rows * features.first)
        rowMeans = Tensor([rows, features.second])
        rowCentres = Tensor([rows])
        columnCentres = Tensor([rows])
        softmax = Tensor([side, side])
        products = Tensor([side, side])
    }
}
