import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct ConditionalMomentsTests {
    @Test func labelsHaveProbabilities() {
        let labels = [2, 0, 2, 1, 2], weights = [0.1, 0.2, 0.3, 0.15, 0.25]
        let found = ConditionalMoments(labels: labels, weights: weights, classes: 4)
        // One-hot rows give the same moments.
        let rows = Tensor([5, 4], labels.flatMap { label in (0..<4).map { $0 == label ? Float(1) : 0 } })
        let expected = ConditionalMoments(rows: rows, weights: weights)
        for i in 0..<4 {
            #expect(
                abs(found.mean[i] - expected.mean[i]) <= 1e-12
                    && abs(found.meanError[i] - expected.meanError[i]) <= 1e-12)
        }
        #expect(abs(found.mean[2] - 0.65) <= 1e-12 && found.mean[3] == 0)
    }

    /// Independent draws with equal weights have the textbook's mean, covariance and standard errors.
    @Test func equalWeightsGiveTheTextbookMoments() {
        let philox = Philox(seed: 1), values = philox.normals(3_000, .evaluation, number: 0)
        let rows = Tensor([1_000, 3], values),
            moments = ConditionalMoments(rows: rows, weights: [Double](repeating: 1e-3, count: 1_000))
        let chains = ConditionalMoments(draws: rows.reshaped([4, 250, 3]))
        for i in 0..<3 {
            let x = (0..<1_000).map { Double(values[$0 * 3 + i]) }, mean = x.reduce(0, +) / 1_000
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 999
            #expect(abs(moments.mean[i] - mean) <= 1e-12 && abs(moments.variance[i] - variance) <= 1e-12)
            #expect(abs(moments.meanError[i] - (variance / 1_000).squareRoot()) <= 1e-3 * moments.meanError[i])
            #expect(abs(chains.mean[i] - mean) <= 1e-12 && abs(chains.variance[i] - variance) <= 1e-12)
            #expect(abs(chains.meanError[i] / moments.meanError[i] - 1) <= 0.15)
            // The relative standard error of a normal variance is √(2/n).
            #expect(abs(moments.covarianceError![i, i] / (variance * (2.0 / 1_000).squareRoot()) - 1) <= 0.15)
            #expect(abs(chains.covarianceError![i, i] / moments.covarianceError![i, i] - 1) <= 0.2)
            for j in 0..<3 { #expect(abs(moments.covariance![i, j] - chains.covariance![i, j]) <= 1e-12) }
        }
    }

    /// Compares with published quantiles of the normal distribution.
    @Test func comparisonBoundsAreNormalQuantiles() {
        #expect(abs(MomentComparison.bound(count: 1, probability: 0.05) - 1.959963984540054) <= 1e-12)
        #expect(abs(MomentComparison.bound(count: 1, probability: 0.31731050786291415) - 1) <= 1e-12)
        #expect(abs(MomentComparison.bound(count: 1_000, probability: 2 * 1.2798125438858352e-12 * 1_000) - 7) <= 1e-9)
        #expect(MomentComparison.shareWithinThree([1, -2.9, 3.1, -4]) == 0.5)
    }
}
