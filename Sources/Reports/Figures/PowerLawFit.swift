import CoupletText
import Glibc

/// A power law y = c xᵇ fitted to points by least squares of log y on log x.
///
///     b = Σ (ln x - mean)(ln y - mean) / Σ (ln x - mean)²
public struct PowerLawFit: Equatable, Sendable {
    /// b.
    public let slope: Double
    /// c.
    public let factor: Double
    /// The standard error of b, from the residuals; nil for two points, which leave none.
    public let slopeError: Double?
    /// The share of the variance of ln y that the line explains.
    public let determination: Double
    /// How many points were used.
    public let count: Int

    /// nil where fewer than two different positive x have a positive y.
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

    /// c xᵇ.
    public func value(at x: Double) -> Double { factor * pow(x, slope) }

    /// "slope −0.50 ± 0.02".
    public var text: String {
        "slope \(TypographicNumber.fixed(slope, decimals: 2))"
            + (slopeError.map { " ± \(TypographicNumber.fixed($0, decimals: 2))" } ?? "")
    }
}
