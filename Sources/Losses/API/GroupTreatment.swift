/// What a loss does with two pairs of one group: pairs that are the same sample seen again, such as the captions of one
/// picture, or samples of one class.
public enum GroupTreatment: String, CaseIterable, Sendable {
    /// Other pairs of the group are negatives, like all others.
    case ignore
    /// All pairs (i, j) of one group are right answers. P(i) is the set of the pairs of the group of pair i, itself
    /// included, and |P(i)| their number in the batch.
    ///
    /// A cross entropy of a row takes the mean over the positives of the logarithm of the softmax:
    ///
    ///     -1/|P(i)| Σ_{j∈P(i)} log(e^{S_ij} / Σ_k e^{S_ik}) = r_i - 1/|P(i)| Σ_{j∈P(i)} S_ij
    ///
    /// and of a column -1/|P(j)| Σ_{i∈P(j)} log(e^{S_ij} / Σ_k e^{S_kj}). This is L_out of Khosla et al. (*Supervised
    /// Contrastive Learning*, NeurIPS 2020, equation 2) and, between two modalities, the loss of Yang et al. (*Unified
    /// Contrastive Learning in Image-Text-Label Space*, CVPR 2022).
    case positives
    /// Other pairs of the group are left out of all sums; the pair (i, i) is the only right answer.
    case excluded
}
