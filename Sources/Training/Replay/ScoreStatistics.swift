import CKernels
import Objectives
import Tensors

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
        let (x, a) = Self.prepared(first, similarity, temperature), (y, b) = Self.prepared(second, similarity, temperature)
        let tile = Tensor([Self.side * Self.side])
        var sums = Moments(), positives = [Float](repeating: 0, count: batch)
        var rowLargest = [Float](repeating: -.infinity, count: batch), columnLargest = rowLargest
        for i in stride(from: 0, to: batch, by: Self.side) {
            for j in stride(from: 0, to: batch, by: Self.side) {
                let rows = min(Self.side, batch - i), columns = min(Self.side, batch - j)
                MatrixProduct.multiply(
                    m: rows, n: columns, k: d, alpha: Float(1 / temperature), x.pointer + i * d, .asIs, stride: d, y.pointer + j * d, .transposed,
                    stride: d, beta: 0, tile.pointer, stride: columns)
                if similarity == .quadratic { couplet_tile_offset(rows, columns, tile.pointer, columns, a.pointer + i, b.pointer + j) }
                columnLargest.withUnsafeMutableBufferPointer { largest in
                    let largest = largest.baseAddress! + j
                    for row in 0..<rows {
                        let scores = tile.pointer + row * columns
                        if i == j {
                            positives[i + row] = scores[row]
                            let before = sums.add(scores, row, largest)
                            let after = sums.add(scores + row + 1, columns - row - 1, largest + row + 1)
                            rowLargest[i + row] = max(rowLargest[i + row], before, after)
                        } else {
                            rowLargest[i + row] = max(rowLargest[i + row], sums.add(scores, columns, largest))
                        }
                    }
                }
            }
        }
        var own = Moments()
        for score in positives { own.add(Double(score)) }
        (positiveMean, positiveDeviation) = own.result(count: batch)
        (negativeMean, negativeDeviation) = sums.result(count: batch * (batch - 1))
        negativeLargest = Double(rowLargest.reduce(-.infinity, max))
        func share(_ largest: [Float]) -> Double {
            let wins = zip(positives, largest).count { $0 >= $1 - 0x1p-20 * max(1, abs($0)) }
            return Double(wins) / Double(batch)
        }
        firstInRow = share(rowLargest)
        firstInColumn = share(columnLargest)
    }

    /// What the product compares, and for the quadratic similarity ½ |x|² / τ of each row.
    private static func prepared(_ encodings: Tensor, _ similarity: Similarity, _ temperature: Double) -> (rows: Tensor, offsets: Tensor) {
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

    /// Sums of scores and of their squares, in Double.
    private struct Moments {
        var sum = 0.0, squares = 0.0
        private var sums = SIMD16<Double>(), laneSquares = SIMD16<Double>()

        mutating func add(_ score: Double) {
            sum += score
            squares += score * score
        }

        /// Adds a run of scores, raises the columns' largest, and returns the largest of the run.
        mutating func add(_ scores: UnsafePointer<Float>, _ count: Int, _ largest: UnsafeMutablePointer<Float>) -> Float {
            var best = SIMD16<Float>(repeating: -.infinity)
            let whole = count / 16 * 16
            for start in stride(from: 0, to: whole, by: 16) {
                let values = UnsafeRawPointer(scores + start).loadUnaligned(as: SIMD16<Float>.self)
                let known = UnsafeRawPointer(largest + start).loadUnaligned(as: SIMD16<Float>.self)
                best = pointwiseMax(best, values)
                UnsafeMutableRawPointer(largest + start).storeBytes(of: pointwiseMax(known, values), as: SIMD16<Float>.self)
                let wide = SIMD16<Double>(values)
                sums += wide
                laneSquares += wide * wide
            }
            var result = best.max()
            for place in whole..<max(whole, count) {
                result = max(result, scores[place])
                largest[place] = max(largest[place], scores[place])
                add(Double(scores[place]))
            }
            return result
        }

        /// Mean and standard deviation.
        func result(count: Int) -> (mean: Double, deviation: Double) {
            let n = Double(count), mean = (sum + sums.sum()) / n
            let variance = (squares + laneSquares.sum()) / n - mean * mean
            return (mean, variance < 0 ? 0 : variance.squareRoot())
        }
    }
}
