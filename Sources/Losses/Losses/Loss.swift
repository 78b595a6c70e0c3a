/// What is minimised over a batch of N pairs with scores S_ij = κ(g(u_i), h(v_j)) / τ (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// `first` weighs first given second (a softmax over the first modality: columns), `second` second given first.
public enum Loss: Equatable, Sendable {
    /// (1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)], c and r the log-sum-exps of columns and rows. Fits the two conditionals of the
    /// tilted coupling ρ ∝ e^S μ ν; with ½, ½ it is the InfoNCE of CLIP, with (1, 0) or (0, 1) it fits one conditional alone. The first choice.
    case conditional(first: Double, second: Double)
    /// LSE_ij(S) - log N² - (1/N) Σ_i S_ii. Fits the coupling ρ as a whole, its marginals with it: for a question about pairs, not about
    /// one modality given the other.
    case joint
    /// LSE_{i≠j}(S) - log N(N-1) - (1/N) Σ_i S_ii: `joint` without the positives in the sum, which makes the estimate of log E_μν e^S unbiased inside the
    /// logarithm. The same minimiser with infinite data; the better one where batches are small.
    case jointOffDiagonal
    /// `conditional` with the positive left out of r and c (Yeh et al., *Decoupled Contrastive Learning*, ECCV 2022). The same conditionals with
    /// infinite data; gradients do not fade where a batch is told apart easily, so it suits small batches.
    case decoupled(first: Double, second: Double)
    /// (1/N) Σ_ij ln(1 + e^{-z_ij (S_ij + b)}), z_ij = 1 for i = j and -1 elsewhere (Zhai et al., *Sigmoid Loss for Language Image Pre-Training*, ICCV
    /// 2023): each pair on its own is told from all others, so S + b fits log ρ/(μ ν) itself, up to the log of N - 1. No sums over rows.
    case sigmoid
    /// (1/N) Σ_j first/2 |Σ_i w_ij φ(u_i) - φ(u_j)|² + second/2 |Σ_i w'_ji ψ(v_i) - ψ(v_j)|², w the softmax over columns, w' over rows: the maximum mean
    /// discrepancy between learned conditionals and data, for kernels ⟨φ, φ⟩ and ⟨ψ, ψ⟩ of the data. Fits those moments of the conditionals
    /// that the kernel sees: a linear one their means alone.
    case maximumMeanDiscrepancy(first: Double, second: Double)
    /// ½ Σ over both directions of (1/N) Σ_i [P_i/τ + ln (1/(N+1)) (Σ_j e^{-D_ij/τ} + e^{-P_i/τ})], P_i the distance of a pair's encodings and D_ij that of
    /// anchor i to encoding j of a second, independent batch of the anchor's *own* modality: pairs attract each other, each modality spreads by itself
    /// (Daunhawer et al., *Identifiability Results for Multimodal Contrastive Learning*, ICLR 2023). For encodings that are not normalised; its
    /// minimisers block-identify the content that both views share. With negatives of the other modality: P_i/τ + ln (1/N) Σ_j e^{-D_ij/τ}, D_ij between
    /// the modalities of one batch, the positive among them.
    case lpSimCLR(distance: LpDistance, negatives: Negatives)
    /// (1/2N) Σ over all 2N encodings z of both modalities of [LSE_{z' ≠ z} S(z, z') - S(z, its pair)]: every other encoding, of either modality, is a
    /// negative (SimCLR's NT-Xent, Chen et al., ICML 2020, as Daunhawer et al., ICLR 2023 use it for images and texts).
    case ntXent

    /// Where the negatives of `lpSimCLR` are from.
    public enum Negatives: String, CaseIterable, Sendable {
        /// A second, independent batch of the anchor's modality.
        case sameModality = "same_modality"
        /// The same batch's other modality.
        case otherModality = "other_modality"
    }

    /// How many times all pairs of two sets meet.
    public var scoreMatrixCount: Int {
        switch self {
        case .lpSimCLR(_, .sameModality): 2
        case .ntXent: 3
        default: 1
        }
    }

    /// How many batches a step encodes.
    public var batchCount: Int { usesSecondBatch ? 2 : 1 }

    /// Whether a step takes a second batch, of which both modalities are encoded.
    public var usesSecondBatch: Bool {
        if case .lpSimCLR(_, .sameModality) = self { true } else { false }
    }

    /// Whether the scores are shifted by a bias before they are judged.
    public var usesBias: Bool { self == .sigmoid }

    /// The weights of first given second and second given first, where the loss has such.
    public var weights: (first: Double, second: Double)? {
        switch self {
        case .conditional(let first, let second), .decoupled(let first, let second),
            .maximumMeanDiscrepancy(let first, let second):
            (first, second)
        case .joint, .jointOffDiagonal, .sigmoid, .lpSimCLR, .ntXent: nil
        }
    }
}
