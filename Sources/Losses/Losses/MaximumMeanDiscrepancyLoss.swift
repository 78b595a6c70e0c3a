import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// The maximum mean discrepancy between the learned conditionals and the data (Baptista, Stuart, Tran 2025, arXiv
/// 2505.24134).
///
/// φ_i and ψ_j are the features of the first and second modality's data. R_i and C_j are the log-sum-exps of the rows
/// and columns of the scores S.
///
/// - softmax weights: `w_ij = e^{S_ij - C_j}` and `w'_ij = e^{S_ij - R_i}`
/// - conditional means: `m_j = Σ_i w_ij φ_i` and `m'_i = Σ_j w'_ij ψ_j`
/// - residuals: `r_j = m_j - φ_j` and `r'_i = m'_i - ψ_i`
///
/// The loss and its derivatives are
///
///     loss = (1/N) Σ_j first/2 |r_j|² + (1/N) Σ_i second/2 |r'_i|²
///     ∂loss/∂S_ij = first/N w_ij (⟨φ_i, r_j⟩ - ⟨m_j, r_j⟩) + second/N w'_ij (⟨ψ_j, r'_i⟩ - ⟨m'_i, r'_i⟩)
///
/// The cost is N² F, without an N × N array. A direction of weight 0 costs nothing. The loss fits the moments of the
/// conditionals that the kernels ⟨φ, φ⟩ and ⟨ψ, ψ⟩ on the data see: a linear kernel sees only the means.
public struct MaximumMeanDiscrepancyLoss: Loss {
    public var directions: DirectionWeights
    /// The kernel on the data of both modalities.
    public var kernel: DataKernel

    public init(
        _ directions: DirectionWeights = DirectionWeights(),
        kernel: DataKernel = .gaussian(bandwidth: 1, features: 256)
    ) {
        self.directions = directions
        self.kernel = kernel
    }

    public static let name = "mmd"
    public static let table = ConfigurationTable(
        MaximumMeanDiscrepancyLoss(), help: "Distance of the learned conditionals to the data, by a kernel.",
        [
            .directionWeights(\.directions),
            .key("kernel", \.kernel.name, .choice("kernel"), "Kernel on the data of both modalities."),
            .key(
                "bandwidth", \.kernel.bandwidth, .number(.positive, example: 1), "Length scale of the kernel.",
                hasFourierFeatures),
            .key(
                "features", \.kernel.features, .integer(2...DataKernel.maximumFeatureCount, example: 256),
                "Number of random features, even.", hasFourierFeatures),
            .key(
                "degree", \.kernel.degree, .integer(1...8, example: 2), "Degree of the polynomial.",
                .when(
                    "kernel", { $0.kernel.name == .polynomial },
                    otherwise: { "the \($0.kernel.name.rawValue) kernel has no degree; only polynomial has one" })),
        ],
        complete: { loss, block in
            if loss.kernel.hasFourierFeatures, loss.kernel.features % 2 != 0 {
                block.note(
                    "features",
                    "wanted an even number, because each frequency has a cosine and a sine; "
                        + "found \(loss.kernel.features)")
            }
        })

    private static let hasFourierFeatures = ConfigurationKey<Self>.Condition.when(
        "kernel", { $0.kernel.hasFourierFeatures },
        otherwise: { "the \($0.kernel.name.rawValue) kernel has exact features, as many as it needs" })

    public var title: String { defaultTitle("maximum mean discrepancy") }
    public var weights: DirectionWeights? { directions }
}

extension Loss where Self == MaximumMeanDiscrepancyLoss {
    /// `MaximumMeanDiscrepancyLoss` with the weights of first given second and of second given first.
    public static func maximumMeanDiscrepancy(
        first: Double, second: Double, kernel: DataKernel = .gaussian(bandwidth: 1, features: 256)
    ) -> Self { MaximumMeanDiscrepancyLoss(DirectionWeights(first: first, second: second), kernel: kernel) }
}

/// Number of features of each modality's data, for the maximum mean discrepancy.
public struct FeatureCounts: Equatable, Sendable {
    /// F₁, the columns of φ.
    public let first: Int
    /// F₂, the columns of ψ.
    public let second: Int

    public init(first: Int, second: Int) {
        self.first = first
        self.second = second
    }
}

// MARK: - Softmax and residuals

extension MaximumMeanDiscrepancyLoss {
    /// Computes the exponents and weights of one direction's softmax, weight_i · 2^(T_ij - exponent_i). The softmax
    /// includes the positive.
    fileprivate func computeSoftmax(_ sums: LogSumExp, _ positives: Tensor, exponent: Tensor, weight: Tensor) {
        for i in 0..<positives.count {
            let (shift, negatives, positive) = sums.withPositive(positives, i)
            exponent.pointer[i] = Float(shift)
            weight.pointer[i] = Float(1 / (negatives + positive))
        }
    }

    /// Replaces the means m by weighted residuals (m - φ) · weight / τ, and sets centres to ⟨m, r⟩ weight / τ.
    /// - Parameters:
    ///   - means: rows × F.
    ///   - features: rows × F.
    ///   - weight: the direction's weight over N.
    /// - Returns: weight/2 |r|² of each row.
    fileprivate func computeResiduals(
        means: Tensor, features: Tensor, centres: Tensor, weight: Double, temperature: Double
    ) -> [Double] {
        let width = features.columns, factor = Float(weight / temperature)
        return (0..<features.rows).map { i in
            let m = means.pointer + i * width
            // ⟨m, r⟩ = ⟨r, r⟩ + ⟨φ, r⟩, because r overwrites m.
            couplet_add_scaled(width, -1, features.pointer + i * width, m)
            let square = couplet_squared_norm(width, m)
            centres.pointer[i] = Float(
                (square + couplet_dot(width, m, features.pointer + i * width)) * weight / temperature)
            couplet_scale(width, factor, m)
            return 0.5 * weight * square
        }
    }
}

/// The buffers that the maximum mean discrepancy needs in addition to `TiledScores`, for the `rows` pairs of a worker.
final class MaximumMeanDiscrepancyBuffers {
    /// Conditional means Σ_i w_ij φ(u_i) of each second encoding, rows × F₁, which move with the block; their residuals
    /// after the second pass.
    fileprivate let columnMeans: RingSums
    /// Conditional means Σ_j w'_ij ψ(v_j) of each first encoding, rows × F₂; their residuals after the second pass.
    fileprivate let rowMeans: Tensor
    fileprivate let rowCentres: Tensor, columnCentres: Tensor
    /// The softmax weights of one tile, and its products of features and residuals.
    fileprivate let softmax: Tensor, products: Tensor

    init(rows: Int, largestRows: Int, geometry: TileGeometry, features: FeatureCounts) {
        columnMeans = RingSums(widths: [features.first], columns: rows, largestColumns: largestRows)
        rowMeans = Tensor([rows, features.second])
        rowCentres = Tensor([rows])
        columnCentres = Tensor([rows])
        softmax = Tensor([geometry.count])
        products = Tensor([geometry.count])
    }

    /// The bytes of the buffers.
    /// - Parameters:
    ///   - rows: the most rows of a worker.
    ///   - receives: whether blocks come from other processes.
    static func memory(rows: Int, receives: Bool, geometry: TileGeometry, features: FeatureCounts) -> Int {
        let floats =
            rows * ((receives ? 2 : 1) * features.first + features.second + 2) + 2 * geometry.count
        return MemoryLayout<Float>.stride * floats
    }
}

extension TiledScores {
    /// Computes the loss and its gradients in three passes: softmax sums, conditional means, gradients.
    /// - Parameters:
    ///   - features: φ(u) and ψ(v) of the local pairs.
    /// - Returns: the contribution of each row to the loss.
    func maximumMeanDiscrepancyPasses(
        _ loss: MaximumMeanDiscrepancyLoss, _ buffers: MaximumMeanDiscrepancyBuffers, batchSize: Int,
        features: (first: Tensor, second: Tensor), temperature: Double, gradients: Bool
    ) throws -> [Double] {
        precondition(
            features.first.rows == rows && features.second.rows == rows
                && features.first.count == buffers.columnMeans.field(0).count
                && features.second.count == buffers.rowMeans.count,
            "features \(features.first.shape) and \(features.second.shape)")
        let usesColumns = loss.directions.first != 0, usesRows = loss.directions.second != 0
        try firstPass(rows: usesRows, columns: usesColumns)
        if usesRows {
            loss.computeSoftmax(
                statistics.rows, statistics.positives, exponent: weights.rowExponent, weight: weights.rowWeight)
        }
        if usesColumns {
            loss.computeSoftmax(
                statistics.columns, statistics.positives, exponent: weights.columnExponent, weight: weights.columnWeight
            )
        }
        remote.load(weights)
        remote.load(features: features.second)
        try meansPass(features.first, buffers, rows: usesRows, columns: usesColumns)

        var rowLosses = [Double](repeating: 0, count: rows)
        func addLosses(_ means: Tensor, _ features: Tensor, _ centres: Tensor, _ weight: Double) {
            let losses = loss.computeResiduals(
                means: means, features: features, centres: centres, weight: weight / Double(batchSize),
                temperature: temperature)
            rowLosses = zip(rowLosses, losses).map { $0 + $1 }
        }
        if usesColumns {
            addLosses(buffers.columnMeans.field(0), features.first, buffers.columnCentres, loss.directions.first)
        }
        if usesRows { addLosses(buffers.rowMeans, features.second, buffers.rowCentres, loss.directions.second) }
        if gradients {
            remote.load(residuals: buffers.columnMeans.field(0), centres: buffers.columnCentres)
            clearGradients()
            try forEachTile(accumulating: secondGradient) { tile in
                addGradients(
                    tile, discrepancyWeights(tile, features.first, buffers, rows: usesRows, columns: usesColumns))
            }
        }
        return rowLosses
    }

    /// The second pass: the conditional means of the features.
    private func meansPass(
        _ firstFeatures: Tensor, _ buffers: MaximumMeanDiscrepancyBuffers, rows usesRows: Bool,
        columns usesColumns: Bool
    ) throws {
        let stride = geometry.stride, scores = tiles.workspace, softmax = buffers.softmax.pointer
        let firstWidth = firstFeatures.columns, secondWidth = buffers.rowMeans.columns
        buffers.columnMeans.clear()
        buffers.rowMeans.fill(0)
        try forEachTile(accumulating: usesColumns ? buffers.columnMeans : nil) { tile in
            let (m, n) = (tile.rows.count, tile.columns.count)
            let factor = computeProducts(tile, into: scores)
            if usesColumns {
                columnSoftmax(tile, scores, factor, softmax)
                MatrixProduct.multiply(
                    m: n, n: firstWidth, k: m, softmax, .transposed, stride: stride,
                    firstFeatures.pointer + tile.rows.lowerBound * firstWidth, .asIs, stride: firstWidth,
                    accumulate: true, buffers.columnMeans.pointer(0, column: tile.columns.lowerBound),
                    stride: firstWidth)
            }
            if usesRows {
                rowSoftmax(tile, scores, factor, softmax)
                MatrixProduct.multiply(
                    m: m, n: secondWidth, k: n, softmax, .asIs, stride: stride,
                    remote.secondFeatures + tile.columns.lowerBound * secondWidth, .asIs, stride: secondWidth,
                    accumulate: true, buffers.rowMeans.pointer + tile.rows.lowerBound * secondWidth,
                    stride: secondWidth)
            }
        }
    }

    /// The weights of a tile, ∂loss/∂S / τ. Positives are treated like all other pairs.
    private func discrepancyWeights(
        _ tile: ScoreTile, _ firstFeatures: Tensor, _ buffers: MaximumMeanDiscrepancyBuffers, rows usesRows: Bool,
        columns usesColumns: Bool
    ) -> UnsafeMutablePointer<Float> {
        let stride = geometry.stride, softmax = buffers.softmax.pointer, products = buffers.products.pointer
        let firstWidth = firstFeatures.columns, secondWidth = buffers.rowMeans.columns
        let (m, n) = (tile.rows.count, tile.columns.count)
        let scores = tiles.workspace, result = tiles.current
        let factor = computeProducts(tile, into: scores)
        result.update(repeating: 0, count: m * stride)
        if usesColumns {
            columnSoftmax(tile, scores, factor, softmax)
            MatrixProduct.multiply(
                m: m, n: n, k: firstWidth, firstFeatures.pointer + tile.rows.lowerBound * firstWidth, .asIs,
                stride: firstWidth, remote.residuals + tile.columns.lowerBound * firstWidth, .transposed,
                stride: firstWidth, accumulate: false, products, stride: stride)
            couplet_tile_add_column_centred(
                m, n, softmax, products, stride, remote.centres + tile.columns.lowerBound, result)
        }
        if usesRows {
            rowSoftmax(tile, scores, factor, softmax)
            MatrixProduct.multiply(
                m: m, n: n, k: secondWidth, buffers.rowMeans.pointer + tile.rows.lowerBound * secondWidth, .asIs,
                stride: secondWidth, remote.secondFeatures + tile.columns.lowerBound * secondWidth, .transposed,
                stride: secondWidth, accumulate: false, products, stride: stride)
            couplet_tile_add_row_centred(
                m, n, softmax, products, stride, buffers.rowCentres.pointer + tile.rows.lowerBound, result)
        }
        return result
    }

    private func columnSoftmax(
        _ tile: ScoreTile, _ products: UnsafeMutablePointer<Float>, _ factor: Float,
        _ result: UnsafeMutablePointer<Float>
    ) {
        couplet_tile_column_softmax(
            tile.rows.count, tile.columns.count, products, geometry.stride, factor,
            remote.exponents + tile.columns.lowerBound, remote.weights + tile.columns.lowerBound, result)
    }

    private func rowSoftmax(
        _ tile: ScoreTile, _ products: UnsafeMutablePointer<Float>, _ factor: Float,
        _ result: UnsafeMutablePointer<Float>
    ) {
        couplet_tile_row_softmax(
            tile.rows.count, tile.columns.count, products, geometry.stride, factor,
            weights.rowExponent.pointer + tile.rows.lowerBound, weights.rowWeight.pointer + tile.rows.lowerBound,
            result)
    }
}
