import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// Counts, for tiles of U Vᵀ, the candidates that score at least as high as a query's positive.
///
/// The products are single precision, so they may miss a tie. Therefore the counting has two steps. A kernel counts the
/// scores that reach the positive beyond the error of a product. The few scores within this error are computed again in
/// Double. The counts equal the counts of scores in Double, exact ties included, on every CPU and
/// for every tiling. A NaN counts as higher than every number.
struct RankCounter {
    private let tile: Tensor
    /// For each query the number of candidates that certainly reach its positive, and the number that may reach it.
    private var certain: [UInt32], possible: [UInt32]
    /// For each query of the first side of the latest tile, the number of candidates of the second side that score at
    /// least as high as its positive. A query's own positive counts, so the numbers are ranks.
    private(set) var rowCounts: [Int]
    /// The same for the queries of the second side among the candidates of the first.
    private(set) var columnCounts: [Int]

    /// - Parameters:
    ///   - rows: largest number of rows of a tile.
    ///   - columns: largest number of columns of a tile.
    init(rows: Int, columns: Int) {
        tile = Tensor([rows * columns])
        certain = [UInt32](repeating: 0, count: max(rows, columns))
        possible = certain
        rowCounts = [Int](repeating: 0, count: rows)
        columnCounts = [Int](repeating: 0, count: columns)
    }

    /// Computes the tile U Vᵀ, in single precision, over all rows of both sides, and counts.
    /// - Parameter bothWays: false to count for the queries of the first side only.
    mutating func count(_ first: EncodedShard, _ second: EncodedShard, bothWays: Bool = true) {
        let rows = first.encodings.rows, columns = second.encodings.rows
        let scores = tile.flat(0..<(rows * columns)).reshaped([rows, columns])
        MatrixProduct.multiply(first.encodings, .asIs, second.encodings, .transposed, into: scores)
        countRows(first, second, scores)
        if bothWays { countColumns(first, second, scores) }
    }

    private mutating func countRows(_ first: EncodedShard, _ second: EncodedShard, _ scores: Tensor) {
        let columns = scores.columns, d = first.encodings.columns, scoring = second.scoring
        let scale = scoring.roundedScale.pointer, offset = scoring.roundedOffset.pointer
        let (low, high) = bounds(of: first, among: scoring)
        couplet_count_row_scores(
            first.count, second.count, scores.pointer, columns, scale, offset, low, high, &certain, &possible)
        for i in 0..<first.count {
            rowCounts[i] = Int(certain[i])
            if possible[i] == certain[i] { continue }
            // Count the whole row again: each score must be counted once, and the kernel may have rounded it
            // differently.
            rowCounts[i] = 0
            let row = scores.pointer + i * columns, query = first.encodings.pointer + i * d
            for j in 0..<second.count {
                let score = row[j] * scale[j] + offset[j]
                if score < low[i] { continue }
                let candidate = second.encodings.pointer + j * d
                if score > high[i] || !(scoring.score(query, candidate, at: j) < first.positives[i]) {
                    rowCounts[i] += 1
                }
            }
        }
    }

    private mutating func countColumns(_ first: EncodedShard, _ second: EncodedShard, _ scores: Tensor) {
        let columns = scores.columns, d = first.encodings.columns, scoring = first.scoring
        let scale = scoring.roundedScale.pointer, offset = scoring.roundedOffset.pointer
        let (low, high) = bounds(of: second, among: scoring)
        couplet_count_column_scores(
            first.count, second.count, scores.pointer, columns, scale, offset, low, high, &certain, &possible)
        var uncertain: [Int] = []
        for j in 0..<second.count {
            let isUncertain = possible[j] != certain[j]
            columnCounts[j] = isUncertain ? 0 : Int(certain[j])
            if isUncertain { uncertain.append(j) }
        }
        if uncertain.isEmpty { return }
        for i in 0..<first.count {
            let row = scores.pointer + i * columns, candidate = first.encodings.pointer + i * d
            for j in uncertain {
                let score = row[j] * scale[i] + offset[i]
                if score < low[j] { continue }
                let query = second.encodings.pointer + j * d
                if score > high[j] || !(scoring.score(query, candidate, at: i) < second.positives[j]) {
                    columnCounts[j] += 1
                }
            }
        }
    }

    /// Returns the uncertain interval of each query.
    private func bounds(of queries: EncodedShard, among candidates: CandidateScoring) -> (low: [Float], high: [Float]) {
        var low: [Float] = [], high: [Float] = []
        low.reserveCapacity(queries.count)
        high.reserveCapacity(queries.count)
        for i in 0..<queries.count {
            let interval = candidates.uncertainInterval(
                around: queries.positives[i], queryNorm: queries.scoring.norm[i])
            low.append(interval.low)
            high.append(interval.high)
        }
        return (low, high)
    }
}

/// One side of a tile of scores: a shard's encodings, as queries with their positives and as candidates for the other
/// side.
struct EncodedShard {
    /// Rows × d; the first `count` rows are samples, the rest is padding.
    let encodings: Tensor
    let count: Int
    let scoring: CandidateScoring
    /// The score of each sample's positive, in Double.
    private(set) var positives: [Double]

    init(_ encodings: Tensor, count: Int, scoring: CandidateScoring, positives: [Double]) {
        precondition(
            positives.count == count && count <= encodings.rows,
            "\(positives.count) positives for \(count) of \(encodings.rows) rows")
        self.encodings = encodings
        self.count = count
        self.scoring = scoring
        self.positives = positives
    }

    /// The distinct samples of a gallery among the pairs of a shard, whose positives are not known yet.
    /// - Parameters:
    ///   - rows: the encodings of the pairs.
    ///   - pairs: the numbers of the pairs.
    init(_ rows: Tensor, _ gallery: DistinctGalleries.Gallery, of pairs: Range<Int>, similarity: Similarity) {
        let samples = gallery.samples(in: pairs)
        let encodings = rows.rows(at: samples.map { Int(gallery.pairs[$0]) - pairs.lowerBound })
        self.init(
            encodings, count: samples.count, scoring: CandidateScoring(encodings, similarity: similarity),
            positives: [Double](repeating: 0, count: samples.count))
    }

    /// - Parameter positive: returns the new score of a sample's positive.
    mutating func replacePositives(_ positive: (Int) -> Double) { positives = (0..<count).map(positive) }

    /// Returns both sides of a shard of pairs: row i of each side is the positive of row i of the other.
    static func pair(
        _ first: Tensor, _ second: Tensor, count: Int, similarity: Similarity
    ) -> (first: EncodedShard, second: EncodedShard) {
        let u = CandidateScoring(first, similarity: similarity), v = CandidateScoring(second, similarity: similarity)
        let d = first.columns
        let forward = (0..<count).map { v.score(first.pointer + $0 * d, second.pointer + $0 * d, at: $0) }
        let backward = (0..<count).map { u.score(second.pointer + $0 * d, first.pointer + $0 * d, at: $0) }
        return (
            EncodedShard(first, count: count, scoring: u, positives: forward),
            EncodedShard(second, count: count, scoring: v, positives: backward)
        )
    }
}

/// Converts inner products to scores that rank candidates: `score = ⟨query, candidate⟩ · scale + offset`, with one
/// scale and offset per candidate.
///
/// - Inner product: scale 1, offset 0.
/// - Cosine: scale 1/|c|, offset 0; |c| counts as at least 1e-12.
/// - Quadratic: scale 1, offset -½|c|².
///
/// Terms that depend on the query only (its length, the temperature, a bias) change no ranking, so the scores omit
/// them.
struct CandidateScoring {
    private let scale: [Double], offset: [Double]
    /// |c|.
    let norm: [Double]
    /// `scale` and `offset` in single precision, for the kernels.
    let roundedScale: Tensor, roundedOffset: Tensor
    /// The maxima of |c|, |c| · scale, scale and |offset|, which bound the errors of scores in single precision.
    private let largestNorm: Double, largestScaledNorm: Double, largestScale: Double, largestOffset: Double
    private let dimension: Int

    init(_ candidates: Tensor, similarity: Similarity) {
        let dimension = candidates.columns
        self.dimension = dimension
        let squares = (0..<candidates.rows).map {
            couplet_squared_norm(dimension, candidates.pointer + $0 * dimension)
        }
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

    /// Returns the score of a candidate in Double. Equal encodings get equal scores, whatever their positions.
    func score(_ query: UnsafePointer<Float>, _ candidate: UnsafePointer<Float>, at index: Int) -> Double {
        couplet_dot(dimension, query, candidate) * scale[index] + offset[index]
    }

    /// Returns the interval in which a score in single precision does not decide whether it reaches `positive`.
    ///
    /// Its half width is twice the worst-case error of a sum of `dimension` products, plus the loss of products that
    /// are flushed to zero.
    func uncertainInterval(around positive: Double, queryNorm: Double) -> (low: Float, high: Float) {
        let magnitude = queryNorm * largestScaledNorm + largestOffset + abs(positive)
        // Products or scores that may overflow decide nothing.
        guard queryNorm * largestNorm < 1e37, magnitude < 1e37 else { return (-.infinity, .infinity) }
        let error = Double(dimension + 8) * (0x1p-23 * magnitude + 0x1p-125 * largestScale)
        return (Float(positive - error).nextDown, Float(positive + error).nextUp)
    }
}
