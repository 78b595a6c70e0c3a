/// A loss that depends on the scores through the positives S_ii and the log-sum-exps of the rows and columns of S.
///
/// Its derivatives therefore have the form of `SoftmaxWeights`, and the engine needs two passes over the scores. For
/// example, the cross entropy of the rows, `(1/N) Σ_i [log Σ_j e^S_ij - S_ii]`:
///
///     var needsColumnSums: Bool { false }
///
///     func evaluate(_ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights) -> LossValue {
///         let weight = 1 / Double(batch.size)
///         let losses = (0..<batch.rows).map { i in
///             let positive = statistics.positive(i), x = statistics.rowLogSum(i) - positive
///             let loss = max(x, 0) + log1p(exp(-abs(x)))
///             weights.setRow(i, weight, logSum: positive + loss)
///             weights.setPositive(i, -weight / (1 + exp(-x)))
///             return loss
///         }
///         return LossValue(pairLosses: losses, batch: batch)
///     }
public protocol SoftmaxLoss: Loss {
    /// Whether the loss needs the row sums Σ_{j≠i} e^{S_ij}. The default is true.
    var needsRowSums: Bool { get }
    /// Whether the loss needs the column sums Σ_{i≠j} e^{S_ij}. The default is true.
    var needsColumnSums: Bool { get }

    /// Whether the sums leave out all positives of the row or column, and not only pair i, where the pairs of a group
    /// are positives (`GroupTreatment.positives`). The default is false.
    var sumsExcludePositives: Bool { get }

    /// Computes the loss and its derivatives. Every worker calls it, with its own rows and columns.
    ///
    /// What rows and columns are depends on `comparedSets`:
    ///
    /// - `modalities`: row i belongs to the first encoding of pair i, column i to the second one. The sums are over the
    ///   other pairs of the batch.
    /// - `secondBatch`: the engine calls the function once for each modality, and the loss is the sum of both values.
    ///   Row i belongs to the encoding i of that modality. Its sum is over all N encodings of the second batch of that
    ///   modality. There are no columns.
    /// - `allEncodings`: as `modalities`, but the sums are over all 2N - 2 encodings that do not belong to the pair.
    ///
    /// - Parameters:
    ///   - statistics: the positives and sums.
    ///   - weights: receives the derivatives. All are 0 at first.
    /// - Returns: the loss of each pair of this worker.
    /// - Throws: `CollectiveError` from a sum over the batch.
    func evaluate(
        _ statistics: SoftmaxStatistics, batch: LossBatch, weights: SoftmaxWeights
    ) throws -> LossValue
}

extension SoftmaxLoss {
    public var needsRowSums: Bool { true }
    public var needsColumnSums: Bool { true }
    public var sumsExcludePositives: Bool { false }
    public var groupTreatments: [GroupTreatment] { [.ignore, .excluded] }
}
