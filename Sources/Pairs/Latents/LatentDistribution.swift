import CoupletTensors

/// The law of the latent factors of a `LatentSource` (*Identifiability Results for Multimodal Contrastive Learning*, arXiv 2303.09166):
/// c ~ N(0, Σ_c), s = a + B c + ε with ε ~ N(0, Σ_s), s̃_k = s_k + b_k δ_k with δ ~ N(0, Σ_s̃) and b_k = 1 with probability π, else 0,
/// m1 ~ N(0, Σ_m1), m2 ~ N(0, Σ_m2); everything that is not tied to the content here is independent of it.
public struct LatentDistribution: Sendable {
    /// A square root of each covariance: Σ = root · rootᵀ.
    struct Roots: Sendable {
        let content: Matrix, style: Matrix, perturbation: Matrix, firstModality: Matrix, secondModality: Matrix
    }

    let roots: Roots
    /// a, zeros without causal dependence.
    public let styleMean: [Double]
    /// B, style × content, zeros without causal dependence.
    public let styleFromContent: Matrix
    /// π.
    public let styleChange: Double
    /// The largest eigenvalue of each covariance over its smallest, by the name of the covariance's block, s_perturbed for Σ_s̃; those of blocks
    /// without components are left out.
    public let conditionNumbers: [(name: String, value: Double)]

    /// With statistical dependence each Σ is a draw from the Wishart distribution of scale I and as many degrees of freedom as dimensions: `X Xᵀ` for a
    /// square X of standard normal numbers; else I. With causal dependence the entries of a and B are standard normal; else 0.
    /// - Throws: `LinearAlgebraError` where a decomposition does not converge.
    package init(_ specification: LatentSpecification, seed: UInt64) throws {
        let philox = Philox(seed: seed)
        func normals(_ rows: Int, _ columns: Int, _ part: LatentDrawNumber) -> Matrix {
            Matrix(
                rows: rows, columns: columns,
                elements: philox.normals(rows * columns, .source, number: part.rawValue).map(Double.init))
        }
        func root(_ size: Int, _ part: LatentDrawNumber) -> Matrix {
            specification.statisticalDependence ? normals(size, size, part) : .identity(size)
        }
        let (content, style, modality) = (specification.content, specification.style, specification.modality)
        roots = Roots(
            content: root(content, .content), style: root(style, .style), perturbation: root(style, .perturbation),
            firstModality: root(modality, .firstModality), secondModality: root(modality, .secondModality))
        let causal = specification.causalDependence
        styleMean = causal ? normals(style, 1, .styleMean).elements : [Double](repeating: 0, count: style)
        styleFromContent = causal ? normals(style, content, .styleFromContent) : Matrix(rows: style, columns: content)
        styleChange = specification.styleChange
        let named = [
            ("c", roots.content), ("s", roots.style), ("s_perturbed", roots.perturbation), ("m1", roots.firstModality),
            ("m2", roots.secondModality),
        ]
        conditionNumbers = try named.filter { $0.1.rows > 0 }.map { name, root in
            let values = try root.singularValueDecomposition().singularValues,
                ratio = values[0] / values[values.count - 1]
            return (name, ratio * ratio)
        }
    }

    /// Σ_c.
    public var contentCovariance: Matrix { Self.covariance(roots.content) }
    /// Σ_s, of ε.
    public var styleCovariance: Matrix { Self.covariance(roots.style) }
    /// Σ_s̃, of δ before it is masked.
    public var perturbationCovariance: Matrix { Self.covariance(roots.perturbation) }
    /// Σ_m1.
    public var firstModalityCovariance: Matrix { Self.covariance(roots.firstModality) }
    /// Σ_m2.
    public var secondModalityCovariance: Matrix { Self.covariance(roots.secondModality) }

    /// Of c, s, s̃, m1, m2 the R² that the best predictor from the content has, a mean over a block's components; nil for a block without any.
    ///
    /// That of s_k is `Var((B c)_k) / Var(s_k) = (B Σ_c Bᵀ)_kk / ((B Σ_c Bᵀ)_kk + (Σ_s)_kk)`; s̃_k has the variance `π (Σ_s̃)_kk` more. The content
    /// tells itself (1), and nothing of m1 and m2 (0). This is what an encoding that is an invertible function of c alone allows, and no more than that.
    public var contentDetermination: [Double?] {
        let fromContent = (styleFromContent * contentCovariance * styleFromContent.transposed).diagonal
        let own = styleCovariance.diagonal, perturbation = perturbationCovariance.diagonal
        func mean(_ added: Double) -> Double? {
            let values = fromContent.indices.map {
                fromContent[$0] / (fromContent[$0] + own[$0] + added * perturbation[$0])
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
