import CCoupletKernels
import CoupletCommunication
import CoupletTensors
import Foundation

/// A contrastive loss over a batch of N pairs with the scores S_ij = κ(g(u_i), h(v_j)) / τ
/// (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// r_i = log Σ_j e^{S_ij} and c_j = log Σ_i e^{S_ij} are the log-sum-exps of the rows and columns. The weight `first`
/// belongs to first given second (a softmax over the first modality: c), the weight `second` to second given first (r).
public enum Loss: Equatable, Sendable {
    /// (1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)].
    ///
    /// Fits the two conditionals of the tilted coupling ρ ∝ e^S μ ν. With (½, ½) it is CLIP's InfoNCE; with (1, 0) or
    /// (0, 1) it fits one conditional only. The default choice.
    case conditional(first: Double, second: Double)
    /// LSE_ij(S) - log N² - (1/N) Σ_i S_ii.
    ///
    /// Fits the whole coupling ρ, including its marginals: for questions about pairs, not about one modality given the
    /// other.
    case joint
    /// LSE_{i≠j}(S) - log N(N-1) - (1/N) Σ_i S_ii: `joint` without the positives in the sum.
    ///
    /// This makes the estimate of E_μν e^S inside the logarithm unbiased. The minimiser is the same with infinite data;
    /// it is the better choice for small batches.
    case jointOffDiagonal
    /// `conditional` with the positive excluded from r and c (Yeh et al., *Decoupled Contrastive Learning*, ECCV 2022).
    ///
    /// Fits the same conditionals with infinite data. Its gradients do not vanish when a batch is easy to classify, so
    /// it suits small batches.
    case decoupled(first: Double, second: Double)
    /// (1/N) Σ_ij ln(1 + e^{-z_ij (S_ij + b)}), z_ij = 1 for i = j and -1 otherwise
    /// (Zhai et al., *Sigmoid Loss for Language Image Pre-Training*, ICCV 2023).
    ///
    /// Each pair is one binary classification, so S + b fits log ρ/(μ ν) up to log(N - 1). The loss needs no sums over
    /// rows.
    case sigmoid
    /// (1/N) Σ_j [first/2 |Σ_i w_ij φ(u_i) - φ(u_j)|² + second/2 |Σ_i w'_ji ψ(v_i) - ψ(v_j)|²], w_ij = e^{S_ij - c_j}
    /// and w'_ij = e^{S_ij - r_i}.
    ///
    /// The maximum mean discrepancy between the learned conditionals and the data, for the data kernels ⟨φ, φ⟩ and ⟨ψ,
    /// ψ⟩. It fits the moments of the conditionals that the kernel sees: a linear kernel sees only the means.
    case maximumMeanDiscrepancy(first: Double, second: Double)
    /// ½ Σ over both directions of (1/N) Σ_i [P_i/τ + ln (1/(N+1)) (Σ_j e^{-D_ij/τ} + e^{-P_i/τ})].
    ///
    /// P_i is the distance between the two encodings of pair i. D_ij is the distance of anchor i to encoding j of a
    /// second, independent batch of the anchor's *own* modality. The loss pulls the encodings of a pair together and
    /// spreads the encodings of each modality apart (Daunhawer et al., *Identifiability Results for Multimodal
    /// Contrastive Learning*, ICLR 2023). It is meant for encodings that are not normalised. Its minimisers
    /// block-identify the content that both views share.
    ///
    /// With negatives of the other modality the term of an anchor is P_i/τ + ln (1/N) Σ_j e^{-D_ij/τ}, where D_ij is
    /// the distance between the modalities of one batch and the sum includes the positive.
    case lpSimCLR(distance: LpDistance, negatives: Negatives)
    /// (1/2N) Σ over all 2N encodings z of both modalities of [LSE_{z' ≠ z} S(z, z') - S(z, its pair)].
    ///
    /// Every other encoding of either modality is a negative (SimCLR's NT-Xent, Chen et al., ICML 2020; Daunhawer et
    /// al., ICLR 2023 use it for images and texts).
    case ntXent

    /// The source of the negatives of `lpSimCLR`.
    public enum Negatives: String, CaseIterable, Sendable {
        /// A second, independent batch of the anchor's modality.
        case sameModality = "same_modality"
        /// The other modality of the same batch.
        case otherModality = "other_modality"
    }

    /// Number of B × B score matrices that the loss needs.
    public var scoreMatrixCount: Int {
        switch self {
        case .lpSimCLR(_, .sameModality): 2
        case .ntXent: 3
        default: 1
        }
    }

    /// Number of batches that a step encodes.
    public var batchCount: Int { usesSecondBatch ? 2 : 1 }

    /// Whether a step takes a second batch and encodes both its modalities.
    public var usesSecondBatch: Bool {
        if case .lpSimCLR(_, .sameModality) = self { true } else { false }
    }

    /// Whether the loss adds a bias to every score.
    public var usesBias: Bool { self == .sigmoid }

    /// The weights of first given second and of second given first; nil for a loss without such weights.
    public var weights: (first: Double, second: Double)? {
        switch self {
        case .conditional(let first, let second), .decoupled(let first, let second),
            .maximumMeanDiscrepancy(let first, let second):
            (first, second)
        case .joint, .jointOffDiagonal, .sigmoid, .lpSimCLR, .ntXent: nil
        }
    }
}

// MARK: - How the engine computes a loss

extension Loss {
    /// The passes over the scores by which `PairwiseEngine` computes a loss and its gradients.
    enum Algorithm {
        /// Pass 1 sums exponentials; pass 2 applies weights of the form of `SoftmaxWeights`.
        case softmax(any SoftmaxLoss)
        /// One pass; each score contributes independently of the others.
        case sigmoid
        /// Three passes: sums of exponentials, conditional means of the features, weights.
        case maximumMeanDiscrepancy(MaximumMeanDiscrepancyLoss)
        /// Softmax passes of each modality against its own second batch, and the distances of the pairs.
        case lpSimCLR(LpDistance)
        /// Softmax passes of the modalities against each other and of each modality against itself.
        case ntXent
    }

    var algorithm: Algorithm {
        switch self {
        case .conditional(let first, let second):
            .softmax(ConditionalLoss(first: first, second: second, excludesPositive: false))
        case .decoupled(let first, let second):
            .softmax(ConditionalLoss(first: first, second: second, excludesPositive: true))
        case .joint: .softmax(JointLoss(excludesPositives: false))
        case .jointOffDiagonal: .softmax(JointLoss(excludesPositives: true))
        case .sigmoid: .sigmoid
        case .maximumMeanDiscrepancy(let first, let second):
            .maximumMeanDiscrepancy(MaximumMeanDiscrepancyLoss(first: first, second: second))
        case .lpSimCLR(let distance, .sameModality): .lpSimCLR(distance)
        case .lpSimCLR(_, .otherModality):
            .softmax(ConditionalLoss(first: 0.5, second: 0.5, excludesPositive: false, isLogMean: true))
        case .ntXent: .ntXent
        }
    }

    /// The function that scores a pair of encodings. A loss with a distance of its own ignores the similarity.
    func scoreFunction(_ similarity: Similarity) -> ScoreFunction {
        switch self {
        case .lpSimCLR(let distance, _): distance.scoreFunction
        default: similarity == .quadratic ? .quadratic : .product
        }
    }

    /// The divisor that turns values of `scoreFunction` into the scores of this loss at temperature τ.
    package func scoreTemperature(_ temperature: Double) -> Double {
        if case .lpSimCLR(let distance, _) = self { distance.scoreTemperature(temperature) } else { temperature }
    }
}

/// A loss that depends on the scores through their row and column log-sum-exps, so that its gradient has the form of
/// `SoftmaxWeights`.
protocol SoftmaxLoss: Sendable {
    /// Whether the loss needs the row sums Σ_j e^{S_ij}.
    var needsRowSums: Bool { get }
    /// Whether the loss needs the column sums Σ_i e^{S_ij}.
    var needsColumnSums: Bool { get }

    /// Computes the loss and the weights of this worker's rows and columns.
    /// - Parameters:
    ///   - batchSize: B, over all workers.
    ///   - shardRows: B / S.
    ///   - temperature: the divisor of the score function.
    ///   - weights: receives the weights.
    /// - Returns: the contribution of each local shard to the loss (a sum in Double, in row order), and a constant that
    ///   is added once.
    func evaluate(
        _ statistics: SoftmaxStatistics, batchSize: Int, shardRows: Int, temperature: Double,
        communicator: any Communicator, weights: SoftmaxWeights
    ) throws -> (shardLosses: [Double], constant: Double)

    /// The loss of each local pair; the mean over the batch is the loss. Every worker must call it.
    func pairLosses(
        _ statistics: SoftmaxStatistics, batchSize: Int, shardRows: Int, communicator: any Communicator
    ) throws -> [Double]
}

/// The statistics of a worker's rows and columns that pass 1 computes. T_ij = S_ij log₂e.
struct SoftmaxStatistics {
    /// T_ii of each local pair.
    let positives: Tensor
    /// Σ_{j≠i} 2^T_ij of each local first encoding.
    ///
    /// The positive is excluded to keep precision when a batch is nearly perfect: 1 - p_ii is then a sum, not a
    /// difference.
    let rows: LogSumExp
    /// Σ_{i≠j} 2^T_ij of each local second encoding.
    let columns: LogSumExp
}

/// The gradient of a softmax loss with respect to the scores. For i ≠ j
///
///     ∂loss/∂S_ij / τ = rowWeight_i · 2^(T_ij - rowExponent_i) + columnWeight_j · 2^(T_ij - columnExponent_j)
///
/// and ∂loss/∂S_ii / τ = diagonal_i for the positives. T_ij = S_ij log₂e.
struct SoftmaxWeights {
    let rowExponent: Tensor
    let rowWeight: Tensor
    let columnExponent: Tensor
    let columnWeight: Tensor
    let diagonal: Tensor

    init(rows: Int) {
        rowExponent = Tensor([rows])
        rowWeight = Tensor([rows])
        columnExponent = Tensor([rows])
        columnWeight = Tensor([rows])
        diagonal = Tensor([rows])
    }

    /// The weights of a set that is scored against itself. Rows and columns have the same weights, and no pair is a
    /// positive.
    init(symmetricExponent: Tensor, weight: Tensor) {
        rowExponent = symmetricExponent
        rowWeight = weight
        columnExponent = symmetricExponent
        columnWeight = weight
        diagonal = Tensor([0])
    }
}

/// Sums of powers of two, one per row, each stored as mantissa · 2^exponent with 1 ≤ mantissa < 2: log₂ of the sum is
/// exponent + log₂(mantissa).
///
/// Exponents are whole numbers, so rescaling a sum is exact.
struct LogSumExp {
    let exponent: Tensor
    let mantissa: Tensor

    init(count: Int) {
        exponent = Tensor([count])
        mantissa = Tensor([count])
    }

    func setEmpty() {
        exponent.fill(COUPLET_EMPTY)
        mantissa.fill(0)
    }

    /// Returns sum i, which is over the negatives, and 2^T of the pair's positive, both times 2^-shift. The shift
    /// prevents overflow of either.
    func withPositive(_ positives: Tensor, _ i: Int) -> (shift: Double, negatives: Double, positive: Double) {
        let positive = Double(positives.pointer[i]), sumExponent = Double(exponent.pointer[i])
        let shift = max(sumExponent, positive.rounded(.down))
        return (shift, Double(mantissa.pointer[i]) * exp2(sumExponent - shift), exp2(positive - shift))
    }
}

extension Loss {
    /// Name in tables: "conditional (0.5, 0.5)".
    package var title: String {
        let name =
            switch self {
            case .conditional: "conditional"
            case .joint: "joint"
            case .jointOffDiagonal: "joint off-diagonal"
            case .decoupled: "decoupled"
            case .sigmoid: "sigmoid"
            case .maximumMeanDiscrepancy: "maximum mean discrepancy"
            case .lpSimCLR(_, .sameModality): "Lp-SimCLR"
            case .lpSimCLR(_, .otherModality): "Lp-SimCLR (other modality)"
            case .ntXent: "NT-Xent"
            }
        return weights.map { "\(name) (\($0.first), \($0.second))" } ?? name
    }
}
