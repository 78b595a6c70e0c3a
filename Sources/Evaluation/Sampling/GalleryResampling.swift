import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Draws of u given v by resampling a gallery {u_k} of draws of u's marginal: sampling-importance-resampling (Rubin 1988; Smith and
/// Gelfand 1992), for any modality and any encoder.
///
/// The learned conditional on the gallery is `w_k = softmax_k S(u_k, v)`, and a row's number of copies is drawn from it by *systematic*
/// resampling (Kitagawa 1996): `(i + U)/N`, i = 0 … N - 1, one uniform U for all, looked up in the cumulated weights. So a row is drawn ⌊N w_k⌋ or
/// ⌈N w_k⌉ times.
///
/// How good that is, the *effective sample size* 1/Σ w² says (Kong, Liu, Wong 1994): with fewer effective rows than samples, the samples are
/// copies of few rows. A sharper conditional needs a larger gallery. On a Gaussian with linear encoders and the inner product e^S is
/// log-normal, and the expected share of the gallery that counts is exp(-|Ã ṽ|²), ṽ the whitened v: 37 % where Ã ṽ has length 1, 0.01 % where
/// it has length 3. Averaged over v that is worthless once a singular value of Ã exceeds 1/√2, where E exp(|Ã ṽ|²) is infinite.
public struct GalleryResampling: Sendable {
    public let score: PairScore
    private let philox: Philox
    private let gallery: Tensor
    private let squares: [Double]

    /// - Parameters:
    ///   - gallery: the encodings of its K rows, K × e.
    ///   - seed: from which the resampling follows.
    public init(gallery: Tensor, score: PairScore, seed: UInt64) {
        precondition(gallery.rows > 0 && gallery.count > 0, "a gallery \(gallery.shape)")
        self.gallery = gallery
        self.score = score
        philox = Philox(seed: seed)
        squares = PairScore.squares(gallery)
    }

    /// Draws given query number `query` of these encodings.
    /// - Parameters:
    ///   - count: N.
    ///   - queries: Q × e, of the modality that is given.
    /// - Throws: `SamplingError` where a score is no finite number.
    public func draws(_ count: Int, query: Int, of queries: Tensor) throws -> GalleryDraws {
        let scores = score.scores(of: query, in: queries, PairScore.squares(queries), with: gallery, squares)
        if let wrong = scores.firstIndex(where: { !$0.isFinite }) {
            throw SamplingError(
                reason: "query row \(query) and gallery row \(wrong) have the score \(scores[wrong])",
                remedy: "look for rows of another scale than those the run was trained on")
        }
        let weights = Self.weights(scores)
        let number = SamplingDrawNumber.resampling(query: query)
        let start = philox.words(.evaluation, number: number)
        var rows = Self.systematic(weights, count: count, offset: (Double(start.x) + 0.5) * 0x1p-32)
        // Drawn rows come in the gallery's order. Shuffled (Fisher and Yates), the first of them are draws as well.
        for last in stride(from: rows.count - 1, to: 0, by: -1) {
            let word = philox.words(.evaluation, number: number, block: UInt32(last))
            rows.swapAt(last, Int(word.x.multipliedFullWidth(by: UInt32(last + 1)).high))
        }
        let highest = weights.max()!
        return GalleryDraws(
            rows: rows, weights: weights, effectiveSampleSize: Self.effectiveSampleSize(weights),
            mode: weights.firstIndex(of: highest)!)
    }

    /// softmax of finite scores.
    public static func weights(_ scores: [Double]) -> [Double] {
        let highest = scores.max() ?? 0
        let powers = scores.map { exp($0 - highest) }, sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// 1/Σ w² of weights whose sum is 1: from 1, where one row has all of it, to their number, where all are equal.
    public static func effectiveSampleSize(_ weights: [Double]) -> Double { 1 / weights.reduce(0) { $0 + $1 * $1 } }

    /// Which rows the points (i + offset)/count fall on, ascending.
    /// - Parameters:
    ///   - weights: their sum is 1.
    ///   - offset: in (0, 1), a uniform draw.
    public static func systematic(_ weights: [Double], count: Int, offset: Double) -> [Int] {
        var rows: [Int] = [], row = 0, cumulated = weights.first ?? 0
        rows.reserveCapacity(count)
        // Rounding may leave the sum a little under the last point: the last row that has any weight takes it.
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
