import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// Counts, for tiles of U Vᵀ, how many candidates score as high as a query's positive or higher.
///
/// The products are single precision, and their bits depend on the place in the tile. So counting is in two parts: what is certain
/// within the error of a product is counted by a kernel, and the few scores that are too close are made again in Double. The counts
/// are those of scores in Double, exact ties included, on every CPU and for every cut into tiles. A NaN beats everything.
struct RankCounter {
    let similarity: Similarity
    private let tile: Tensor
    private var certain: [UInt32], possible: [UInt32]
    /// Of the last tile: for each query of the first side how many of the second reach its positive, and the other way. A
    /// query's own positive counts, so these are ranks.
    private(set) var rowCounts: [Int], columnCounts: [Int]

    /// For tiles of at most rows × columns.
    init(similarity: Similarity, rows: Int, columns: Int) {
        self.similarity = similarity
        tile = Tensor([rows * columns])
        certain = [UInt32](repeating: 0, count: max(rows, columns))
        possible = certain
        rowCounts = [Int](repeating: 0, count: rows)
        columnCounts = [Int](repeating: 0, count: columns)
    }

    /// Makes the tile U Vᵀ, in single precision, over all rows of both, and counts.
    /// - Parameter bothWays: false where only the first side asks.
    mutating func count(_ first: EncodedShard, _ second: EncodedShard, bothWays: Bool = true) {
        let rows = first.encodings.rows, columns = second.encodings.rows
        let scores = tile.flat(0..<(rows * columns)).reshaped([rows, columns])
        MatrixProduct.multiply(first.encodings, .asIs, second.encodings, .transposed, into: scores)
        countRows(first, second, scores)
        if bothWays { countColumns(first, second, scores) }
    }

    private mutating func countRows(_ first: EncodedShard, _ second: EncodedShard, _ scores: Tensor) {
        let columns = scores.columns, d = first.encodings.columns, terms = second.terms
        let scale = terms.roundedScale.pointer, offset = terms.roundedOffset.pointer
        let (low, high) = bounds(of: first, among: terms)
        couplet_count_row_scores(
            first.count, second.count, scores.pointer, columns, scale, offset, low, high, &certain, &possible)
        for i in 0..<first.count {
            rowCounts[i] = Int(certain[i])
            if possible[i] == certain[i] { continue }
            // The whole row anew: a score must fall on one side once, and the kernel may have rounded it another way.
            rowCounts[i] = 0
            let row = scores.pointer + i * columns, query = first.encodings.pointer + i * d
            for j in 0..<second.count {
                let score = row[j] * scale[j] + offset[j]
                if score < low[i] { continue }
                let candidate = second.encodings.pointer + j * d
                if score > high[i] || !(terms.score(query, candidate, at: j) < first.positives[i]) { rowCounts[i] += 1 }
            }
        }
    }

    private mutating func countColumns(_ first: EncodedShard, _ second: EncodedShard, _ scores: Tensor) {
        let columns = scores.columns, d = first.encodings.columns, terms = first.terms
        let scale = terms.roundedScale.pointer, offset = terms.roundedOffset.pointer
        let (low, high) = bounds(of: second, among: terms)
        couplet_count_column_scores(
            first.count, second.count, scores.pointer, columns, scale, offset, low, high, &certain, &possible)
        var open: [Int] = []
        for j in 0..<second.count {
            let isOpen = possible[j] != certain[j]
            columnCounts[j] = isOpen ? 0 : Int(certain[j])
            if isOpen { open.append(j) }
        }
        if open.isEmpty { return }
        for i in 0..<first.count {
            let row = scores.pointer + i * columns, candidate = first.encodings.pointer + i * d
            for j in open {
                let score = row[j] * scale[i] + offset[i]
                if score < low[j] { continue }
                let query = second.encodings.pointer + j * d
                if score > high[j] || !(terms.score(query, candidate, at: i) < second.positives[j]) {
                    columnCounts[j] += 1
                }
            }
        }
    }

    private func bounds(of queries: EncodedShard, among candidates: CandidateScoring) -> (low: [Float], high: [Float]) {
        var low: [Float] = [], high: [Float] = []
        low.reserveCapacity(queries.count)
        high.reserveCapacity(queries.count)
        for i in 0..<queries.count {
            let interval = candidates.openInterval(around: queries.positives[i], queryNorm: queries.terms.norm[i])
            low.append(interval.low)
            high.append(interval.high)
        }
        return (low, high)
    }
}
