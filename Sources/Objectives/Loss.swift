/// What is minimised over a batch (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
public enum Loss: Equatable, Sendable {
    /// (1/N) Σ_i [first (c_i - S_ii) + second (r_i - S_ii)]: `first` weighs first given second (a softmax over the first modality:
    /// columns), `second` second given first.
    case conditional(first: Double, second: Double)
    /// LSE_ij(S) - log N² - (1/N) Σ_i S_ii
    case joint
}
