import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletTensors

/// Finds the best gallery rows of each query, with calibrated probabilities: retrieval as the mode of the learned
/// conditional (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// On a gallery u_1 … u_N drawn from the marginal, the encoders' conditional is `ρ(u_k | v) = softmax_k S_k`, `S_k =
/// κ(g(u_k), h(v)) / τ`, over the *whole* gallery. With weights w_k > 0 (a prior that the gallery does not represent)
/// it is `w_k e^{S_k} / Σ_l w_l e^{S_l}`; a weight of 0 excludes a row.
///
/// A search passes over the gallery once, in blocks that stay in the cache. Each score is added to its query's sums Σ
/// e^S and Σ e^{2S} and compared with the worst of its query's top-k; no score is stored. Each worker holds the
/// queries, their candidates, and one block.
///
/// Scores are single precision. The scores of the best `top` + 8 rows are computed again in Double. They order the
/// result, and replace the single-precision terms of these rows in the sums. A search sums over fixed parts of the
/// gallery, so all results have the same bits for every number of workers, on every CPU.
public struct GallerySearch: Sendable {
    public let similarity: Similarity
    /// τ.
    public let temperature: Double
    /// K, the number of candidates to return for each query.
    public let top: Int

    /// Number of queries that one pass over the gallery serves; more queries take several passes.
    public static let queriesAtOnce = 16_384
    /// Number of candidates beyond `top`. Rounding in single precision may rank a better row below `top`.
    private static let spare = 8

    /// - Throws: `SearchError` if the temperature or the number of candidates is not positive.
    public init(similarity: Similarity, temperature: Double, top: Int) throws {
        guard temperature > 0, temperature.isFinite else {
            throw SearchError("a temperature of \(temperature); wanted a finite number above 0")
        }
        guard top > 0 else { throw SearchError("the best \(top) of a gallery; wanted at least 1") }
        self.similarity = similarity
        self.temperature = temperature
        self.top = top
    }

    /// Searches the gallery. Every worker calls it with the same queries and gallery, and gets the same result.
    /// - Parameters:
    ///   - queries: Q × d, as the encoder gives them.
    ///   - weights: the w_k, N of them, ≥ 0; nil: all 1.
    ///   - firstQuery: the number of the first query, for errors.
    /// - Throws: `SearchError` if the sizes do not fit, fewer than `top` rows have a weight above 0, or a score exceeds
    ///   single precision; errors of the gallery's reader; `CollectiveError` if a worker has failed.
    public func run(
        queries: Tensor, gallery: Gallery, weights: [Double]? = nil, firstQuery: Int = 0, communicator: any Communicator
    ) throws -> SearchResult {
        let eligibleRows = try requireSizes(queries, gallery, weights, firstQuery: firstQuery)
        let packed = PackedQueries(queries, similarity: similarity, temperature: temperature)
        let topK = TopK(queries: queries.rows, capacity: min(top + Self.spare, eligibleRows))
        let parts = Gallery.parts(ofWorker: communicator.rank, of: communicator.size)
        var normalizer = Normalizer(queries: queries.rows, parts: parts.count)
        let reader = try gallery.makeReader()
        for part in parts {
            try scan(gallery.rows(ofPart: part), reader, packed, weights, topK) { normalizer.addBlock($0) }
            normalizer.endPart()
        }
        let totals = try normalizer.merged(communicator)
        let candidates = try topK.merged(communicator)
        var result = SearchResult(queries: queries.rows, top: top)
        for query in 0..<queries.rows {
            try append(
                candidates[query], totals[query], omittedTerm: packed.omittedTerms[query], weights,
                isWholeGallery: candidates[query].count == eligibleRows, query: firstQuery + query, to: &result)
        }
        return result
    }

    /// Scores some rows against all queries, block by block.
    private func scan(
        _ rows: Range<Int>, _ reader: any GalleryReader, _ queries: PackedQueries, _ weights: [Double]?, _ topK: TopK,
        withSums: ((Normalizer.Pointers) -> Void) -> Void
    ) throws {
        let dimension = queries.dimension, blockRows = Gallery.blockRows(dimension: dimension)
        var offsets = [Float](repeating: 0, count: blockRows)
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows) {
            let block = start..<min(start + blockRows, rows.upperBound)
            let pointer = try reader.rows(block)
            if similarity == .quadratic || weights != nil {
                for (index, row) in block.enumerated() {
                    offsets[index] = offset(pointer + index * dimension, dimension, weight: weights?[row] ?? 1)
                }
            }
            withSums { sums in
                for panel in 0..<queries.panels {
                    let first = panel * PackedQueries.panelWidth
                    var panelQueries = queries.description(ofPanel: panel)
                    var heaps = topK.description(from: first)
                    couplet_search_block(
                        &panelQueries, block.count, pointer, offsets, Int64(start), &heaps, sums.exponents + first,
                        sums.sums + first, sums.squares + first)
                }
            }
        }
    }

    /// Returns the term added to an inner product, in units of powers of two: -½ |u|² / τ for the quadratic similarity,
    /// plus the logarithm of the weight.
    private func offset(_ row: UnsafePointer<Float>, _ dimension: Int, weight: Double) -> Float {
        guard weight > 0 else { return COUPLET_EXCLUDED }
        let logWeight = weight == 1 ? 0 : log2(weight)
        guard similarity == .quadratic else { return Float(logWeight) }
        let square = couplet_squared_norm(dimension, row)
        return Float(logWeight - 0.5 * square * PackedQueries.powersOfTwo(temperature))
    }

    /// Largest absolute score, as an exponent of two. In single precision, scores from 2²⁰ on are multiples of 1/8.
    private static let largestExponent = 0x1p20

    /// Appends the result of one query. In the sums over all rows, terms in Double replace the single-precision terms
    /// of the candidates.
    /// - Parameters:
    ///   - omittedTerm: the query's element of `PackedQueries.omittedTerms`.
    ///   - isWholeGallery: whether the candidates are all rows with a weight above 0.
    private func append(
        _ candidates: [TopK.Candidate], _ total: Normalizer.Total, omittedTerm: Double, _ weights: [Double]?,
        isWholeGallery: Bool, query: Int, to result: inout SearchResult
    ) throws {
        guard total.sum.isFinite, total.square.isFinite, abs(total.exponent) <= Self.largestExponent else {
            throw SearchError(
                """
                query row \(query): scores exceed single precision (2^\(total.exponent)); raise the temperature above \
                \(temperature), or use shorter encodings
                """)
        }
        let powers = PackedQueries.powersOfTwo(temperature)
        /// The exponent of a candidate's term in Double, relative to the total's.
        func exactExponent(_ candidate: TopK.Candidate) -> Double {
            let logWeight = weights.map { log2($0[candidate.row]) } ?? 0
            return candidate.similarity * powers + omittedTerm * PackedQueries.powersOfTwo(1) + logWeight
                - total.exponent
        }
        var sum = total.sum, square = total.square
        if isWholeGallery { (sum, square) = (0, 0) }
        for candidate in candidates where !isWholeGallery {
            let term = exp2(Double(candidate.score) - total.exponent)
            sum -= term
            square -= term * term
        }
        // If the other rows contribute nothing, rounding may leave a negative rest.
        (sum, square) = (max(sum, 0), max(square, 0))
        for candidate in candidates {
            let term = exp2(exactExponent(candidate))
            sum += term
            square += term * term
        }
        let logSum = log2(sum)
        let best = candidates.map { (candidate: $0, exponent: exactExponent($0)) }
            .sorted { $0.exponent > $1.exponent || ($0.exponent == $1.exponent && $0.candidate.row < $1.candidate.row) }
            .prefix(top)
        for (candidate, exponent) in best {
            result.rows.append(candidate.row)
            result.scores.append(candidate.similarity / temperature)
            result.probabilities.append(exp2(exponent - logSum))
        }
        result.logNormalizers.append((total.exponent + logSum) / PackedQueries.powersOfTwo(1) - omittedTerm)
        result.effectiveCandidates.append(sum * (sum / square))
    }

    /// - Returns: the number of rows with a weight above 0.
    /// - Throws: `SearchError` if the queries, the weights or `top` do not fit the gallery.
    private func requireSizes(
        _ queries: Tensor, _ gallery: Gallery, _ weights: [Double]?, firstQuery: Int
    ) throws -> Int {
        guard queries.shape.count == 2, queries.columns == gallery.dimension else {
            throw SearchError(
                "queries of \(queries.columns) numbers and a gallery of \(gallery.dimension); "
                    + "encodings that are compared have the same length")
        }
        let wrong = couplet_first_not_finite(queries.count, queries.pointer)
        if wrong < queries.count {
            throw SearchError(
                "the encoding of query row \(firstQuery + wrong / queries.columns) holds \(queries.pointer[wrong]); "
                    + "every number must be finite")
        }
        var eligibleRows = gallery.count
        if let weights {
            guard weights.count == gallery.count else {
                throw SearchError(
                    "\(weights.count) prior weights for a gallery of \(gallery.count) rows; give one a row")
            }
            if let row = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
                throw SearchError("the prior weight of gallery row \(row) is \(weights[row]); wanted 0 or more")
            }
            eligibleRows = weights.count { $0 > 0 }
        }
        guard top <= eligibleRows else {
            let rows = "\(eligibleRows) row\(eligibleRows == 1 ? "" : "s")"
            let condition = eligibleRows < gallery.count ? " with a prior above 0" : ""
            throw SearchError(
                "the best \(top) of a gallery of \(rows)\(condition); ask for at most \(eligibleRows)")
        }
        return eligibleRows
    }
}

/// A search with impossible parameters, or with scores that exceed single precision.
public struct SearchError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// Queries in the panel layout of the search kernel, together with their original rows.
private final class PackedQueries {
    /// Queries in a panel.
    static let panelWidth = Int(COUPLET_SEARCH_WIDTH)

    let count: Int, dimension: Int
    /// |q|² / (2τ) for the quadratic similarity, else 0. The kernel's scores omit this term, which changes no
    /// probability.
    let omittedTerms: [Double]
    /// Factor from the inner product with a query to the similarity: 1 / |q| for the cosine, else 1.
    private let factors: UnsafeMutablePointer<Double>
    private let rows: Tensor
    private let panelData: Tensor
    private let similarity: couplet_search_similarity

    /// Returns log2(e) / τ, the exponent of two that a similarity of 1 contributes to a score.
    static func powersOfTwo(_ temperature: Double) -> Double { 1.4426950408889634 / temperature }

    init(_ queries: Tensor, similarity: Similarity, temperature: Double) {
        count = queries.rows
        dimension = queries.columns
        rows = queries
        let dimension = dimension, width = Self.panelWidth
        let squares = (0..<queries.rows).map { couplet_squared_norm(dimension, queries.pointer + $0 * dimension) }
        factors = .allocate(capacity: queries.rows)
        for (query, square) in squares.enumerated() {
            factors[query] = similarity == .cosine ? 1 / max(square.squareRoot(), 1e-12) : 1
        }
        omittedTerms = squares.map { similarity == .quadratic ? 0.5 * $0 / temperature : 0 }
        self.similarity = similarity == .quadratic ? couplet_search_distance : couplet_search_product
        let panels = (queries.rows + width - 1) / width
        panelData = Tensor([panels * width * dimension])
        let scaled = (0..<queries.rows).map { factors[$0] * Self.powersOfTwo(temperature) }
        scaled.withUnsafeBufferPointer { scaled in
            for panel in 0..<panels {
                let first = panel * width
                couplet_search_pack(
                    min(width, count - first), dimension, rows.pointer + first * dimension,
                    scaled.baseAddress! + first, panelData.pointer + first * dimension)
            }
        }
    }

    deinit { factors.deallocate() }

    var panels: Int { (count + Self.panelWidth - 1) / Self.panelWidth }

    func description(ofPanel panel: Int) -> couplet_search_queries {
        let first = panel * Self.panelWidth
        return couplet_search_queries(
            panel: panelData.pointer + first * dimension, rows: rows.pointer + first * dimension,
            factors: factors + first, count: min(Self.panelWidth, count - first), dimension: dimension,
            similarity: similarity)
    }
}
