import CoupletTensors
import CoupletText

/// Mean and standard deviation of several numbers.
package struct SampleStatistics {
    package let mean: Double
    /// The sample standard deviation, √(Σ (x - mean)² / (n - 1)); 0 for one number.
    package let deviation: Double
    package let count: Int

    package init(_ values: [Double]) {
        let mean = values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
        self.mean = mean
        count = values.count
        deviation =
            count > 1 ? (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot() : 0
    }

    /// The standard error of the mean, deviation / √n; 0 for one number.
    package var standardError: Double { count > 1 ? deviation / Double(count).squareRoot() : 0 }
}

/// A power law y = c xᵇ, fitted to points by least squares of ln y on ln x:
///
///     b = Σ (ln x - mean)(ln y - mean) / Σ (ln x - mean)²
public struct PowerLawFit: Equatable, Sendable {
    /// The exponent b.
    public let slope: Double
    /// The factor c.
    public let factor: Double
    /// The standard error of b, from the residuals; nil for two points.
    public let slopeError: Double?
    /// The coefficient of determination R²: the fraction of the variance of ln y that the line explains.
    public let determination: Double
    /// Number of points used.
    public let count: Int

    /// Uses the points with positive x and y. Nil if these have fewer than two different x.
    public init?(_ points: [(x: Double, y: Double)]) {
        let logs = points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite }.map {
            (x: log($0.x), y: log($0.y))
        }
        guard logs.count >= 2 else { return nil }
        let n = Double(logs.count)
        let meanX = logs.reduce(0) { $0 + $1.x } / n, meanY = logs.reduce(0) { $0 + $1.y } / n
        let xx = logs.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        let xy = logs.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
        let yy = logs.reduce(0) { $0 + ($1.y - meanY) * ($1.y - meanY) }
        guard xx > 1e-20 * n else { return nil }
        let slope = xy / xx
        let residual = logs.reduce(0) { sum, point in
            let rest = point.y - meanY - slope * (point.x - meanX)
            return sum + rest * rest
        }
        self.slope = slope
        factor = exp(meanY - slope * meanX)
        slopeError = logs.count > 2 ? (residual / (n - 2) / xx).squareRoot() : nil
        determination = yy > 0 ? 1 - residual / yy : 1
        count = logs.count
    }

    /// Returns c xᵇ.
    public func value(at x: Double) -> Double { factor * pow(x, slope) }

    /// "slope −0.50 ± 0.02".
    public var text: String {
        "slope \(TypographicNumber.fixed(slope, decimals: 2))"
            + (slopeError.map { " ± \(TypographicNumber.fixed($0, decimals: 2))" } ?? "")
    }
}
