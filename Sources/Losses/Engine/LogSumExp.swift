import CCoupletKernels
import CoupletTensors
import Foundation

/// A sum of powers of two for each of some rows, as (exponent, mantissa): mantissa · 2^exponent, 1 ≤ mantissa < 2. Whole exponents make moving a
/// sum from one shift to another exact.
struct LogSumExp {
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

    /// Sum i beside its pair's own 2^positive, both times 2^-shift, the shift such that neither overflows.
    func beside(_ positives: Tensor, _ i: Int) -> (shift: Double, others: Double, own: Double) {
        let positive = Double(positives.pointer[i]), othersExponent = Double(exponent.pointer[i])
        let shift = max(othersExponent, positive.rounded(.down))
        return (shift, Double(mantissa.pointer[i]) * exp2(othersExponent - shift), exp2(positive - shift))
    }
}
