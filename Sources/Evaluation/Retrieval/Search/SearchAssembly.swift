import CCoupletKernels

#if canImport(Glibc)
    import Glibc
#endif

/// Makes the result of what a pass over the gallery has left: sums in single precision over all rows, and the best rows in Double.
struct SearchAssembly {
    let search: GallerySearch
    let queries: PackedQueries
    let firstQuery: Int
    let weights: [Double]?
    /// The gallery rows that take part.
    let taking: Int

    /// Beyond so many powers of two a score in single precision has no fraction worth the name.
    private static let largestExponent = 0x1p20

    func result(totals: [Normalizer.Total], candidates: [[SearchCandidate]]) throws -> SearchResult {
        var result = SearchResult(queries: queries.count, top: search.top)
        for query in 0..<queries.count { try add(query, totals[query], candidates[query], to: &result) }
        return result
    }

    private func add(
        _ query: Int, _ total: Normalizer.Total, _ candidates: [SearchCandidate], to result: inout SearchResult
    ) throws {
        let powers = PackedQueries.powers(search.temperature), leftOut = queries.leftOut[query]
        guard total.sum.isFinite, total.square.isFinite, abs(total.exponent) <= Self.largestExponent else {
            throw SearchError(
                """
                query row \(firstQuery + query): scores reach beyond single precision (2^\(total.exponent)); a higher temperature than \
                \(search.temperature), or encodings of moderate length, are needed
                """)
        }
        /// The exponent of a candidate's term as Double has it, relative to the total's.
        func exact(_ candidate: SearchCandidate) -> Double {
            let logWeight = weights.map { log2($0[candidate.row]) } ?? 0
            return candidate.similarity * powers + leftOut * PackedQueries.powers(1) + logWeight - total.exponent
        }
        // The best rows' terms in Double, in place of those in single precision.
        var sum = total.sum, square = total.square
        if candidates.count == taking { (sum, square) = (0, 0) }
        for candidate in candidates where candidates.count < taking {
            let term = exp2(Double(candidate.score) - total.exponent)
            sum -= term
            square -= term * term
        }
        // What is left of all others is rounding where they are nothing beside the best.
        (sum, square) = (max(sum, 0), max(square, 0))
        for candidate in candidates {
            let term = exp2(exact(candidate))
            sum += term
            square += term * term
        }
        let logSum = log2(sum)
        let best = candidates.map { (candidate: $0, exponent: exact($0)) }
            .sorted { $0.exponent > $1.exponent || ($0.exponent == $1.exponent && $0.candidate.row < $1.candidate.row) }
            .prefix(search.top)
        for (candidate, exponent) in best {
            result.rows.append(candidate.row)
            result.scores.append(candidate.similarity / search.temperature)
            result.probabilities.append(exp2(exponent - logSum))
        }
        result.logNormalizers.append((total.exponent + logSum) / PackedQueries.powers(1) - leftOut)
        result.effectiveCandidates.append(sum * (sum / square))
    }
}
