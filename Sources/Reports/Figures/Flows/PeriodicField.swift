import CoupletTensors

/// A function on the unit square, periodic in both directions, by its values on a grid. Between the points of the grid
/// it is the trigonometric polynomial through the values, which is the function itself if its wavenumbers are below
/// side / 2.
package struct PeriodicField: Sendable {
    /// Points of the grid in each direction.
    package let side: Int
    /// side × side: row i, column j is the value at x = j / side, y = i / side.
    private let values: [Double]

    package init(_ values: [Float], side: Int) {
        precondition(side > 0 && values.count == side * side, "\(values.count) values on \(side) × \(side) points")
        self.side = side
        self.values = values.map { $0.isFinite ? Double($0) : 0 }
    }

    /// What is computed at the points of another grid.
    package enum Quantity: Sendable { case value, slopeInX, slopeInY }

    /// The value or a derivative at x = (q + offset) / count, y = (p + offset) / count.
    /// - Returns: count × count; row p, column q.
    package func sampled(_ quantity: Quantity, count: Int, offset: Double = 0) -> [Double] {
        // Interpolation is separable: F = A V Bᵀ with a matrix for each direction.
        let value = Self.weights(from: side, to: count, offset: offset, derivative: false)
        let slope = quantity == .value ? [] : Self.weights(from: side, to: count, offset: offset, derivative: true)
        let inX = quantity == .slopeInX ? slope : value, inY = quantity == .slopeInY ? slope : value
        var rows = [Double](repeating: 0, count: side * count)
        for i in 0..<side {
            for q in 0..<count {
                rows[i * count + q] = (0..<side).reduce(0) { $0 + inX[q * side + $1] * values[i * side + $1] }
            }
        }
        var result = [Double](repeating: 0, count: count * count)
        for p in 0..<count {
            for i in 0..<side {
                let weight = inY[p * side + i]
                for q in 0..<count { result[p * count + q] += weight * rows[i * count + q] }
            }
        }
        return result
    }

    /// The weights of the values at j / side in the interpolant at x = (q + offset) / count, or in its derivative:
    /// `1/side Σ_k w_k cos(2πk(x - j/side))`, k = 0 … ⌊side/2⌋, with w_0 = 1, w_k = 2, and 1 for k = side/2.
    /// - Returns: count × side.
    private static func weights(from side: Int, to count: Int, offset: Double, derivative: Bool) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(count * side)
        for q in 0..<count {
            for j in 0..<side {
                let angle = 2 * Double.pi * ((Double(q) + offset) / Double(count) - Double(j) / Double(side))
                var sum = derivative ? 0 : 1.0
                for k in stride(from: 1, through: side / 2, by: 1) {
                    let weight = 2 * k == side ? 1.0 : 2
                    sum +=
                        derivative
                        ? -weight * 2 * Double.pi * Double(k) * sin(Double(k) * angle)
                        : weight * cos(Double(k) * angle)
                }
                result.append(sum / Double(side))
            }
        }
        return result
    }
}
