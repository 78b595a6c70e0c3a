import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Mean and covariance of a conditional, estimated from draws, with the standard errors of the estimates.
public struct ConditionalMoments: Equatable, Sendable {
    /// Up to so many dimensions covariances are made; above, variances alone.
    public static let largestCovariance = 128

    /// d numbers; for labels the probability of each class.
    public let mean: [Double]
    /// d numbers.
    public let variance: [Double]
    /// d × d; nil above `largestCovariance` dimensions, and for labels.
    public let covariance: Matrix?
    /// The standard errors of `mean`.
    public let meanError: [Double]
    /// The standard errors of `covariance`.
    public let covarianceError: Matrix?

    /// Of weighted rows, by self-normalised importance sampling: the mean `m = Σ w_k x_k` has the standard error √Σ w_k² (x_k - m)² (Owen, *Monte
    /// Carlo theory, methods and examples*, 2013, chapter 9). Covariances are divided by 1 - Σ w², which for equal weights is the usual (K-1)/K.
    /// - Parameters:
    ///   - rows: K × d.
    ///   - weights: K, of sum 1.
    public init(rows: Tensor, weights: [Double]) {
        let d = rows.columns, used = weights.indices.filter { weights[$0] > 0 }
        precondition(rows.rows == weights.count, "\(rows.rows) rows with \(weights.count) weights")
        let correction = max(1 - weights.reduce(0) { $0 + $1 * $1 }, .ulpOfOne)
        func sums(
            _ count: Int, _ term: (_ row: UnsafeMutablePointer<Float>, _ weight: Double, _ sum: inout [Double]) -> Void
        ) -> [Double] {
            var sum = [Double](repeating: 0, count: count)
            for k in used { term(rows.pointer + k * d, weights[k], &sum) }
            return sum
        }
        let mean = sums(d) { row, weight, sum in for i in 0..<d { sum[i] += weight * Double(row[i]) } }
        let squares = sums(2 * d) { row, weight, sum in
            for i in 0..<d {
                let square = (Double(row[i]) - mean[i]) * (Double(row[i]) - mean[i])
                sum[i] += weight * square
                sum[d + i] += weight * weight * square
            }
        }
        self.mean = mean
        variance = squares[..<d].map { $0 / correction }
        meanError = squares[d...].map { $0.squareRoot() }
        guard d <= Self.largestCovariance else {
            (covariance, covarianceError) = (nil, nil)
            return
        }
        let products = sums(d * d) { row, weight, sum in
            for i in 0..<d {
                let x = weight * (Double(row[i]) - mean[i])
                for j in 0..<d { sum[i * d + j] += x * (Double(row[j]) - mean[j]) }
            }
        }
        let errors = sums(d * d) { row, weight, sum in
            for i in 0..<d {
                let x = Double(row[i]) - mean[i]
                for j in 0..<d {
                    let difference = weight * (x * (Double(row[j]) - mean[j]) - products[i * d + j])
                    sum[i * d + j] += difference * difference
                }
            }
        }
        covariance = Matrix(rows: d, columns: d, elements: products.map { $0 / correction })
        covarianceError = Matrix(rows: d, columns: d, elements: errors.map { $0.squareRoot() / correction })
    }

    /// Of labels 0 … classes - 1 with weights of sum 1: the probability of each class, its variance p (1 - p).
    public init(labels: [Int], weights: [Double], classes: Int) {
        precondition(labels.count == weights.count, "\(labels.count) labels with \(weights.count) weights")
        var probabilities = [Double](repeating: 0, count: classes), squares = probabilities
        for (label, weight) in zip(labels, weights) {
            probabilities[label] += weight
            squares[label] += weight * weight
        }
        let total = squares.reduce(0, +)
        mean = probabilities
        variance = probabilities.map { $0 * (1 - $0) }
        meanError = zip(probabilities, squares).map { p, square in
            ((1 - p) * (1 - p) * square + p * p * (total - square)).squareRoot()
        }
        covariance = nil
        covarianceError = nil
    }

    /// Of chains' draws, C × n × d: standard errors by the effective sample size of each quantity, that of (x_i - m_i)(x_j - m_j) for a covariance.
    public init(draws: Tensor) {
        let d = draws.shape[2], count = Double(draws.shape[0] * draws.shape[1])
        let series = (0..<d).map { ChainDraws.coordinate($0, of: draws) }
        let mean = series.map { $0.reduce(0) { $0 + $1.reduce(0, +) } / count }
        let centred = zip(series, mean).map { chains, mean in chains.map { $0.map { $0 - mean } } }
        func product(_ i: Int, _ j: Int) -> [[Double]] {
            zip(centred[i], centred[j]).map { zip($0, $1).map { $0 * $1 } }
        }
        func sum(_ chains: [[Double]]) -> Double { chains.reduce(0) { $0 + $1.reduce(0, +) } }
        self.mean = mean
        variance = (0..<d).map { sum(product($0, $0)) / (count - 1) }
        meanError = series.map { ChainDiagnostics.effectiveSampleSize($0).standardError }
        guard d <= Self.largestCovariance else {
            (covariance, covarianceError) = (nil, nil)
            return
        }
        var covariance = Matrix(rows: d, columns: d), errors = covariance
        for i in 0..<d {
            for j in 0...i {
                let products = product(i, j)
                covariance[i, j] = sum(products) / (count - 1)
                covariance[j, i] = covariance[i, j]
                errors[i, j] = ChainDiagnostics.effectiveSampleSize(products).standardError
                errors[j, i] = errors[i, j]
            }
        }
        self.covariance = covariance
        covarianceError = errors
    }
}
