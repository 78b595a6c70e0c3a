import CCoupletKernels
import CoupletLosses
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// What turns inner products into scores that rank candidates: `score = ⟨query, candidate⟩ · scale + offset`, one scale and
/// offset a candidate.
///
/// Inner product: 1 and 0. Cosine: 1/|c| (at least 1e-12 counts as |c|) and 0. Quadratic: 1 and -½|c|². What depends on the
/// query alone (its own length, the temperature, a bias) changes no ranking and is left out.
struct CandidateScoring {
    let scale: [Double], offset: [Double]
    /// |c|.
    let norm: [Double]
    /// The same in single precision, for the kernels.
    let roundedScale: Tensor, roundedOffset: Tensor
    /// The largest |c|, |c| · scale, scale and |offset|: they bound the errors of scores in single precision.
    private let largestNorm: Double, largestScaledNorm: Double, largestScale: Double, largestOffset: Double
    private let dimension: Int

    init(_ candidates: Tensor, similarity: Similarity) {
        let dimension = candidates.columns
        self.dimension = dimension
        let squares = (0..<candidates.rows).map { couplet_squared_norm(dimension, candidates.pointer + $0 * dimension) }
        norm = squares.map { $0.squareRoot() }
        switch similarity {
        case .innerProduct, .quadratic: scale = [Double](repeating: 1, count: norm.count)
        case .cosine: scale = norm.map { 1 / max($0, 1e-12) }
        }
        offset = similarity == .quadratic ? squares.map { -0.5 * $0 } : [Double](repeating: 0, count: norm.count)
        roundedScale = Tensor([scale.count], scale.map(Float.init))
        roundedOffset = Tensor([offset.count], offset.map(Float.init))
        largestNorm = norm.reduce(0, max)
        largestScaledNorm = zip(norm, scale).reduce(0) { max($0, $1.0 * $1.1) }
        largestScale = scale.reduce(0, max)
        largestOffset = offset.reduce(0) { max($0, abs($1)) }
    }

    /// The score of a candidate in Double: equal encodings get equal scores, whatever their places.
    func score(_ query: UnsafePointer<Float>, _ candidate: UnsafePointer<Float>, at index: Int) -> Double {
        couplet_dot(dimension, query, candidate) * scale[index] + offset[index]
    }

    /// Where a score in single precision leaves open whether it beats `positive`: the worst case of a sum of `dimension`
    /// products, doubled, and what is lost where products are flushed to zero.
    func openInterval(around positive: Double, queryNorm: Double) -> (low: Float, high: Float) {
        let magnitude = queryNorm * largestScaledNorm + largestOffset + abs(positive)
        // A product or a score that may overflow tells nothing.
        guard queryNorm * largestNorm < 1e37, magnitude < 1e37 else { return (-.infinity, .infinity) }
        let error = Double(dimension + 8) * (0x1p-23 * magnitude + 0x1p-125 * largestScale)
        return (Float(positive - error).nextDown, Float(positive + error).nextUp)
    }
}
