import CKernels
import Tensors

/// A sum of powers of two for each of some rows, as (exponent, mantissa): mantissa · 2^exponent, 1 ≤ mantissa < 2. Whole exponents make moving a
/// sum from one shift to another exact.
struct PairSums {
    let exponent: Tensor
    let mantissa: Tensor

    init(exponent: Tensor, mantissa: Tensor) {
        self.exponent = exponent
        self.mantissa = mantissa
    }

    init(count: Int) {
        self.init(exponent: Tensor([count]), mantissa: Tensor([count]))
    }

    func setEmpty() {
        exponent.fill(COUPLET_EMPTY)
        mantissa.fill(0)
    }
}
