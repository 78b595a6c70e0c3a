import CoupletTensors

/// The distribution of the latent factors of a `LatentSource` (*Identifiability Results for Multimodal Contrastive
/// Learning*, arXiv 2303.09166).
///
/// - Content: c ~ N(0, Σ_c).
/// - Style: s = a + B c + ε with ε ~ N(0, Σ_s).
/// - Perturbed style: s̃_k = s_k + b_k δ_k with δ ~ N(0, Σ_s̃); b_k is 1 with probability π, else 0.
/// - Modality-specific factors: m1 ~ N(0, Σ_m1) and m2 ~ N(0, Σ_m2).
///
/// c, ε, δ, b, m1 and m2 are independent.
public struct LatentDistribution: Sendable {
    /// A square root of each covariance: Σ = root · rootᵀ.
    struct Roots: Sendable {
        let content: Matrix, style: Matrix, perturbation: Matrix, firstModality: Matrix, secondModality: Matrix
    }

    let roots: Roots
    /// a; zeros without causal dependence.
    public let styleMean: [Double]
    /// B, style × content; zeros without causal dependence.
    public let styleFromContent: Matrix
    /// π.
    public let styleChange: Double
    /// Largest over smallest eigenvalue of each covariance, by the name of its block; s_perturbed stands for Σ_s̃.
    /// Blocks without components are left out.
    public let conditionNumbers: [(name: String, value: Double)]

    /// Draws the parameters.
    ///
    /// With statistical dependence each Σ is a draw from the Wishart distribution with scale I and as many degrees of
    /// freedom as dimensions: `X Xᵀ` for a square X of standard normal numbers. Otherwise Σ = I. With causal dependence
    /// the entries of a and B are standard normal, otherwise 0.
    /// - Throws: `LinearAlgebraError` if a decomposition does not converge.
    package init(_ specification: LatentSpecification, seed: UInt64) throws {
        let philox = Philox(seed: seed)
        func normals(_ rows: Int, _ columns: Int, _ number: LatentDrawNumber) -> Matrix {
            let values = philox.normals(rows * columns, .source, number: number.rawValue)
            return Matrix(rows: rows, columns: columns, elements: values.map(Double.init))
        }
        func root(_ size: Int, _ number: LatentDrawNumber) -> Matrix {
            specification.statisticalDependence ? normals(size, size, number) : .identity(size)
        }
        let (content, style, modality) = (specification.content, specification.style, specification.modality)
        roots = Roots(
            content: root(content, .content), style: root(style, .style), perturbation: root(style, .perturbation),
            firstModality: root(modality, .firstModality), secondModality: root(modality, .secondModality))
        let causal = specification.causalDependence
        styleMean = causal ? normals(style, 1, .styleMean).elements : [Double](repeating: 0, count: style)
        styleFromContent =
            causal ? normals(style, content, .styleFromContent) : Matrix(rows: style, columns: content)
        styleChange = specification.styleChange
        let named = [
            ("c", roots.content), ("s", roots.style), ("s_perturbed", roots.perturbation),
            ("m1", roots.firstModality), ("m2", roots.secondModality),
        ]
        conditionNumbers = try named.filter { $0.1.rows > 0 }.map { name, root in
            let values = try root.singularValueDecomposition().singularValues
            let ratio = values[0] / values[values.count - 1]
            return (name, ratio * ratio)
        }
    }

    /// Σ_c.
    public var contentCovariance: Matrix { Self.covariance(roots.content) }
    /// Σ_s, the covariance of ε.
    public var styleCovariance: Matrix { Self.covariance(roots.style) }
    /// Σ_s̃, the covariance of δ.
    public var perturbationCovariance: Matrix { Self.covariance(roots.perturbation) }
    /// Σ_m1.
    public var firstModalityCovariance: Matrix { Self.covariance(roots.firstModality) }
    /// Σ_m2.
    public var secondModalityCovariance: Matrix { Self.covariance(roots.secondModality) }

    /// R² of the best predictor of c, s, s̃, m1, m2 from the content, averaged over a block's components; nil for an
    /// empty block.
    ///
    /// R² of s_k is `Var((B c)_k) / Var(s_k) = (B Σ_c Bᵀ)_kk / ((B Σ_c Bᵀ)_kk + (Σ_s)_kk)`. For s̃_k the denominator
    /// has the additional term `π (Σ_s̃)_kk`. R² is 1 for c, and 0 for m1 and m2. An encoding that is an invertible
    /// function of c alone reaches exactly these values.
    public var contentDetermination: [Double?] {
        let fromContent = (styleFromContent * contentCovariance * styleFromContent.transposed).diagonal
        let residual = styleCovariance.diagonal, perturbation = perturbationCovariance.diagonal
        func mean(_ changeProbability: Double) -> Double? {
            let values = fromContent.indices.map {
                fromContent[$0] / (fromContent[$0] + residual[$0] + changeProbability * perturbation[$0])
            }
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        return [
            1, mean(0), mean(styleChange), roots.firstModality.rows > 0 ? 0 : nil,
            roots.secondModality.rows > 0 ? 0 : nil,
        ]
    }

    private static func covariance(_ root: Matrix) -> Matrix { root * root.transposed }
}

/// Draw numbers, in `RandomStream.source`, of the parameters of a `LatentSource`. If a number changes, every seed gives
/// other data.
enum LatentDrawNumber: UInt64 {
    case content = 0, style, perturbation, firstModality, secondModality, styleMean, styleFromContent

    /// The number of one candidate matrix of a mixing.
    static func matrix(_ draw: Int) -> UInt64 { 1 << 32 + UInt64(draw) }
}
