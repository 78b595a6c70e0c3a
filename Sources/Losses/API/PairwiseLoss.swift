/// A loss whose scores contribute independently of each other:
///
///     loss = (1/N) Σ_ij ℓ(S_ij + b), with one ℓ for the positives i = j and another for the negatives
///
/// b is the bias, 0 for a loss without one. The engine needs one pass over the scores. For example, a hinge with a
/// margin m, max(0, m - S) for positives and max(0, m + S) for negatives:
///
///     func evaluateRow(
///         _ scores: Span<Float>, positive: Int?, batchSize: Int, derivatives: inout MutableSpan<Float>
///     ) -> Double {
///         var sum = 0.0
///         for j in scores.indices {
///             let sign: Float = j == positive ? -1 : 1, distance = margin + sign * scores[j]
///             sum += Double(max(0, distance))
///             derivatives[j] = distance > 0 ? sign : 0
///         }
///         return sum
///     }
public protocol PairwiseLoss: Loss {
    /// Computes ℓ and its derivatives for a part of a row of scores.
    ///
    /// The parts of a row are fixed by the size of a shard, so the sums of a loss that adds its scores in a fixed order
    /// are the same bits for any number of workers. Where pairs of one group are excluded, the scores are those of the
    /// other columns; where they are positives, each positive but the first comes alone in a call of its own.
    /// - Parameters:
    ///   - scores: S_ij + b for consecutive columns j.
    ///   - positive: the index of the positive in `scores`; nil if all are negatives.
    ///   - batchSize: N, for a loss whose weights depend on the number of negatives.
    ///   - derivatives: receives ℓ'(S_ij + b) of each score. Its numbers are undefined at first.
    /// - Returns: Σ_j ℓ(S_ij + b) over the scores.
    func evaluateRow(
        _ scores: Span<Float>, positive: Int?, batchSize: Int, derivatives: inout MutableSpan<Float>
    ) -> Double
}

extension PairwiseLoss {
    public var groupTreatments: [GroupTreatment] { GroupTreatment.allCases }
}
