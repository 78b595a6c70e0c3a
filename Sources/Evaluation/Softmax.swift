import CoupletTensors

/// The softmax of scores in Double, with the exponentials and logarithms of the package, whose bits are the same on
/// every CPU.
enum Softmax {
    /// Replaces scores s_k by e^{s_k} / Σ_j e^{s_j}.
    /// - Returns: max s and log Σ_j e^{s_j - max s}, so that -log softmax_k = logSum - (s_k - largest).
    static func replace(_ scores: UnsafeMutablePointer<Double>, _ count: Int) -> (largest: Double, logSum: Double) {
        var largest = -Double.infinity, sum = 0.0
        for k in 0..<count { largest = max(largest, scores[k]) }
        for k in 0..<count {
            scores[k] = exp(scores[k] - largest)
            sum += scores[k]
        }
        for k in 0..<count { scores[k] /= sum }
        return (largest, log(sum))
    }
}
