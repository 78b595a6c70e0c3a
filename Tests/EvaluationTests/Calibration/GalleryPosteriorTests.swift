import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct GalleryPosteriorTests {
    @Test func probabilitiesAreTheSoftmax() {
        let scores = [1_000.5, 999, 1_001, 998, 1_000.5], total = scores.reduce(0) { $0 + exp($1 - 1_000) }
        let posterior = GalleryPosterior(scores: scores, truth: 4, top: 3)
        #expect(abs(posterior.logProbability - log(exp(0.5) / total)) <= 1e-12)
        // Row 0 has the same score, so the true row counts as the third.
        #expect(posterior.rank == 3 && posterior.best == [2, 0, 4])
        #expect(abs(posterior.bestProbabilities[0] - exp(1) / total) <= 1e-12)
        #expect(GalleryPosterior(scores: [2, 1], truth: 0).rank == 1)
    }

    @Test func figuresAreMeans() {
        let posteriors = [[3.0, 1, 0], [1, 3, 0], [0, 0, 0]].map { GalleryPosterior(scores: $0, truth: 0) }
        let figures = GalleryFigures(posteriors, gallery: 3)
        let values = posteriors.map(\.logProbability), mean = values.reduce(0, +) / 3
        #expect(figures.recallAt1 == 1.0 / 3 && figures.recallAt5 == 1 && figures.queries == 3)
        #expect(abs(figures.logProbability - mean) <= 1e-12)
        let error = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6).squareRoot()
        #expect(abs(figures.logProbabilityError - error) <= 1e-12)
        #expect(abs(figures.mutualInformationBound - (log(3) + mean)) <= 1e-12)
    }

    /// For a Gaussian pair of correlation ρ the exact scores show the mutual information -½ log(1-ρ²); other scores
    /// show less.
    @Test func exactScoresShowTheMutualInformation() {
        let rho = 0.8, count = 1_500, rest = (1 - rho * rho).squareRoot()
        let numbers = Philox(seed: 4).normals(2 * count, .evaluation, number: 0).map(Double.init)
        let u = (0..<count).map { numbers[$0] }, v = (0..<count).map { rho * u[$0] + rest * numbers[count + $0] }
        func figures(_ score: (Double, Double) -> Double) -> GalleryFigures {
            let posteriors = (0..<count).map { i in
                GalleryPosterior(scores: u.map { score($0, v[i]) }, truth: i)
            }
            return GalleryFigures(posteriors, gallery: count)
        }
        let exact = figures { u, v in -0.5 * (v - rho * u) * (v - rho * u) / (1 - rho * rho) }
        let information = -0.5 * log(1 - rho * rho)
        #expect(abs(exact.mutualInformationBound - information) <= 4 * exact.logProbabilityError)
        let inexact = figures { u, v in -0.5 * (v - rho * u) * (v - rho * u) / 2 }
        #expect(inexact.mutualInformationBound < exact.mutualInformationBound - 0.05)
    }

    @Test func reliabilityMatchesAHandWorkedCase() {
        let reliability = Reliability(
            probabilities: [0.9, 0.2, 0.7, 0.1], isRight: [true, false, true, true], bins: 2)
        #expect(reliability.bins.map(\.count) == [2, 2] && reliability.bins.map(\.frequency) == [0.5, 1])
        #expect(abs(reliability.bins[0].probability - 0.15) <= 1e-12)
        #expect(abs(reliability.bins[1].probability - 0.8) <= 1e-12)
        #expect(abs(reliability.error - (0.35 + 0.2) / 2) <= 1e-12)
        #expect(Reliability(probabilities: [0.5], isRight: [false]).bins.count == 1)
    }
}
