import CoupletLosses
import CoupletTensors
import TestSupport
import Testing

@Suite struct GaussianMinimizerTests {
    static let closedForms: [(Similarity, any Loss)] = [
        (.innerProduct, .conditional(first: 0.5, second: 0.5)), (.innerProduct, .conditional(first: 1, second: 0)),
        (.innerProduct, .conditional(first: 0.2, second: 0.7)), (.innerProduct, .joint),
        (.quadratic, .conditional(first: 1, second: 0)), (.quadratic, .conditional(first: 0, second: 1)),
        (.quadratic, .conditional(first: 0.5, second: 0.5)), (.quadratic, .conditional(first: 2, second: 2)),
        (.quadratic, .joint),
        (.quadratic, .conditional(first: 0.3, second: 0.7)), (.quadratic, .conditional(first: 0.9, second: 0.05)),
    ]

    /// One canonical pair: the closed form is the minimum of the numerically integrated loss.
    @Test(arguments: closedForms, [0.15, 0.5, 0.85])
    func onePairMinimisesTheIntegratedLoss(_ objective: (Similarity, any Loss), _ correlation: Double) throws {
        let (similarity, loss) = objective
        let one = Matrix.identity(1)
        let pair = try GaussianPair(GaussianCovariance(uu: one, uv: correlation * one, vv: one))
        let minimizer = try #require(GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: 3))
        #expect(minimizer.rank == 1)
        if similarity == .innerProduct {
            let a = GaussianReference.minimize(from: [0.3]) { a in
                GaussianReference.quadratureLoss(loss, correlation: correlation) { u, v in a[0] * u * v }
            }
            #expect(abs(a[0] - minimizer.singularValues[0]) <= 1e-6)
        } else {
            let x = GaussianReference.minimize(from: [0.7, 0.6]) { x in
                GaussianReference.quadratureLoss(loss, correlation: correlation) { u, v in
                    -0.5 * (x[0] * u - x[1] * v) * (x[0] * u - x[1] * v)
                }
            }
            let first = try #require(minimizer.firstGram), second = try #require(minimizer.secondGram)
            #expect(abs(x[0] * x[0] - first[0]) <= 1e-6 * (1 + first[0]))
            #expect(abs(x[1] * x[1] - second[0]) <= 1e-6 * (1 + second[0]))
            #expect(abs(x[0] * x[1] - minimizer.singularValues[0]) <= 1e-6 * (1 + first[0]))
        }
    }

    /// The minimum over encoders of low rank, found from a random start, has R's first canonical pairs and the values
    /// of the closed form.
    @Test(arguments: closedForms)
    func lowRankEncodersMinimiseTheLoss(_ objective: (Similarity, any Loss)) throws {
        let (similarity, loss) = objective
        let pair = try GaussianPair(GaussianCovariance.withCorrelations([0.8, 0.5, 0.2], first: 4, second: 3))
        let rank = 2, r = pair.whitenedCrossCovariance
        func encoders(_ x: [Double]) -> (Matrix, Matrix) {
            (
                Matrix(rows: rank, columns: 4, elements: Array(x[..<8])),
                Matrix(rows: rank, columns: 3, elements: Array(x[8...]))
            )
        }
        let start = GaussianReference.normals(1, 14, number: 9).elements.map { 0.3 * $0 }
        let x = GaussianReference.minimize(from: start) { x in
            let (g, h) = encoders(x)
            return GaussianReference.loss(loss, similarity, g, h, crossCovariance: r)
        }
        let (g, h) = encoders(x)
        let minimizer = try #require(GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: rank))
        #expect((g.transposed * h - minimizer.coupling).frobeniusNorm <= 1e-6 * minimizer.coupling.frobeniusNorm)
        let lowest = GaussianReference.loss(loss, similarity, g, h, crossCovariance: r)
        #expect(abs(lowest - minimizer.optimalLoss) <= 1e-9 * (1 + abs(lowest)))
        if let first = minimizer.firstGram, let second = minimizer.secondGram {
            let a = pair.firstDirections.columns(first: rank), b = pair.secondDirections.columns(first: rank)
            #expect((g.transposed * g - a * .diagonal(first) * a.transposed).frobeniusNorm <= 2e-6 * (1 + first[0]))
            #expect((h.transposed * h - b * .diagonal(second) * b.transposed).frobeniusNorm <= 2e-6 * (1 + second[0]))
        }
    }

    @Test func thereIsNoClosedFormElsewhere() throws {
        let pair = try GaussianPair(GaussianCovariance.withCorrelations([0.8, 0.5], first: 3, second: 2))
        #expect(
            GaussianMinimizer(pair, similarity: .cosine, loss: .conditional(first: 0.5, second: 0.5), rank: 2) == nil)
        #expect(GaussianMinimizer(pair, similarity: .quadratic, loss: .sigmoid, rank: 2) == nil)
        #expect(
            GaussianMinimizer(
                pair, similarity: .innerProduct, loss: .maximumMeanDiscrepancy(first: 1, second: 0), rank: 2) == nil)
        #expect(
            GaussianMinimizer(pair, similarity: .innerProduct, loss: .conditional(first: 0, second: 0), rank: 2) == nil)
        let one = Matrix.identity(1), certain = try GaussianPair(GaussianCovariance(uu: one, uv: one, vv: one))
        #expect(GaussianMinimizer(certain, similarity: .quadratic, loss: .joint, rank: 1) == nil)
        #expect(
            GaussianMinimizer(certain, similarity: .innerProduct, loss: .conditional(first: 1, second: 1), rank: 1)?
                .singularValues == [1])
    }

    /// The returned encoders have the stated Ã and grams, at any temperature and for u, v that are not white.
    @Test(arguments: closedForms)
    func encodersHaveTheStatedCoupling(_ objective: (Similarity, any Loss)) throws {
        let (similarity, loss) = objective
        let covariance = GaussianCovariance.withCorrelations([0.9, 0.6, 0.3, 0.1], first: 4, second: 6)
        let pair = try GaussianPair(covariance)
        let minimizer = try #require(GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: 3))
        let temperature = 0.07, (g, h) = minimizer.encoders(temperature: temperature)
        let coupling =
            try (1 / temperature) * (covariance.uu.squareRoot() * g.transposed * h * covariance.vv.squareRoot())
        #expect((coupling - minimizer.coupling).frobeniusNorm <= 1e-11)
        if let first = minimizer.firstGram, let second = minimizer.secondGram {
            #expect(
                abs((g * covariance.uu * g.transposed).diagonal.reduce(0, +) / temperature - first.reduce(0, +))
                    <= 1e-10 * (1 + first[0]))
            #expect(
                abs((h * covariance.vv * h.transposed).diagonal.reduce(0, +) / temperature - second.reduce(0, +))
                    <= 1e-10 * (1 + second[0]))
        }
    }

    /// If the conditionals are exact, the loss is minus the mutual information, its lower bound. The inner product,
    /// whose conditional covariances are inexact, reaches -½ Σ σ².
    @Test func theOptimumIsTheMutualInformation() throws {
        let pair = try GaussianPair(GaussianCovariance.withCorrelations([0.9, 0.7, 0.2], first: 4, second: 3))
        for loss in [ConditionalLoss.conditional(first: 1, second: 0), .conditional(first: 0, second: 1)] {
            let exact = try #require(GaussianMinimizer(pair, similarity: .quadratic, loss: loss, rank: 3)).optimalLoss
            #expect(abs(exact + pair.mutualInformation) <= 1e-9)
            let inner = try #require(GaussianMinimizer(pair, similarity: .innerProduct, loss: loss, rank: 3))
                .optimalLoss
            #expect(abs(inner + 0.5 * (0.81 + 0.49 + 0.04)) <= 1e-9)
        }
    }
}
