import CoupletEvaluation
import CoupletTensors
import Glibc
import Testing

@Suite struct ChainDiagnosticsTests {
    /// Chains x_t = ρ x_{t-1} + √(1-ρ²) ε_t: N draws are worth N (1-ρ)/(1+ρ) independent ones.
    private static func autoregression(_ coefficient: Double, chains: Int, length: Int, seed: UInt64 = 5) -> [[Double]]
    {
        (0..<chains).map { chain in
            let noise = Philox(seed: seed).normals(length, .evaluation, number: UInt64(chain)).map(Double.init)
            var x = noise[0]
            return noise.map {
                x = coefficient * x + (1 - coefficient * coefficient).squareRoot() * $0
                return x
            }
        }
    }

    @Test(arguments: [-0.4, 0.0, 0.3, 0.7, 0.9])
    func effectiveSampleSizeOfAnAutoregression(_ coefficient: Double) {
        let chains = Self.autoregression(coefficient, chains: 4, length: 20_000)
        let exact = 80_000 * (1 - coefficient) / (1 + coefficient)
        let (size, error) = ChainDiagnostics.effectiveSampleSize(chains)
        #expect(abs(size / exact - 1) <= 0.06, "\(size) where \(exact) is exact")
        #expect(abs(error * exact.squareRoot() - 1) <= 0.04, "standard error \(error)")
        #expect(abs(ChainDiagnostics(chains).rHat - 1) <= 0.002)
    }

    /// Over many sets of chains, the means have the spread that the standard error estimates.
    @Test func standardErrorIsTheSpreadOfMeans() {
        let sets = (0..<300).map { Self.autoregression(0.6, chains: 4, length: 250, seed: UInt64(1_000 + $0)) }
        let means = sets.map { $0.reduce(0) { $0 + $1.reduce(0, +) } / 1_000 }
        let spread = (means.reduce(0) { $0 + $1 * $1 } / 300).squareRoot()
        let estimated = sets.reduce(0) { $0 + ChainDiagnostics.effectiveSampleSize($1).standardError } / 300
        // The spread of 300 means has an error of 4 %.
        #expect(abs(estimated / spread - 1) <= 0.15, "estimated \(estimated), found \(spread)")
    }

    @Test func disagreeingChainsAreDetected() {
        let same = Self.autoregression(0.5, chains: 4, length: 500)
        #expect(ChainDiagnostics(same).rHat <= 1.01)
        // One chain is shifted; one has another spread, which only the folded ranks show; all drift.
        let shifted = [same[0].map { $0 + 0.7 }] + same.dropFirst()
        let spread = [same[0].map { 3 * $0 }] + same.dropFirst()
        let drifting = same.map { chain in chain.enumerated().map { $0.element + 0.004 * Double($0.offset) } }
        for chains in [shifted, spread, drifting] { #expect(ChainDiagnostics(chains).rHat >= 1.05) }
        #expect(ChainDiagnostics(shifted).effectiveSampleSize <= 0.2 * ChainDiagnostics(same).effectiveSampleSize)
        // A Cauchy distribution has no variance, which does not affect ranks.
        let cauchy = same.map { $0.map { tan(0.5 * .pi * erf($0 / 2.0.squareRoot())) } }
        #expect(abs(ChainDiagnostics(cauchy).rHat - ChainDiagnostics(same).rHat) <= 1e-9)
        for value in [2, 0.7] {
            let still = ChainDiagnostics([[Double]](repeating: [Double](repeating: value, count: 1_000), count: 3))
            #expect(still.rHat.isNaN && still.effectiveSampleSize.isNaN && still.standardError == 0)
        }
    }

    /// Compares with a naive version of the formulas of Vehtari et al. (2021).
    @Test(arguments: [(4, 60, 0.5), (3, 41, 0.9), (2, 10, -0.5), (5, 4, 0.0)])
    func matchesNaiveDiagnostics(_ shape: (Int, Int, Double)) {
        var chains = Self.autoregression(shape.2, chains: shape.0, length: shape.1, seed: 9)
        // Some equal draws, as after rejected proposals.
        for chain in chains.indices {
            for t in stride(from: 3, to: shape.1, by: 3) { chains[chain][t] = chains[chain][t - 1] }
        }
        let found = ChainDiagnostics(chains), expected = NaiveDiagnostics(chains)
        #expect(abs(found.rHat - expected.rHat) <= 1e-9 * expected.rHat, "\(found.rHat), \(expected.rHat)")
        #expect(
            abs(found.effectiveSampleSize - expected.size) <= 1e-9 * expected.size,
            "\(found.effectiveSampleSize), \(expected.size)")
    }
}

/// The formulas of Vehtari et al. (2021) with every lag, ranks by counting and quantiles by bisection.
private struct NaiveDiagnostics {
    let rHat: Double, size: Double

    init(_ chains: [[Double]]) {
        let n = chains[0].count / 2
        let halves = chains.flatMap { [Array($0[..<n]), Array($0[($0.count - n)...])] }
        let all = halves.flatMap { $0 }.sorted()
        let median = all.count % 2 == 0 ? (all[all.count / 2 - 1] + all[all.count / 2]) / 2 : all[all.count / 2]
        let folded = halves.map { $0.map { abs($0 - median) } }
        rHat = max(Self.rHat(Self.scores(halves)), Self.rHat(Self.scores(folded)))

        let m = Double(halves.count), length = Double(n)
        let means = halves.map { $0.reduce(0, +) / length }
        let within =
            zip(halves, means).reduce(0) { sum, half in
                sum + half.0.reduce(0) { $0 + pow($1 - half.1, 2) } / (length - 1)
            } / m
        let grand = means.reduce(0, +) / m, between = length * means.reduce(0) { $0 + pow($1 - grand, 2) } / (m - 1)
        let pooled = (length - 1) / length * within + between / length
        let correlations = (0..<n).map { lag -> Double in
            let covariances = zip(halves, means).map { half, mean in
                (lag..<n).reduce(0) { $0 + (half[$1] - mean) * (half[$1 - lag] - mean) } / length
            }
            return lag == 0 ? 1 : 1 - (within - covariances.reduce(0, +) / m) / pooled
        }
        var pairs = stride(from: 0, to: n - 1, by: 2).map { correlations[$0] + correlations[$0 + 1] }
        pairs = Array(pairs.prefix { $0 > 0 })
        for k in pairs.indices.dropFirst() { pairs[k] = min(pairs[k], pairs[k - 1]) }
        let draws = m * length
        size = min(draws / (2 * pairs.reduce(0, +) - 1 > 0 ? 2 * pairs.reduce(0, +) - 1 : 1e-300), draws * log10(draws))
    }

    static func rHat(_ chains: [[Double]]) -> Double {
        let n = Double(chains[0].count), m = Double(chains.count)
        let means = chains.map { $0.reduce(0, +) / n }, grand = means.reduce(0, +) / m
        let within =
            zip(chains, means).reduce(0) { sum, chain in sum + chain.0.reduce(0) { $0 + pow($1 - chain.1, 2) } / (n - 1)
            } / m
        let between = n * means.reduce(0) { $0 + pow($1 - grand, 2) } / (m - 1)
        return (((n - 1) / n * within + between / n) / within).squareRoot()
    }

    static func scores(_ chains: [[Double]]) -> [[Double]] {
        let all = chains.flatMap { $0 }
        return chains.map {
            $0.map { x in
                let rank = Double(all.count { $0 < x }) + 0.5 * Double(all.count { $0 == x } + 1)
                let p = (rank - 0.375) / (Double(all.count) + 0.25)
                var low = -10.0, high = 10.0
                for _ in 0..<80 {
                    let middle = 0.5 * (low + high)
                    if 0.5 * erfc(-middle / 2.0.squareRoot()) < p { low = middle } else { high = middle }
                }
                return low
            }
        }
    }
}
