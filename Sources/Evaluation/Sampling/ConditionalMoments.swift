import CoupletTensors

/// Mean and covariance of a conditional distribution, estimated from draws, with the estimates' standard errors.
public struct ConditionalMoments: Equatable, Sendable {
    /// Largest dimension for which covariances are estimated; above it, variances only.
    public static let largestCovariance = 128

    /// d numbers; for labels the probability of each class.
    public let mean: [Double]
    /// d numbers.
    public let variance: [Double]
    /// d × d; nil above `largestCovariance` dimensions, and for labels.
    public let covariance: Matrix?
    /// The standard errors of `mean`.
    public let meanError: [Double]
    /// The standard errors of `covariance`; nil if it is nil.
    public let covarianceError: Matrix?

    /// Estimates moments from weighted rows, by self-normalised importance sampling.
    ///
    /// The mean `m = Σ w_k x_k` has the standard error √Σ w_k² (x_k - m)² (Owen, *Monte Carlo theory, methods and
    /// examples*, 2013, chapter 9). Covariances are divided by 1 - Σ w², which is the usual (K-1)/K for equal weights.
    /// - Parameters:
    ///   - rows: K × d.
    ///   - weights: K, with the sum 1.
    public init(rows: Tensor, weights: [Double]) {
        let d = rows.columns, weightedRows = weights.indices.filter { weights[$0] > 0 }
        precondition(rows.rows == weights.count, "\(rows.rows) rows with \(weights.count) weights")
        let correction = max(1 - weights.reduce(0) { $0 + $1 * $1 }, .ulpOfOne)
        func sums(
            _ count: Int,
            _ addTerm: (_ row: UnsafeMutablePointer<Float>, _ weight: Double, _ sum: inout [Double]) -> Void
        ) -> [Double] {
            var sum = [Double](repeating: 0, count: count)
            for k in weightedRows { addTerm(rows.pointer + k * d, weights[k], &sum) }
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

    /// Estimates the probability p of each class, with the variance p (1 - p), from labels 0 … classes - 1 with weights
    /// of sum 1.
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

    /// Estimates moments from the draws of chains, C × n × d. The standard errors use the effective sample size of each
    /// quantity; for a covariance the quantity is (x_i - m_i)(x_j - m_j).
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

/// Sampled moments compared with the closed form of the learned coupling, which a correct sampler for linear encoders
/// of a Gaussian pair must reproduce.
public struct MomentComparison: Equatable, Sendable {
    /// The mean in closed form, d numbers.
    public let mean: [Double]
    /// The covariance in closed form, d × d.
    public let covariance: Matrix
    /// (sampled - closed form) / standard error of each mean.
    public let meanDeviations: [Double]
    /// The same for the covariances on and below the diagonal, row by row; empty if none were sampled.
    public let covarianceDeviations: [Double]

    /// - Parameters:
    ///   - conditional: the closed form of u given v.
    ///   - given: v.
    public init(_ moments: ConditionalMoments, _ conditional: GaussianConditional, given: [Double]) {
        let mean = conditional.mean(given: given)
        self.mean = mean
        covariance = conditional.covariance
        meanDeviations = mean.indices.map { Self.deviation(moments.mean[$0], mean[$0], moments.meanError[$0]) }
        var deviations: [Double] = []
        if let sampled = moments.covariance, let error = moments.covarianceError {
            for i in mean.indices {
                for j in 0...i {
                    deviations.append(Self.deviation(sampled[i, j], conditional.covariance[i, j], error[i, j]))
                }
            }
        }
        covarianceDeviations = deviations
    }

    /// The deviations of the means, then of the covariances.
    public var deviations: [Double] { meanDeviations + covarianceDeviations }

    /// Returns (sampled - exact) / error; 0 for a constant quantity, with error 0, that differs by rounding only.
    private static func deviation(_ sampled: Double, _ exact: Double, _ error: Double) -> Double {
        let difference = sampled - exact
        return error == 0 && abs(difference) <= 1e-6 * (1 + abs(exact)) ? 0 : difference / error
    }

    /// Returns the share of these deviations within 3 standard errors; 99.73 % for a normal distribution.
    public static func shareWithinThree(_ deviations: [Double]) -> Double {
        Double(deviations.count { abs($0) <= 3 }) / Double(max(deviations.count, 1))
    }

    /// Returns the bound that the largest of `count` deviations of a correct sampler exceeds with at most the given
    /// probability, however they depend on each other (Bonferroni): the x with count · P(|X| > x) = probability, X
    /// standard normal.
    public static func bound(count: Int, probability: Double = 0.01) -> Double {
        -NormalQuantile.value(probability / (2 * Double(max(count, 1))))
    }
}
