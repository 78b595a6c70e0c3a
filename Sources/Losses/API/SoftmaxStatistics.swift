import CCoupletKernels
import CoupletTensors

/// The positives of a worker's pairs, and the sums of exponentials of its rows and columns.
///
/// The sums exclude the positive, which keeps precision when a batch is nearly perfect: 1 - p_ii is then a sum, not a
/// difference.
public struct SoftmaxStatistics {
    /// T_ii = S_ii log₂e of each local pair.
    let positives: Tensor
    /// Σ_{j≠i} 2^T_ij of each local first encoding.
    let rows: LogSumExp
    /// Σ_{i≠j} 2^T_ij of each local second encoding.
    let columns: LogSumExp
    /// The other pairs of each local row's group; nil if groups are ignored.
    var matches: GroupMatches?

    /// S_ii of local pair i.
    public func positive(_ i: Int) -> Double { Double(positives[i]) * log(2) }

    /// |P(i)|, the number of positives of local row i, pair i included; 1 unless the pairs of a group are positives.
    public func positiveCount(_ i: Int) -> Int { matches?.arePositives == true ? 1 + matches!.counts[i] : 1 }

    /// Σ S_ij over the positives j of local row i other than pair i; 0 unless the pairs of a group are positives.
    ///
    /// A column has as many positives as the row of its pair, and the sum over the columns of a group is the sum over
    /// its rows. For `ComparedSets.allEncodings` both numbers are means over the two anchors of pair i.
    public func otherPositivesSum(_ i: Int) -> Double {
        matches?.arePositives == true ? matches!.sums[i] * log(2) : 0
    }

    /// `log Σ_{j≠i} e^{S_ij}` of local row i; -∞ if the sum is empty or the loss does not need it.
    public func rowLogSum(_ i: Int) -> Double { rows.logSum(i) }

    /// `log Σ_{i≠j} e^{S_ij}` of local column j; -∞ if the sum is empty or the loss does not need it.
    public func columnLogSum(_ j: Int) -> Double { columns.logSum(j) }
}

/// The derivatives of a softmax loss with respect to the scores. For i ≠ j
///
///     ∂loss/∂S_ij = a_i e^{S_ij - r_i} + b_j e^{S_ij - c_j}
///
/// with a weight a_i and a log-sum r_i of each row, a weight b_j and a log-sum c_j of each column. ∂loss/∂S_ii is a
/// number of its own. Where the pairs of a group are positives, another number of each row is added to the derivatives
/// of its other positives. Pairs that the sums leave out because of their group have the exponential 0.
public struct SoftmaxWeights {
    // The engine's units: ∂loss/∂S_ij / τ = rowWeight_i 2^(T_ij - rowExponent_i) + columnWeight_j 2^(T_ij -
    // columnExponent_j) and ∂loss/∂S_ii / τ = diagonal_i, with T_ij = S_ij log₂e.
    let rowExponent: Tensor
    let rowWeight: Tensor
    let columnExponent: Tensor
    let columnWeight: Tensor
    let diagonal: Tensor
    /// What is added to ∂loss/∂S_ij / τ for the other positives j of row i; empty unless there may be several.
    let otherPositives: Tensor
    /// τ: the divisor of the score function.
    var temperature = 1.0

    /// - Parameter hasOtherPositives: whether the pairs of a group are positives.
    init(rows: Int, hasOtherPositives: Bool = false) {
        rowExponent = Tensor([rows])
        rowWeight = Tensor([rows])
        columnExponent = Tensor([rows])
        columnWeight = Tensor([rows])
        diagonal = Tensor([rows])
        otherPositives = Tensor([hasOtherPositives ? rows : 0])
    }

    /// The weights of a set that is scored against itself. Rows and columns have the same weights, and no pair is a
    /// positive.
    init(symmetricExponent: Tensor, weight: Tensor, otherPositives: Tensor) {
        rowExponent = symmetricExponent
        rowWeight = weight
        columnExponent = symmetricExponent
        columnWeight = weight
        diagonal = Tensor([0])
        self.otherPositives = otherPositives
    }

    /// Sets all derivatives to 0.
    func clear() {
        for exponents in [rowExponent, columnExponent] { exponents.fill(-COUPLET_EMPTY) }
        for weights in [rowWeight, columnWeight, diagonal, otherPositives] { weights.fill(0) }
    }

    /// Sets `weight · e^{S_ij - logSum}` as the share of local row i in ∂loss/∂S_ij, j ≠ i.
    ///
    /// A log-sum of -∞ belongs to a row without scores; it is ignored.
    /// - Parameter logSum: of the size of the log-sum-exp of the row, so that the exponential does not overflow.
    public func setRow(_ i: Int, _ weight: Double, logSum: Double) {
        set(rowExponent, rowWeight, i, weight, logSum)
    }

    /// Sets `weight · e^{S_ij - logSum}` as the share of local column j in ∂loss/∂S_ij, i ≠ j. Like `setRow`.
    public func setColumn(_ j: Int, _ weight: Double, logSum: Double) {
        set(columnExponent, columnWeight, j, weight, logSum)
    }

    /// Sets ∂loss/∂S_ii of local pair i.
    public func setPositive(_ i: Int, _ derivative: Double) { diagonal[i] = Float(derivative / temperature) }

    /// Sets what is added to ∂loss/∂S_ij for each of the other positives j of local row i, where the pairs of a group
    /// are positives: a number of the row, such as -a_i / |P(i)| for a_i times the mean of the positives.
    public func setOtherPositives(_ i: Int, _ derivative: Double) {
        otherPositives[i] = Float(derivative / temperature)
    }

    private func set(_ exponents: Tensor, _ weights: Tensor, _ i: Int, _ weight: Double, _ logSum: Double) {
        guard weight != 0, logSum > -.infinity else {
            exponents[i] = -COUPLET_EMPTY
            weights[i] = 0
            return
        }
        let exact = logSum / log(2), exponent = Float(exact.rounded(.down))
        exponents[i] = exponent
        weights[i] = Float(weight / temperature * exp2(Double(exponent) - exact))
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
        setEmpty()
    }

    func setEmpty() {
        exponent.fill(COUPLET_EMPTY)
        mantissa.fill(0)
    }

    /// log of sum i, for T_ij = S_ij log₂e: `log Σ e^S`.
    func logSum(_ i: Int) -> Double {
        mantissa[i] == 0 ? -.infinity : Double(exponent[i]) * log(2) + log(Double(mantissa[i]))
    }

    /// Returns sum i, which is over the negatives, and 2^T of the pair's positive, both times 2^-shift. The shift
    /// prevents overflow of either.
    func withPositive(_ positives: Tensor, _ i: Int) -> (shift: Double, negatives: Double, positive: Double) {
        let positive = Double(positives.pointer[i]), sumExponent = Double(exponent.pointer[i])
        let shift = max(sumExponent, positive.rounded(.down))
        return (shift, Double(mantissa.pointer[i]) * exp2(sumExponent - shift), exp2(positive - shift))
    }
}
