import Foundation

/// Attention and transformer blocks in Double, by loops over indices, with PyTorch's shapes. No code of the module.
enum ReferenceTransformer {
    /// Sequences of a shard, padded to `length` positions.
    struct Shape {
        var length: Int
        var width: Int
        var heads: Int
        /// Valid positions of each row; nil if all are valid.
        var lengths: [Int]?

        func count(_ row: Int) -> Int { lengths?[row] ?? length }
    }

    /// y = x Wᵀ + b for one vector.
    static func linear(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
        bias.indices.map { o in
            var sum = bias[o]
            for i in x.indices { sum += weight[o * x.count + i] * x[i] }
            return sum
        }
    }

    static func layerNorm(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        return x.indices.map { (x[$0] - mean) / (variance + 1e-5).squareRoot() * weight[$0] + bias[$0] }
    }

    /// The valid positions of a row.
    static func positions(_ x: [Double], row: Int, _ shape: Shape) -> [[Double]] {
        (0..<shape.count(row)).map { position in
            let start = (row * shape.length + position) * shape.width
            return Array(x[start..<(start + shape.width)])
        }
    }

    /// With padding of zeros.
    static func padded(_ rows: [[[Double]]], _ shape: Shape) -> [Double] {
        rows.flatMap { row in
            row.flatMap { $0 } + [Double](repeating: 0, count: (shape.length - row.count) * shape.width)
        }
    }

    /// Attention over the positions of one row. Parameters: Win, bin, Wout, bout.
    static func attention(_ x: [[Double]], _ p: [[Double]], _ shape: Shape) -> [[Double]] {
        let width = shape.width, depth = width / shape.heads
        let qkv = x.map { linear($0, p[0], p[1]) }
        return x.indices.map { i in
            var output = [Double](repeating: 0, count: width)
            for head in 0..<shape.heads {
                let columns = (head * depth)..<((head + 1) * depth)
                let scores = x.indices.map { j in
                    columns.reduce(0) { $0 + qkv[i][$1] * qkv[j][width + $1] } / Double(depth).squareRoot()
                }
                let most = scores.max()!, weights = scores.map { exp($0 - most) }, sum = weights.reduce(0, +)
                for j in x.indices {
                    for column in columns { output[column] += weights[j] / sum * qkv[j][2 * width + column] }
                }
            }
            return linear(output, p[2], p[3])
        }
    }

    static func attention(_ x: [Double], _ p: [[Double]], _ shape: Shape) -> [Double] {
        let rows = x.count / (shape.length * shape.width)
        return padded((0..<rows).map { attention(positions(x, row: $0, shape), p, shape) }, shape)
    }

    /// Parameters in the order of `TransformerBlock`. `masks` are the factors of dropout of both branches, [row][i].
    static func block(
        _ x: [Double], _ p: [[Double]], _ shape: Shape, masks: (first: [[Double]], second: [[Double]])? = nil
    ) -> [Double] {
        let rows = x.count / (shape.length * shape.width)
        func masked(_ y: [[Double]], _ mask: [Double]?) -> [[Double]] {
            guard let mask else { return y }
            return y.indices.map { t in y[t].indices.map { y[t][$0] * mask[t * shape.width + $0] } }
        }
        return padded(
            (0..<rows).map { row in
                let x = positions(x, row: row, shape)
                let attended = attention(x.map { layerNorm($0, p[0], p[1]) }, Array(p[2..<6]), shape)
                let middle = sum(x, masked(attended, masks?.first[row]))
                let hidden = middle.map { x in
                    linear(layerNorm(x, p[6], p[7]), p[8], p[9]).map { ReferenceLayers.activate(.gelu, $0) }
                }
                return sum(middle, masked(hidden.map { linear($0, p[10], p[11]) }, masks?.second[row]))
            }, shape)
    }

    static func sum(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
        zip(a, b).map { zip($0, $1).map { $0 + $1 } }
    }
}
