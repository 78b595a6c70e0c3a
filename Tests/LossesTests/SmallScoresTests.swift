import CCoupletKernels
import CoupletTensors
import Foundation
import Testing

/// The kernels for small encodings against chains of fused multiply-adds, bit for bit.
@Suite struct SmallScoresTests {
    /// A tile with random encodings and offsets, and the kernels' powers 2^T without and with its excluded pairs.
    private struct Example {
        let rows: Int, columns: Int, dimension: Int, padded: Int, stride: Int, diagonal: Int?
        let x: Tensor, scaled: Tensor, y: Tensor, transposed: Tensor, rowOffsets: Tensor, columnOffsets: Tensor

        init(rows: Int, columns: Int, dimension: Int, diagonal: Int?) {
            (self.rows, self.columns, self.dimension, self.diagonal) = (rows, columns, dimension, diagonal)
            padded = (columns + 15) / 16 * 16
            stride = padded + 16
            let philox = Philox(seed: UInt64(100 * rows + columns)), scale: Float = 3.7
            x = Tensor([rows, dimension], philox.normals(rows * dimension, .evaluation, number: 1))
            scaled = Tensor([rows, dimension], x.values.map { scale * $0 })
            y = Tensor([columns, dimension], philox.normals(columns * dimension, .evaluation, number: 2))
            transposed = Tensor([dimension, stride])
            for j in 0..<columns { for k in 0..<dimension { transposed[k * stride + j] = y[j * dimension + k] } }
            rowOffsets = Tensor([rows], philox.normals(rows, .evaluation, number: 3))
            columnOffsets = Tensor([padded])
            let offsets = philox.normals(columns, .evaluation, number: 4)
            for j in 0..<padded { columnOffsets[j] = j < columns ? offsets[j] : -COUPLET_EXCLUDED }
        }

        var tile: couplet_small_tile {
            couplet_small_tile(
                rows: rows, columns: columns, stride: stride, dimension: dimension, scaled: scaled.pointer,
                row_offsets: rowOffsets.pointer, column_offsets: columnOffsets.pointer, y: transposed.pointer,
                diagonal: diagonal ?? 0, has_diagonal: diagonal == nil ? 0 : 1)
        }

        func score(_ i: Int, _ j: Int) -> Float {
            (0..<dimension).reduce(-(columnOffsets[j] + rowOffsets[i])) {
                $0.addingProduct(scaled[i * dimension + $1], y[j * dimension + $1])
            }
        }

        /// 2^T by the kernel of tiles, and 0 for excluded pairs.
        func powers() -> [[Float]] {
            (0..<rows).map { i in
                let scores = (0..<columns).map { score(i, $0) }
                var powers = scores
                couplet_tile_exponentials(1, columns, scores, columns, 1, 0, &powers, columns, nil, nil)
                if let diagonal, powers.indices.contains(i + diagonal) { powers[i + diagonal] = 0 }
                return powers
            }
        }

        func keepAlive() { withExtendedLifetime((x, scaled, transposed, rowOffsets, columnOffsets)) {} }
    }

    private static let shapes: [(rows: Int, columns: Int, diagonal: Int?)] = [
        (1, 1, nil), (4, 16, nil), (3, 17, 0), (9, 40, -4), (22, 31, 15), (5, 48, 60),
    ]

    private static func laneSum(_ numbers: [Float]) -> Float {
        var lanes = [Float](repeating: 0, count: 16)
        for (j, number) in numbers.enumerated() { lanes[j % 16] += number }
        for half in [8, 4, 2, 1] { for lane in 0..<half { lanes[lane] += lanes[lane + half] } }
        return lanes[0]
    }

    @Test(arguments: 1...Int(COUPLET_SMALL_DIMENSION)) func sums(dimension: Int) {
        for (rows, columns, diagonal) in Self.shapes {
            let example = Example(rows: rows, columns: columns, dimension: dimension, diagonal: diagonal)
            let powers = example.powers()
            var rowSums = [Float](repeating: .nan, count: rows)
            var columnSums = [Float](repeating: .nan, count: example.padded)
            var tile = example.tile
            couplet_small_sums(&tile, &rowSums, &columnSums)
            example.keepAlive()
            for i in 0..<rows { #expect(rowSums[i] == Self.laneSum(powers[i])) }
            for j in 0..<columns {
                var sum: Float = 0, i = 0
                while i + 4 <= rows {
                    sum += (powers[i][j] + powers[i + 1][j]) + (powers[i + 2][j] + powers[i + 3][j])
                    i += 4
                }
                while i < rows {
                    sum += powers[i][j]
                    i += 1
                }
                #expect(columnSums[j] == sum)
            }
            #expect(columnSums[columns...].allSatisfy { $0 == 0 })
        }
    }

    /// A row's gradient has 16 lanes of chains over the columns; a column's gradient is one chain over the rows.
    @Test(arguments: 1...Int(COUPLET_SMALL_DIMENSION)) func gradients(dimension: Int) {
        for (rows, columns, diagonal) in Self.shapes {
            let example = Example(rows: rows, columns: columns, dimension: dimension, diagonal: diagonal)
            let philox = Philox(seed: 21), rowFactors = philox.normals(rows, .evaluation, number: 5)
            let columnFactors = philox.normals(example.padded, .evaluation, number: 6)
            let diagonalWeights = philox.normals(rows, .evaluation, number: 7)
            let initial = philox.normals(rows * dimension, .evaluation, number: 8)
            var weights = example.powers()
            for i in 0..<rows {
                for j in 0..<columns { weights[i][j] *= columnFactors[j] + rowFactors[i] }
                if let diagonal, weights[i].indices.contains(i + diagonal) {
                    weights[i][i + diagonal] = diagonalWeights[i]
                }
            }
            for hasWeightSums in [false, true] {
                var rowGradient = initial, rowWeightSums = [Float](repeating: 0, count: rows)
                var columnGradient = [Float](repeating: .nan, count: (dimension + 1) * example.stride)
                var tile = example.tile
                rowWeightSums.withUnsafeMutableBufferPointer { sums in
                    couplet_small_gradients(
                        &tile, example.x.pointer, rowFactors, columnFactors, diagonalWeights, &rowGradient,
                        hasWeightSums ? sums.baseAddress : nil, &columnGradient)
                }
                example.keepAlive()
                for i in 0..<rows {
                    for k in 0..<dimension {
                        var lanes = [Float](repeating: 0, count: 16)
                        for j in 0..<columns {
                            lanes[j % 16].addProduct(weights[i][j], example.y[j * dimension + k])
                        }
                        #expect(rowGradient[i * dimension + k] == initial[i * dimension + k] + Self.laneSum(lanes))
                    }
                    #expect(rowWeightSums[i] == (hasWeightSums ? Self.laneSum(weights[i]) : 0))
                }
                for j in 0..<columns {
                    for k in 0..<dimension {
                        let exact = (0..<rows).reduce(Float(0)) {
                            $0.addingProduct(weights[$1][j], example.x[$1 * dimension + k])
                        }
                        #expect(columnGradient[k * example.stride + j] == exact)
                    }
                    if hasWeightSums {
                        let exact = (0..<rows).reduce(Float(0)) { $0 + weights[$1][j] }
                        #expect(columnGradient[dimension * example.stride + j] == exact)
                    }
                }
            }
        }
    }

    @Test(arguments: 1...Int(COUPLET_SMALL_DIMENSION)) func diagonal(dimension: Int) {
        let example = Example(rows: 19, columns: 19, dimension: dimension, diagonal: nil)
        var positives = [Float](repeating: 0, count: 19)
        couplet_small_diagonal(
            19, dimension, example.scaled.pointer, example.rowOffsets.pointer, example.y.pointer,
            example.columnOffsets.pointer, &positives)
        example.keepAlive()
        for i in 0..<19 { #expect(positives[i] == example.score(i, i)) }
    }
}
