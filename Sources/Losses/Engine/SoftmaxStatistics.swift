import CoupletTensors

/// What the first pass over the scores leaves for a worker's rows: everything a softmax-like loss is made of.
struct SoftmaxStatistics {
    /// T_ii = S_ii log₂e of each pair.
    let positives: Tensor
    /// Σ_{j≠i} 2^T_ij for each first encoding. The positive is left out so that a nearly perfect batch keeps its precision: 1 - p is a sum, not a difference.
    let rows: LogSumExp
    /// Σ_{i≠j} 2^T_ij for each second encoding.
    let columns: LogSumExp
}
