import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Foundation
import Testing

/// Checks the results of the theory against the statements of the paper (arXiv 2505.24134).
@Suite struct GaussianTheoryTests {
    /// Canonical correlations of the tested pair. u has four dimensions, v has three.
    private static let correlations = [0.9, 0.6, 0.2]

    private static func covariance() -> GaussianCovariance {
        let noise = Philox(seed: 8).normals(25, .source, number: 1).map { 0.4 * Double($0) }
        let m = Matrix(rows: 4, columns: 4, elements: Array(noise[..<16])) + 2 * .identity(4)
        let n = Matrix(rows: 3, columns: 3, elements: Array(noise[16...])) + 2 * .identity(3)
        return GaussianCovariance(
            uu: m * m.transposed, uv: m * .diagonal(correlations, rows: 4, columns: 3) * n.transposed,
            vv: n * n.transposed)
    }

    private static func answer(_ similarity: Similarity, _ loss: any Loss, rank: Int) throws -> GaussianTheory.Answer {
        try GaussianTheory(covariance(), rank: rank, batch: 100, objectives: [(similarity, loss)]).answers[0]
    }

    @Test func correlationsAndInformationOfThePair() throws {
        let theory = try GaussianTheory(Self.covariance(), rank: 1, batch: 100, objectives: [])
        #expect(zip(theory.pair.correlations, Self.correlations).allSatisfy { abs($0 - $1) <= 1e-12 })
        let squares = Self.correlations.map { $0 * $0 }
        #expect(abs(theory.truncationError - ((squares[1] + squares[2]) / squares.reduce(0, +)).squareRoot()) <= 1e-12)
        #expect(abs(theory.pair.mutualInformation + 0.5 * squares.reduce(0) { $0 + log(1 - $1) }) <= 1e-12)
    }

    /// The inner product gives the best conditional means of its rank, and the marginal's covariance.
    @Test(arguments: [1, 2, 3]) func innerProductGivesTheBestMeans(rank: Int) throws {
        let theory = try GaussianTheory(Self.covariance(), rank: rank, batch: 100, objectives: [])
        let answer = try Self.answer(.innerProduct, .conditional(first: 0.5, second: 0.5), rank: rank)
        let errors = try [#require(answer.firstMeanError), #require(answer.secondMeanError)]
        #expect(errors.allSatisfy { abs($0 - theory.truncationError) <= 1e-9 })
        let learned = try #require(answer.firstGivenSecond).covariance
        #expect((learned - Self.covariance().uu).frobeniusNorm <= 1e-9)
        #expect(try abs(#require(answer.batchConstant) - log(100)) <= 1e-12)
    }

    /// At full rank the one-sided quadratic loss gives the exact conditional of its side, mean and covariance, and the
    /// mutual information.
    @Test func oneSidedQuadraticLossesAreExact() throws {
        let exact = try GaussianPair(Self.covariance())
        for (loss, isFirst) in [
            (ConditionalLoss.conditional(first: 1, second: 0), true), (.conditional(first: 0, second: 1), false),
        ] {
            let answer = try Self.answer(.quadratic, loss, rank: 3)
            let mean = try #require(isFirst ? answer.firstMeanError : answer.secondMeanError)
            let covariance = try #require(isFirst ? answer.firstCovarianceError : answer.secondCovarianceError)
            #expect(mean <= 1e-7 && covariance <= 1e-7)
            #expect(try abs(#require(answer.minimizer).optimalLoss + exact.mutualInformation) <= 1e-9)
            // The other side's conditional cannot be exact at the same time.
            #expect(try #require(isFirst ? answer.secondMeanError : answer.firstMeanError) > 0.05)
        }
    }

    @Test func objectivesWithoutClosedForm() throws {
        let theory = try GaussianTheory(
            Self.covariance(), rank: 2, batch: 64,
            objectives: [(.cosine, .joint), (.quadratic, .conditional(first: 0.2, second: 0.8))])
        #expect(theory.answers[0].minimizer == nil && theory.answers[1].minimizer != nil)
        #expect(theory.table.contains("cosine, joint\n  no exact answer is known"))
        #expect(theory.json.text.contains("\"similarity\": \"cosine\", \"loss\": \"joint\", \"singular_values\": null"))
    }
}
