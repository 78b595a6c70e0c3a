import CoupletTensors

/// Draws u given v by resampling a gallery {u_k} of draws of u's marginal: sampling-importance-resampling (Rubin 1988;
/// Smith and Gelfand 1992), for any modality and any encoder.
///
/// The learned conditional on the gallery is `w_k = softmax_k S(u_k, v)`. *Systematic* resampling (Kitagawa 1996) draws
/// the number of copies of each row: it looks up the points `(i + U)/N`, i = 0 … N - 1, with one uniform U for all, in
/// the cumulative weights. So a row is drawn ⌊N w_k⌋ or ⌈N w_k⌉ times.
///
/// The *effective sample size* 1/Σ w² measures the quality (Kong, Liu, Wong 1994): with fewer effective rows than
/// samples, the samples are copies of few rows. A sharper conditional needs a larger gallery.
///
/// For a Gaussian pair with linear encoders and the inner product, e^S is log-normal. The expected effective share of
/// the gallery is exp(-|Ã ṽ|²), where ṽ is the whitened v: 37 % if Ã ṽ has length 1, 0.01 % if it has length 3. The
/// mean of exp(|Ã ṽ|²) over v is infinite if a singular value of Ã exceeds 1/√2: no gallery is then large enough for
/// all v.
public struct GalleryResampling: Sendable {
    public let score: PairScore
    private let philox: Philox
    private let gallery: Tensor
    private let squares: [Double]

    /// - Parameters:
    ///   - gallery: the encodings of its K rows, K × e.
    ///   - seed: determines the resampling.
    public init(gallery: Tensor, score: PairScore, seed: UInt64) {
        precondition(gallery.rows > 0 && gallery.count > 0, "a gallery \(gallery.shape)")
        self.gallery = gallery
        self.score = score
        philox = Philox(seed: seed)
        squares = PairScore.squares(gallery)
    }

    /// Draws gallery rows given row `query` of `queries`.
    /// - Parameters:
    ///   - count: N.
    ///   - queries: encodings of the given modality, Q × e.
    /// - Throws: `SamplingError` if a score is not finite.
    public func draws(_ count: Int, query: Int, of queries: Tensor) throws -> GalleryDraws {
        let scores = score.scores(of: query, in: queries, PairScore.squares(queries), with: gallery, squares)
        if let wrong = scores.firstIndex(where: { !$0.isFinite }) {
            throw SamplingError(
                reason: "query row \(query) and gallery row \(wrong) have the score \(scores[wrong])",
                remedy: "look for rows of another scale than the training data")
        }
        let weights = Self.weights(scores)
        let number = SamplingDrawNumber.resampling(query: query)
        let start = philox.words(.evaluation, number: number)
        var rows = Self.systematic(weights, count: count, offset: (Double(start.x) + 0.5) * 0x1p-32)
        // The drawn rows are in the gallery's order. A Fisher–Yates shuffle makes any prefix of them a sample.
        for last in stride(from: rows.count - 1, to: 0, by: -1) {
            let word = philox.words(.evaluation, number: number, block: UInt32(last))
            rows.swapAt(last, Int(word.x.multipliedFullWidth(by: UInt32(last + 1)).high))
        }
        let highest = weights.max()!
        return GalleryDraws(
            rows: rows, weights: weights, effectiveSampleSize: Self.effectiveSampleSize(weights),
            mode: weights.firstIndex(of: highest)!)
    }

    /// Returns the softmax of finite scores.
    public static func weights(_ scores: [Double]) -> [Double] {
        let highest = scores.max() ?? 0
        let exponentials = scores.map { exp($0 - highest) }, sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    /// Returns 1/Σ w² of weights whose sum is 1: 1 if one row has all the weight, their number if all are equal.
    public static func effectiveSampleSize(_ weights: [Double]) -> Double { 1 / weights.reduce(0) { $0 + $1 * $1 } }

    /// Returns the rows that the points (i + offset)/count select from the cumulative weights, ascending.
    /// - Parameters:
    ///   - weights: their sum is 1.
    ///   - offset: in (0, 1), a uniform draw.
    public static func systematic(_ weights: [Double], count: Int, offset: Double) -> [Int] {
        var rows: [Int] = [], row = 0, cumulated = weights.first ?? 0
        rows.reserveCapacity(count)
        // Rounding may leave the sum slightly below the last point. The last row with any weight takes that point.
        let last = weights.lastIndex { $0 > 0 } ?? 0
        for i in 0..<count {
            let point = (Double(i) + offset) / Double(count)
            while cumulated <= point, row < last {
                row += 1
                cumulated += weights[row]
            }
            rows.append(row)
        }
        return rows
    }
}

/// The rows of a gallery that resampling drew for one query.
public struct GalleryDraws: Equatable, Sendable {
    /// The drawn rows, in random order.
    public let rows: [Int]
    /// w_k of all rows of the gallery; their sum is 1.
    public let weights: [Double]
    /// 1/Σ w²: the number of independent draws of the conditional to which the gallery is equivalent (Kong, Liu, Wong
    /// 1994).
    public let effectiveSampleSize: Double
    /// The row of the highest weight, the first among equals: the conditional's mode on the gallery.
    public let mode: Int
}
