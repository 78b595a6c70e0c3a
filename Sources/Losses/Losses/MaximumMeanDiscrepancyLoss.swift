import CCoupletKernels
import CoupletTensors
import Foundation

/// The maximum mean discrepancy between the learned conditionals and the data (Baptista, Stuart, Tran 2025, arXiv 2505.24134): from the sums of a walk to softmax weights, and from
/// conditional means of features to the loss.
struct MaximumMeanDiscrepancyLoss: Sendable {
    let first: Double
    let second: Double

    /// The softmax weights of one side: weight_i · 2^(T_ij - exponent_i), the positive among them.
    func setSoftmax(_ sums: LogSumExp, _ positives: Tensor, exponent: Tensor, weight: Tensor) {
        for i in 0..<positives.count {
            let (shift, others, own) = sums.beside(positives, i)
            exponent.pointer[i] = Float(shift)
            weight.pointer[i] = Float(1 / (others + own))
        }
    }

    /// One side's loss: turns the means m into residuals r = m - φ, in place, times `share / τ`, and sets centres ⟨m, r⟩ share / τ.
    /// - Parameters:
    ///   - means, features: rows × F.
    ///   - share: the side's weight over N.
    /// - Returns: share/2 |r|² of each row.
    func finishSide(means: Tensor, features: Tensor, centres: Tensor, share: Double, temperature: Double) -> [Double] {
        let width = features.columns, factor = Float(share / temperature)
        return (0..<features.rows).map { i in
            let m = means.pointer + i * width
            // ⟨m, r⟩ before r takes the place of m: ⟨r, r⟩ + ⟨φ, r⟩.
            couplet_add_scaled(width, -1, features.pointer + i * width, m)
            let square = couplet_squared_norm(width, m)
            centres.pointer[i] = Float(
                (square + couplet_dot(width, m, features.pointer + i * width)) * share / temperature)
            couplet_scale(width, factor, m)
            return 0.5 * share * square
        }
    }
}
