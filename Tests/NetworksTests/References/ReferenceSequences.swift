/// Naive reference layers over sequences in Double, with PyTorch's shapes and conventions.
enum ReferenceSequences {
    /// [positions][width] of one row.
    static func row(_ x: [Double], _ row: Int, _ positions: Int, _ width: Int) -> [[Double]] {
        (0..<positions).map { t in (0..<width).map { x[(row * positions + t) * width + $0] } }
    }

    static func embedding(_ ids: [Double], _ table: [Double], width: Int) -> [Double] {
        ids.flatMap { id in (0..<width).map { id == 0 ? 0 : table[Int(id) * width + $0] } }
    }

    static func bag(_ ids: [Double], _ table: [Double], positions: Int, width: Int, mean: Bool) -> [Double] {
        (0..<(ids.count / positions)).flatMap { row in
            let valid = (0..<positions).map { Int(ids[row * positions + $0]) }.filter { $0 != 0 }
            return (0..<width).map { c in
                let sum = valid.reduce(0.0) { $0 + table[$1 * width + c] }
                return mean && !valid.isEmpty ? sum / Double(valid.count) : sum
            }
        }
    }

    /// - Parameter lengths: valid positions of each row.
    static func pool(_ x: [Double], lengths: [Int], positions: Int, width: Int, _ reduce: ([Double]) -> Double)
        -> [Double]
    {
        lengths.enumerated().flatMap { number, length in
            let rows = row(x, number, positions, width).prefix(length)
            return (0..<width).map { c in length == 0 ? 0 : reduce(rows.map { $0[c] }) }
        }
    }

    static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    static func sum(_ values: [Double]) -> Double { values.reduce(0, +) }
    static func largest(_ values: [Double]) -> Double { values.max() ?? 0 }

    static func attentionPool(
        _ x: [Double], queries: [Double], lengths: [Int], positions: Int, width: Int, heads: Int,
        exponential: (Double) -> Double
    ) -> [Double] {
        lengths.enumerated().flatMap { number, length in
            let rows = row(x, number, positions, width).prefix(length)
            return (0..<width).map { c in
                let query = queries[(c / (width / heads) * width)..<((c / (width / heads) + 1) * width)]
                let weights = rows.map { position in
                    exponential(zip(query, position).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot())
                }
                let total = weights.reduce(0, +)
                return zip(rows, weights).reduce(0) { $0 + $1.0[c] * $1.1 / total }
            }
        }
    }

    /// z[t][o] = Σ_c,j w[o][c][j] x[t stride + j - front][c] + b[o], with zeros outside of the valid positions, and
    /// zeros for the outputs after `outputLengths`.
    static func convolution(
        _ x: [Double], weight: [Double], bias: [Double]?, lengths: [Int], positions: Int, width: Int, outputs: Int,
        channels: Int, kernel: Int, stride: Int, front: Int, outputLengths: [Int]?, _ f: (Double) -> Double
    ) -> [Double] {
        lengths.enumerated().flatMap { number, length in
            let rows = row(x, number, positions, width)
            return (0..<outputs).flatMap { t in
                (0..<channels).map { o in
                    if let outputLengths, t >= outputLengths[number] { return 0.0 }
                    var sum = bias?[o] ?? 0
                    for j in 0..<kernel {
                        let place = t * stride + j - front
                        guard place >= 0, place < length else { continue }
                        for c in 0..<width { sum += weight[(o * width + c) * kernel + j] * rows[place][c] }
                    }
                    return f(sum)
                }
            }
        }
    }

    /// Joins [rows][a] and [rows][b] to [rows][a + b].
    static func joined(_ parts: [[Double]], rows: Int) -> [Double] {
        (0..<rows).flatMap { row in
            parts.flatMap { part in
                let width = part.count / rows
                return Array(part[(row * width)..<((row + 1) * width)])
            }
        }
    }
}
