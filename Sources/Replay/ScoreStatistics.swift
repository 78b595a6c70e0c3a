import CCoupletKernels
import CoupletLosses
import CoupletTensors

/// Statistics of the scores S_ij = κ(g(u_i), h(v_j)) / τ of a batch: positives are i = j, negatives i ≠ j.
///
/// The scores are computed tile by tile, so that no B × B array exists.
public struct ScoreStatistics: Equatable, Sendable {
    public let positiveMean: Double
    public let positiveDeviation: Double
    public let negativeMean: Double
    public let negativeDeviation: Double
    public let negativeLargest: Double
    /// Share of pairs whose positive is the largest score of its row. Scores that differ by less than 2⁻²⁰, relative to
    /// scores above 1, count as equal.
    public let firstInRow: Double
    /// The same share for columns.
    public let firstInColumn: Double

    /// Rows and columns of a tile.
    private static let tileSize = 512

    /// - Parameters:
    ///   - first, second: encodings, B × e.
    ///   - temperature: τ.
    init(first: Tensor, second: Tensor, similarity: Similarity, temperature: Double) {
        let batch = first.rows
        let d = first.columns
        let (x, a) = Self.prepared(first, similarity, temperature)
        let (y, b) = Self.prepared(second, similarity, temperature)
        let tile = Tensor([Self.tileSize * Self.tileSize])
        var negativeSums = [0.0, 0.0]
        var positives = [Float](repeating: 0, count: batch)
        var center: Float = 0
        var rowLargest = [Float](repeating: -.infinity, count: batch)
        var columnLargest = rowLargest
        for i in stride(from: 0, to: batch, by: Self.tileSize) {
            for j in stride(from: 0, to: batch, by: Self.tileSize) {
                let rows = min(Self.tileSize, batch - i)
                let columns = min(Self.tileSize, batch - j)
                MatrixProduct.multiply(
                    m: rows, n: columns, k: d, x.pointer + i * d, .asIs, stride: d, y.pointer + j * d, .transposed,
                    stride: d, accumulate: false, tile.pointer, stride: columns)
                couplet_scale(rows * columns, Float(1 / temperature), tile.pointer)
                if similarity == .quadratic {
                    couplet_tile_offset(rows, columns, tile.pointer, columns, a.pointer + i, b.pointer + j)
                }
                // Moments are sums of differences from one of the scores, which keeps digits where the scores are
                // close.
                if i == 0, j == 0 { center = tile.pointer[0] }
                columnLargest.withUnsafeMutableBufferPointer { largest in
                    let largest = largest.baseAddress! + j
                    for row in 0..<rows {
                        let scores = tile.pointer + row * columns
                        // Leaves out the positive.
                        let split = i == j ? row : columns
                        var best = couplet_score_statistics(split, scores, center, largest, &negativeSums)
                        if i == j {
                            positives[i + row] = scores[row]
                            best = max(
                                best,
                                couplet_score_statistics(
                                    columns - row - 1, scores + row + 1, center, largest + row + 1, &negativeSums))
                        }
                        rowLargest[i + row] = max(rowLargest[i + row], best)
                    }
                }
            }
        }
        let positiveSums = positives.reduce(into: [0.0, 0.0]) { sums, score in
            let distance = Double(score) - Double(center)
            sums[0] += distance
            sums[1] += distance * distance
        }
        (positiveMean, positiveDeviation) = Self.moments(positiveSums, count: batch, center: center)
        (negativeMean, negativeDeviation) = Self.moments(negativeSums, count: batch * (batch - 1), center: center)
        negativeLargest = Double(rowLargest.reduce(-.infinity, max))
        func winningShare(_ largest: [Float]) -> Double {
            let wins = zip(positives, largest).count { $0 >= $1 - 0x1p-20 * max(1, abs($0)) }
            return Double(wins) / Double(batch)
        }
        firstInRow = winningShare(rowLargest)
        firstInColumn = winningShare(columnLargest)
    }

    /// The rows whose inner products give the scores, and for the quadratic similarity ½ |x|² / τ of each row.
    private static func prepared(
        _ encodings: Tensor, _ similarity: Similarity, _ temperature: Double
    ) -> (rows: Tensor, offsets: Tensor) {
        let rows = encodings.rows
        let d = encodings.columns
        let offsets = Tensor([rows])
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
    private static func moments(
        _ sums: [Double], count: Int, center: Float
    ) -> (mean: Double, deviation: Double) {
        let mean = sums[0] / Double(count)
        let variance = sums[1] / Double(count) - mean * mean
        return (mean + Double(center), variance < 0 ? 0 : variance.squareRoot())
    }
}
