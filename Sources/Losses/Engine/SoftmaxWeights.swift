import CoupletTensors

/// How a loss turns scores T = S log₂e into ∂ loss/∂S / τ: for i ≠ j
///
///     weight_ij = row.weight_i · 2^(T_ij - row.exponent_i) + column.weight_j · 2^(T_ij - column.exponent_j)
///
/// and `diagonal_i` for the positives. Every softmax-like loss has this form.
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

    /// Of a set that meets itself: a row's exponents and weights are its column's too.
    init(exponent: Tensor, weight: Tensor) {
        rowExponent = exponent
        rowWeight = weight
        columnExponent = exponent
        columnWeight = weight
        diagonal = Tensor([0])
    }
}
