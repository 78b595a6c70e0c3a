import CoupletTensors

/// Convergence diagnostics of several Markov chains for one quantity: R̂ and the effective sample size (Vehtari,
/// Gelman, Simpson, Carpenter, Bürkner, *Rank-normalization, folding, and localization: an improved R̂*, Bayesian
/// Analysis 2021, with the estimators of Gelman et al., *Bayesian Data Analysis*, 3rd ed., chapter 11, and Stan).
///
/// Each chain is split into halves (without the middle draw of an odd number), so that a chain that has not become
/// stationary disagrees with itself. With M halves of n draws, means x̄_m and variances s_m²: `W = mean s_m²`, `var⁺ =
/// (n-1)/n W + Var x̄_m`.
public struct ChainDiagnostics: Equatable, Sendable {
    /// R̂, near 1 if the chains agree; NaN if all draws are equal. It is the larger of two: R̂ of the ranks of x, and
    /// R̂ of the ranks of |x - median|, which detects chains of different spread.
    public let rHat: Double
    /// Effective sample size of the mean: S / t, where S is the number of draws and t the integrated autocorrelation
    /// time.
    public let effectiveSampleSize: Double
    /// √(var⁺ / effective sample size): the standard error of the mean of all draws.
    public let standardError: Double

    /// - Parameter chains: the same number of draws each, at least 4.
    public init(_ chains: [[Double]]) {
        let halves = Self.halves(chains)
        let ranks = Self.normalizedRanks(halves), folded = Self.normalizedRanks(Self.folded(halves))
        // Folding two equally frequent values makes them equal. Then the R̂ of the ranks is the result.
        let candidates = [Self.rHat(ranks), Self.rHat(folded)].filter { !$0.isNaN }
        rHat = candidates.max() ?? .nan
        (effectiveSampleSize, standardError) = Self.size(of: halves)
    }

    /// Returns effective sample size and standard error only.
    /// - Parameter chains: the same number of draws each, at least 4.
    public static func effectiveSampleSize(_ chains: [[Double]]) -> (size: Double, standardError: Double) {
        size(of: halves(chains))
    }

    private static func halves(_ chains: [[Double]]) -> [[Double]] {
        let count = chains.first?.count ?? 0
        precondition(
            count >= 4 && chains.allSatisfy { $0.count == count }, "chains of \(chains.map(\.count)) draws")
        return chains.flatMap { [Array($0.prefix(count / 2)), Array($0.suffix(count / 2))] }
    }

    /// Returns √(var⁺/W).
    private static func rHat(_ chains: [[Double]]) -> Double {
        let moments = chains.map(Self.moments)
        let within = moments.reduce(0) { $0 + $1.variance } / Double(chains.count)
        guard within > 0 else { return moments.allSatisfy { $0.mean == moments[0].mean } ? .nan : .infinity }
        return (pooledVariance(moments, count: chains[0].count) / within).squareRoot()
    }

    /// Returns var⁺.
    private static func pooledVariance(_ moments: [(mean: Double, variance: Double)], count: Int) -> Double {
        let within = moments.reduce(0) { $0 + $1.variance } / Double(moments.count)
        return within * Double(count - 1) / Double(count) + Self.moments(moments.map(\.mean)).variance
    }

    private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1))
    }

    /// Returns S/t and the standard error, with `t = -1 + 2 Σ_k P_k`, `P_k = ρ_2k + ρ_2k+1`, `ρ_l = 1 - (W - mean_m
    /// γ_m(l))/var⁺`, and γ_m(l) the autocovariance of half m at lag l.
    ///
    /// The sum is Geyer's initial monotone sequence (*Practical Markov Chain Monte Carlo*, Statistical Science 1992):
    /// the P_k before the first that is not positive, each replaced by the minimum so far. S/t is limited to S log10 S,
    /// which antithetic chains can reach.
    private static func size(of chains: [[Double]]) -> (Double, Double) {
        let count = chains[0].count, total = Double(count * chains.count)
        let moments = chains.map(Self.moments)
        let within = moments.reduce(0) { $0 + $1.variance } / Double(chains.count)
        let pooled = pooledVariance(moments, count: count)
        // The mean of equal numbers may differ from them by rounding, so a variance of zero does not detect constant
        // chains.
        guard pooled > 0, chains.contains(where: { $0.contains { $0 != chains[0][0] } }) else { return (.nan, 0) }
        let centred = zip(chains, moments).map { chain, moments in chain.map { $0 - moments.mean } }
        func correlation(_ lag: Int) -> Double {
            let covariances = centred.map { x in
                var sum = 0.0
                for t in 0..<(count - lag) { sum += x[t] * x[t + lag] }
                return sum / Double(count)
            }
            return 1 - (within - covariances.reduce(0, +) / Double(chains.count)) / pooled
        }
        var sum = 0.0, minimum = Double.infinity
        for lag in stride(from: 0, to: count - 1, by: 2) {
            let pair = (lag == 0 ? 1 : correlation(lag)) + correlation(lag + 1)
            if !(pair > 0) { break }
            minimum = min(minimum, pair)
            sum += minimum
        }
        let time = max(2 * sum - 1, log(10) / log(max(total, 10)))
        return (total / time, (pooled * time / total).squareRoot())
    }

    /// Returns Φ⁻¹((r - 3/8)/(S + 1/4)) for the rank r of each draw among all S (Blom 1958). Equal draws have the mean
    /// of their ranks.
    private static func normalizedRanks(_ chains: [[Double]]) -> [[Double]] {
        let count = chains[0].count, values = chains.flatMap { $0 }
        let order = values.indices.sorted { values[$0] < values[$1] }
        var scores = [Double](repeating: 0, count: values.count), start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            // The draws start ..< end of the order are equal and share the ranks start + 1 … end.
            let rank = 0.5 * Double(start + 1 + end)
            let score = NormalQuantile.value((rank - 0.375) / (Double(values.count) + 0.25))
            for position in start..<end { scores[order[position]] = score }
            start = end
        }
        return chains.indices.map { Array(scores[$0 * count..<($0 + 1) * count]) }
    }

    /// Returns |x - median| of each draw.
    private static func folded(_ chains: [[Double]]) -> [[Double]] {
        let median = chains.flatMap { $0 }.median ?? .nan
        return chains.map { $0.map { abs($0 - median) } }
    }
}

/// The quantile function of the standard normal distribution.
enum NormalQuantile {
    /// Returns the x with P(X ≤ x) = p, for 0 < p < 1.
    ///
    /// It applies Newton's method to the complementary error function. It works in the tail that contains p, so that a
    /// small p loses no digits.
    static func value(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "the normal quantile of \(p)")
        if p > 0.5 { return -value(1 - p) }
        if p == 0.5 { return 0 }
        // In log p a step is exact for an exponential tail, so the iteration converges from any start.
        let target = log(p)
        var x = p > 0.02 ? 0.6 * log(p / (1 - p)) : -(-2 * target).squareRoot()
        for _ in 0..<60 {
            let tail = 0.5 * erfc(-x / 2.0.squareRoot())
            let density = exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
            let step = (log(tail) - target) * tail / density
            x -= step
            if abs(step) <= 1e-15 * max(1, abs(x)) { break }
        }
        return x
    }
}
