import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// The best of a gallery for each query, with calibrated probabilities: retrieval as the mode of the learned conditional (Baptista, Stuart,
/// Tran 2025, arXiv 2505.24134).
///
/// On a gallery u_1 … u_N drawn from the marginal, the encoders' conditional is `ρ(u_k | v) = softmax_k S_k`, `S_k = κ(g(u_k), h(v)) / τ`,
/// over the *whole* gallery. With weights w_k > 0 (a prior that the gallery does not show) it is `w_k e^{S_k} / Σ_l w_l e^{S_l}`, and a
/// weight of 0 takes a row out.
///
/// One pass over the gallery, in blocks that stay in the cache: every score goes into its query's sums Σ e^S and Σ e^{2S}, and is compared with
/// its query's worst of the best so far; none is stored. Memory: the queries, their candidates, and one block a worker.
///
/// Scores are single precision; those of the best `top` + 8 are made again in Double, there and in the sums, and order the result. Sums are
/// defined over fixed parts of the gallery, so all results are the same bits for every number of workers, on one kind of CPU.
public struct GallerySearch: Sendable {
    public let similarity: Similarity
    public let temperature: Double
    /// K, the candidates of each query.
    public let top: Int

    /// Queries that are searched for in one pass over the gallery; more take several passes.
    public static let queriesAtOnce = 16_384
    /// Candidates kept beyond `top`, among which rounding in single precision may have put a better one.
    private static let spare = 8

    /// - Throws: `SearchError` where the temperature or the number of candidates is none.
    public init(similarity: Similarity, temperature: Double, top: Int) throws {
        guard temperature > 0, temperature.isFinite else { throw SearchError("a temperature of \(temperature)") }
        guard top > 0 else { throw SearchError("the best \(top) of a gallery; wanted at least 1") }
        self.similarity = similarity
        self.temperature = temperature
        self.top = top
    }

    /// Every worker calls it with the same queries and gallery, and gets the same result.
    /// - Parameters:
    ///   - queries: Q × d, as the encoder gives them.
    ///   - weights: the w_k, N of them, ≥ 0; nil: all 1.
    ///   - firstQuery: the number of the first query, for errors.
    /// - Throws: `SearchError` where the sizes do not fit, fewer rows than `top` take part, or a score leaves single precision; whatever the
    ///   gallery's reading throws; `CollectiveError` where a worker has failed.
    public func run(
        queries: Tensor, gallery: Gallery, weights: [Double]? = nil, firstQuery: Int = 0, communicator: any Communicator
    ) throws -> SearchResult {
        let taking = try requireSizes(queries, gallery, weights, firstQuery: firstQuery)
        let prepared = PackedQueries(queries, similarity: similarity, temperature: temperature)
        let capacity = min(top + Self.spare, taking)
        let standing = TopK(queries: queries.rows, capacity: capacity)
        let parts = Gallery.parts(ofWorker: communicator.rank, of: communicator.size)
        var totals = Normalizer(queries: queries.rows, parts: parts.count)
        let reader = try gallery.makeReader()
        for (place, part) in parts.enumerated() {
            try scan(gallery.rows(ofPart: part), reader, prepared, weights, standing) {
                totals.withPointers(ofPart: place, $0)
            }
        }
        let everyones = try totals.merged(communicator)
        let candidates = try standing.merged(communicator)
        return try SearchAssembly(
            search: self, queries: prepared, firstQuery: firstQuery, weights: weights, taking: taking
        )
        .result(totals: everyones, candidates: candidates)
    }

    /// Meets all queries with some rows, block by block.
    private func scan(
        _ rows: Range<Int>, _ reader: any GalleryReader, _ queries: PackedQueries, _ weights: [Double]?,
        _ standing: TopK,
        withTotals: ((Normalizer.Pointers) -> Void) -> Void
    ) throws {
        let dimension = queries.dimension, step = Gallery.blockRows(dimension: dimension)
        var offsets = [Float](repeating: 0, count: step)
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
            let block = start..<min(start + step, rows.upperBound)
            let pointer = try reader.rows(block)
            if similarity == .quadratic || weights != nil {
                for (place, row) in block.enumerated() {
                    offsets[place] = offset(pointer + place * dimension, dimension, weight: weights?[row] ?? 1)
                }
            }
            withTotals { totals in
                for panel in 0..<queries.panels {
                    let first = panel * PackedQueries.width
                    var described = queries.description(ofPanel: panel)
                    var best = standing.description(from: first)
                    couplet_search_block(
                        &described, block.count, pointer, offsets, Int64(start), &best, totals.exponents + first,
                        totals.sums + first,
                        totals.squares + first)
                }
            }
        }
    }

    /// What is added to an inner product in units of a power of two: -½ |u|² / τ of the quadratic, and the logarithm of the weight.
    private func offset(_ row: UnsafePointer<Float>, _ dimension: Int, weight: Double) -> Float {
        guard weight > 0 else { return COUPLET_EXCLUDED }
        let logWeight = weight == 1 ? 0 : log2(weight)
        guard similarity == .quadratic else { return Float(logWeight) }
        return Float(logWeight - 0.5 * couplet_squared_norm(dimension, row) * PackedQueries.powers(temperature))
    }

    /// - Returns: how many rows take part.
    private func requireSizes(_ queries: Tensor, _ gallery: Gallery, _ weights: [Double]?, firstQuery: Int) throws
        -> Int
    {
        guard queries.shape.count == 2, queries.columns == gallery.dimension else {
            throw SearchError(
                "queries of \(queries.columns) numbers and a gallery of \(gallery.dimension); encodings that are compared are equally long"
            )
        }
        let wrong = couplet_first_not_finite(queries.count, queries.pointer)
        if wrong < queries.count {
            throw SearchError(
                "the encoding of query row \(firstQuery + wrong / queries.columns) holds \(queries.pointer[wrong]); every number must be finite"
            )
        }
        var taking = gallery.count
        if let weights {
            guard weights.count == gallery.count else {
                throw SearchError(
                    "\(weights.count) prior weights for a gallery of \(gallery.count) rows; give one a row")
            }
            if let row = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
                throw SearchError("the prior weight of gallery row \(row) is \(weights[row]); wanted 0 or more")
            }
            taking = weights.count { $0 > 0 }
        }
        guard top <= taking else {
            throw SearchError(
                "the best \(top) of a gallery of \(taking) row\(taking == 1 ? "" : "s")\(taking < gallery.count ? " with a prior above 0" : "")"
                    + "; ask for at most \(taking)")
        }
        return taking
    }
}
