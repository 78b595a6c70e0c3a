import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// The scores S = κ(g(u_i), h(v_j)) / τ of a batch in figures, found tile by tile: positives i = j, negatives i ≠ j.
public struct ScoreStatistics: Equatable, Sendable {
    public let positiveMean: Double, positiveDeviation: Double
    public let negativeMean: Double, negativeDeviation: Double
    public let negativeLargest: Double
    /// The share of pairs whose positive no negative of its row (of its column) beats. Scores that differ by less than 2⁻²⁰, relative to
    /// a score above 1, count as equal.
    public let firstInRow: Double, firstInColumn: Double

    private static let side = 512

    /// - Parameters:
    ///   - first, second: encodings, B × e.
    ///   - temperature: τ.
    init(first: Tensor, second: Tensor, similarity: Similarity, temperature: Double) {
        let batch = first.rows, d = first.columns
        let (x, a) = Self.prepared(first, similarity, temperature),
            (y, b) = Self.prepared(second, similarity, temperature)
        let tile = Tensor([Self.side * Self.side])
        var sums = [0.0, 0.0], positives = [Float](repeating: 0, count: batch), center: Float = 0
        var rowLargest = [Float](repeating: -.infinity, count: batch), columnLargest = rowLargest
        for i in stride(from: 0, to: batch, by: Self.side) {
            for j in stride(from: 0, to: batch, by: Self.side) {
                let rows = min(Self.side, batch - i), columns = min(Self.side, batch - j)
                MatrixProduct.multiply(
                    m: rows, n: columns, k: d, alpha: Float(1 / temperature), x.pointer + i * d, .asIs, stride: d,
                    y.pointer + j * d, .transposed,
                    stride: d, beta: 0, tile.pointer, stride: columns)
                if similarity == .quadratic {
                    couplet_tile_offset(rows, columns, tile.pointer, columns, a.pointer + i, b.pointer + j)
                }
                // Any score near the others: their differences keep their digits.
                if i == 0, j == 0 { center = tile.pointer[0] }
                columnLargest.withUnsafeMutableBufferPointer { largest in
                    let largest = largest.baseAddress! + j
                    for row in 0..<rows {
                        let scores = tile.pointer + row * columns
                        // The positive takes no part.
                        let split = i == j ? row : columns
                        var best = couplet_score_figures(split, scores, center, largest, &sums)
                        if i == j {
                            positives[i + row] = scores[row]
                            best = max(
                                best,
                                couplet_score_figures(
                                    columns - row - 1, scores + row + 1, center, largest + row + 1, &sums))
                        }
                        rowLargest[i + row] = max(rowLargest[i + row], best)
                    }
                }
            }
        }
        let own = positives.reduce(into: [0.0, 0.0]) { sums, score in
            let distance = Double(score) - Double(center)
            sums[0] += distance
            sums[1] += distance * distance
        }
        (positiveMean, positiveDeviation) = Self.moments(own, count: batch, center: center)
        (negativeMean, negativeDeviation) = Self.moments(sums, count: batch * (batch - 1), center: center)
        negativeLargest = Double(rowLargest.reduce(-.infinity, max))
        func share(_ largest: [Float]) -> Double {
            let wins = zip(positives, largest).count { $0 >= $1 - 0x1p-20 * max(1, abs($0)) }
            return Double(wins) / Double(batch)
        }
        firstInRow = share(rowLargest)
        firstInColumn = share(columnLargest)
    }

    /// What the product compares, and for the quadratic similarity ½ |x|² / τ of each row.
    private static func prepared(_ encodings: Tensor, _ similarity: Similarity, _ temperature: Double) -> (
        rows: Tensor, offsets: Tensor
    ) {
        let rows = encodings.rows, d = encodings.columns, offsets = Tensor([rows])
        switch similarity {
        case .innerProduct: return (encodings, offsets)
        case .cosine:
            let directions = Tensor(encodings.shape)
            couplet_normalize_rows(rows, d, encodings.pointer, directions.pointer, offsets.pointer)
            return (directions, offsets)
        case .quadratic:
            couplet_row_squares(rows, d, encodings.pointer, Float(0.5 / temperature), offsets.pointer)
            return (encodings, offsets)
        }
    }

    /// Mean and standard deviation from Σ (x - center) and Σ (x - center)².
    private static func moments(_ sums: [Double], count: Int, center: Float) -> (mean: Double, deviation: Double) {
        let mean = sums[0] / Double(count), variance = sums[1] / Double(count) - mean * mean
        return (mean + Double(center), variance < 0 ? 0 : variance.squareRoot())
    }
}
