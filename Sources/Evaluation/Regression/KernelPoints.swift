import CCoupletKernels
import CoupletTensors

/// Inputs of a kernel regression, and the Gaussian kernel `k(x, y) = exp(-γ |x - y|²)` between them.
package struct KernelPoints: Sendable {
    package let count: Int
    package let dimensions: Int
    /// By rows, count × dimensions, and by columns.
    private let rows: [Double], columns: [Double]

    package init(_ inputs: Matrix) {
        self.init(rows: inputs.elements, count: inputs.rows, dimensions: inputs.columns)
    }

    private init(rows: [Double], count: Int, dimensions: Int) {
        self.rows = rows
        self.count = count
        self.dimensions = dimensions
        var columns = [Double](repeating: 0, count: rows.count)
        for row in 0..<count {
            for column in 0..<dimensions { columns[column * count + row] = rows[row * dimensions + column] }
        }
        self.columns = columns
    }

    /// Those of a range.
    subscript(range: Range<Int>) -> KernelPoints {
        KernelPoints(
            rows: Array(rows[(range.lowerBound * dimensions)..<(range.upperBound * dimensions)]), count: range.count,
            dimensions: dimensions)
    }

    /// So many of them, evenly spread.
    func spread(_ wanted: Int) -> KernelPoints {
        let places = (0..<wanted).map { $0 * count / wanted }
        return KernelPoints(
            rows: places.flatMap { rows[($0 * dimensions)..<(($0 + 1) * dimensions)] }, count: wanted,
            dimensions: dimensions)
    }

    /// Those outside a range.
    func leavingOut(_ range: Range<Int>) -> KernelPoints {
        KernelPoints(
            rows: Array(rows[..<(range.lowerBound * dimensions)] + rows[(range.upperBound * dimensions)...]),
            count: count - range.count,
            dimensions: dimensions)
    }

    /// Writes k(points[i], own 0), …, for as many of this set's first points as there is room for.
    package func kernel(
        _ points: KernelPoints, _ i: Int, width gamma: Double, into entries: UnsafeMutableBufferPointer<Double>
    ) {
        precondition(
            entries.count <= count && points.dimensions == dimensions, "\(entries.count) entries of \(count) points")
        points.rows.withUnsafeBufferPointer { x in
            guard let from = x.baseAddress else { return }
            couplet_gaussian_kernel(
                entries.count, dimensions, from + i * dimensions, columns, count, gamma, entries.baseAddress)
        }
    }

    /// `Σ_i k(point, own i) coefficients[k][i]` for every point, points × components.
    /// - Parameter coefficients: components × count.
    package func predict(_ points: KernelPoints, width gamma: Double, _ coefficients: Matrix) -> Matrix {
        // So many points at a time that their kernel stays in the second cache.
        let piece = max(1, min(points.count, (1 << 17) / max(count, 1)))
        var tile = Matrix(rows: piece, columns: count), part = Matrix(rows: piece, columns: coefficients.rows)
        var result = Matrix(rows: points.count, columns: coefficients.rows)
        for start in stride(from: 0, to: points.count, by: piece) {
            let here = min(piece, points.count - start)
            tile.elements.withUnsafeMutableBufferPointer { all in
                for row in 0..<here {
                    kernel(
                        points, start + row, width: gamma,
                        into: UnsafeMutableBufferPointer(rebasing: all[(row * count)..<((row + 1) * count)]))
                }
            }
            part.setProduct(tile, coefficients, secondTransposed: true)
            for row in 0..<here { for column in 0..<part.columns { result[start + row, column] = part[row, column] } }
        }
        return result
    }
}
