import CoupletEvaluation
import CoupletTensors
import Testing

private typealias Score = ContinuousRankedProbabilityScore

@Suite struct ContinuousRankedProbabilityScoreTests {
    @Test(arguments: [(0.3, 1.2, -1.0), (0, 1, 0), (2, 0.1, 2.05), (-1, 3, 9)])
    func gaussianMatchesQuadrature(_ c: (mean: Double, deviation: Double, truth: Double)) {
        let step = 1e-4 * c.deviation
        let low = min(c.mean - 12 * c.deviation, c.truth), high = max(c.mean + 12 * c.deviation, c.truth)
        var integral = 0.0
        for x in stride(from: low + 0.5 * step, to: high, by: step) {
            let value = 0.5 * erfc((c.mean - x) / c.deviation / 2.0.squareRoot()) - (x >= c.truth ? 1 : 0)
            integral += value * value * step
        }
        let score = Score.gaussian(mean: c.mean, standardDeviation: c.deviation, truth: c.truth)
        #expect(abs(score - integral) <= 2e-4 * c.deviation, "\(score), \(integral)")
    }

    @Test func distributionWithoutSpreadScoresItsDistance() {
        #expect(Score.gaussian(mean: 2, standardDeviation: 0, truth: -1) == 3)
        #expect(Score.discrete([2], weights: [1], truth: -1) == 3)
        #expect(Score.samples([2, 2, 2], truth: -1) == 3)
    }

    @Test func samplesMatchTheSumOverPairs() {
        let values = Philox(seed: 2).normals(41, .evaluation, number: 0).map(Double.init), truth = 0.4
        var distance = 0.0, pairs = 0.0
        for x in values {
            distance += abs(x - truth)
            for other in values { pairs += abs(x - other) }
        }
        #expect(abs(Score.samples(values, truth: truth) - (distance / 41 - pairs / (2 * 41 * 40))) <= 1e-12)
        // The discrete distribution counts the pairs of a value with itself.
        let equal = Score.discrete(values, weights: [Double](repeating: 1.0 / 41, count: 41), truth: truth)
        #expect(abs(equal - (distance / 41 - pairs / (2 * 41 * 41))) <= 1e-12)
        let total = (0..<41).reduce(0.0) { $0 + Double($1 + 1) }, weights = (0..<41).map { Double($0 + 1) / total }
        var weighted = 0.0
        for (i, x) in values.enumerated() {
            weighted += weights[i] * abs(x - truth)
            for (j, other) in values.enumerated() { weighted -= 0.5 * weights[i] * weights[j] * abs(x - other) }
        }
        #expect(abs(Score.discrete(values, weights: weights, truth: truth) - weighted) <= 1e-12)
    }

    /// Few samples have the score of their distribution on average; for the prior of a truth N(0, 1) that is 1/√π.
    @Test func samplesAreFair() {
        let values = Philox(seed: 3).normals(4 * 20_000, .evaluation, number: 0).map(Double.init)
        let scores = (0..<20_000).map { Score.samples(Array(values[4 * $0 + 1..<4 * $0 + 4]), truth: values[4 * $0]) }
        let mean = scores.reduce(0, +) / 20_000
        let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean - 1 / Double.pi.squareRoot()) <= 4 * (variance / 20_000).squareRoot())
    }
}
