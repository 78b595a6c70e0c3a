import CoupletTensors

/// The directions of largest variance of N points in e dimensions: eigenvectors of their covariance
/// C = Σ (x - m) (x - m)ᵀ / N in Double, with the same bits on every CPU.
public struct PrincipalComponents: Sendable {
    /// The mean m of the points.
    public let mean: [Double]
    /// The directions, each of length 1, by descending variance.
    public let directions: [[Double]]
    /// The variance along each direction.
    public let variances: [Double]
    /// The variance along all e dimensions, the trace of C.
    public let totalVariance: Double

    /// - Parameters:
    ///   - points: N × e, N ≥ 1.
    ///   - count: the number of directions, at most e.
    /// - Throws: `LinearAlgebraError` if a number is not finite.
    public init(of points: Matrix, count: Int) throws {
        precondition(points.rows > 0 && count <= points.columns, "\(count) directions of \(points.rows) points")
        let (rows, columns) = (points.rows, points.columns)
        let mean = (0..<columns).map { column in
            (0..<rows).reduce(0.0) { $0 + points[$1, column] } / Double(rows)
        }
        var centred = points
        for row in 0..<rows { for column in 0..<columns { centred[row, column] -= mean[column] } }
        let covariance = (1 / Double(rows)) * (centred.transposed * centred)
        let (values, vectors) = try covariance.symmetricEigenvalues()
        let chosen = (0..<count).map { columns - 1 - $0 }
        self.mean = mean
        variances = chosen.map { max(0, values[$0]) }
        directions = chosen.map { direction in (0..<columns).map { vectors[$0, direction] } }
        totalVariance = covariance.diagonal.reduce(0, +)
    }

    /// The part of the variance that a direction has, 0 … 1.
    public func share(_ direction: Int) -> Double {
        totalVariance > 0 ? min(1, variances[direction] / totalVariance) : 0
    }

    /// The coordinates of points along the directions, N × count.
    public func coordinates(of points: Matrix) -> Matrix {
        var result = Matrix(rows: points.rows, columns: directions.count)
        for row in 0..<points.rows {
            for (index, direction) in directions.enumerated() {
                var sum = 0.0
                for column in direction.indices { sum += (points[row, column] - mean[column]) * direction[column] }
                result[row, index] = sum
            }
        }
        return result
    }
}
