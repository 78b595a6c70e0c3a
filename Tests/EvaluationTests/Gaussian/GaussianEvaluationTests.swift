import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Glibc
import TestSupport
import Testing

@Suite struct GaussianEvaluationTests {
    static let correlations = [0.9, 0.6, 0.5, 0.2]
    static let objectives: [(Similarity, any Loss)] = [
        (.innerProduct, .conditional(first: 0.5, second: 0.5)), (.innerProduct, .joint),
        (.quadratic, .conditional(first: 1, second: 0)), (.quadratic, .conditional(first: 0, second: 1)),
        (.quadratic, .conditional(first: 0.5, second: 0.5)), (.quadratic, .joint),
    ]

    /// Rotated minimisers at a temperature of 0.3 have only the error of their rank.
    @Test(arguments: objectives)
    func minimizersHaveNoError(_ objective: (Similarity, any Loss)) throws {
        let (similarity, loss) = objective, pair = try pair()
        let minimizer = try #require(GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: 3))
        let evaluation = try GaussianEvaluation(tilt(minimizer, similarity), loss: loss)
        #expect(try #require(evaluation.couplingError) <= 1e-12)
        expectEqual(evaluation.singularValues, evaluation.exactSingularValues)
        expectEqual(evaluation.firstGram, evaluation.exactFirstGram)
        expectEqual(evaluation.secondGram, evaluation.exactSecondGram)
        #expect((evaluation.firstGram == nil) == (similarity == .innerProduct))
        #expect(evaluation.firstAngles.count == 3 && evaluation.secondAngles.count == 3)
        #expect((evaluation.firstAngles + evaluation.secondAngles).allSatisfy { $0 <= 1e-10 })
        let lowest = try #require(evaluation.lowestConditionalMeanError),
            error = try #require(evaluation.conditionalMeanError)
        #expect(abs(lowest - 0.2 / (0.81 + 0.36 + 0.25 + 0.04).squareRoot()) <= 1e-12)
        let isExact =
            similarity == .innerProduct
            ? !(loss is JointLoss) : loss.isEqual(to: ConditionalLoss.conditional(first: 1, second: 0))
        #expect(isExact ? abs(error - lowest) <= 1e-11 : error > lowest + 0.01)
    }

    @Test func atFullRankTheConditionalMeanIsExact() throws {
        let pair = try pair(), loss = ConditionalLoss.conditional(first: 1, second: 0)
        let minimizer = try #require(GaussianMinimizer(pair, similarity: .quadratic, loss: loss, rank: 9))
        let evaluation = try GaussianEvaluation(tilt(minimizer, .quadratic), loss: loss)
        #expect(try #require(evaluation.conditionalMeanError) <= 1e-11)
        #expect(evaluation.lowestConditionalMeanError == 0)
    }

    /// With both encoders scaled by 1.03, Ã and the grams are 6.09 % too large; the directions are exact.
    @Test func scaledMinimizerHasTheErrorOfItsScale() throws {
        let pair = try pair(), loss = ConditionalLoss.conditional(first: 0.5, second: 0.5)
        let minimizer = try #require(GaussianMinimizer(pair, similarity: .quadratic, loss: loss, rank: 3))
        let evaluation = try GaussianEvaluation(tilt(minimizer, .quadratic, scale: 1.03), loss: loss)
        #expect(abs(try #require(evaluation.couplingError) - (1.03 * 1.03 - 1)) <= 1e-12)
        expectEqual(evaluation.firstGram, minimizer.firstGram?.map { 1.03 * 1.03 * $0 })
        #expect(evaluation.firstAngles.allSatisfy { $0 <= 1e-10 })
    }

    /// Rotates the e-th direction of the first encoder by φ towards the first direction beyond the rank.
    @Test(arguments: [1e-9, 1e-3, 0.4])
    func rotatedDirectionHasItsAngle(_ angle: Double) throws {
        let pair = try pair(), loss = ConditionalLoss.conditional(first: 1, second: 1)
        let minimizer = try #require(GaussianMinimizer(pair, similarity: .innerProduct, loss: loss, rank: 3))
        var (g, h) = minimizer.encoders()
        // In whitened coordinates, row 2 of G becomes |row 2| (cos φ a_2 + sin φ a_3).
        let directions = pair.firstDirections.transposed * pair.first.inverseRoot
        for k in 0..<g.columns {
            g[2, k] =
                minimizer.singularValues[2].squareRoot()
                * (cos(angle) * directions[2, k] + sin(angle) * directions[3, k])
        }
        let evaluation = try GaussianEvaluation(
            GaussianTilt(pair, similarity: .innerProduct, first: g, second: h), loss: loss)
        #expect(abs(evaluation.firstAngles[0] - angle) <= 1e-11)
        #expect(evaluation.firstAngles[1] <= 1e-11 && evaluation.secondAngles[0] <= 1e-11)
        let moved = 0.5 * 2 * sin(angle / 2), size = (0.81 + 0.36 + 0.25).squareRoot()
        #expect(abs(try #require(evaluation.couplingError) - moved / size) <= 1e-11)
        h = Matrix(rows: 3, columns: h.columns)
        let nothing = try GaussianEvaluation(
            GaussianTilt(pair, similarity: .innerProduct, first: g, second: h), loss: loss)
        #expect(nothing.couplingError == 1 && nothing.conditionalMeanError == 1)
    }

    /// Compares E |m - m*|² with its estimate from samples of v, for arbitrary encoders with biases.
    @Test(arguments: [Similarity.innerProduct, .quadratic])
    func conditionalMeanErrorMatchesSamples(_ similarity: Similarity) throws {
        let pair = try pair(), philox = Philox(seed: 4)
        let g = random(3, 5, 40), h = random(3, 4, 41), bias = [0.3, 0.1, -0.4]
        let tilt = GaussianTilt(
            pair, similarity: similarity, first: 0.2 * g, second: 0.2 * h, secondBias: bias, temperature: 0.8)
        let learned = try #require(try tilt.firstGivenSecond()), exact = pair.firstGivenSecond
        var error = 0.0, size = 0.0
        for number in 0..<4000 as Range<UInt64> {
            let white = Matrix(
                rows: 4, columns: 1, elements: philox.normals(4, .evaluation, number: number).map(Double.init))
            let v = (pair.second.root * white).elements
            let m = learned.mean(given: v), target = exact.mean(given: v)
            func squared(_ x: [Double]) -> Double {
                (pair.first.inverseRoot * Matrix(rows: 5, columns: 1, elements: x)).elements.reduce(0) { $0 + $1 * $1 }
            }
            error += squared(zip(m, target).map(-))
            size += squared(target)
        }
        let evaluation = try GaussianEvaluation(tilt, loss: .joint)
        let found = try #require(evaluation.conditionalMeanError)
        #expect(abs(found - (error / size).squareRoot()) <= 0.03 * found)
        let unbiased = GaussianTilt(pair, similarity: similarity, first: 0.2 * g, second: 0.2 * h, temperature: 0.8)
        #expect(try GaussianEvaluation(unbiased, loss: .joint).couplingError == evaluation.couplingError)
        #expect(try #require(try GaussianEvaluation(unbiased, loss: .joint).conditionalMeanError) < found)
    }

    @Test func unknownValuesAreNil() throws {
        let pair = try pair()
        let tilt = GaussianTilt(pair, similarity: .cosine, first: random(2, 5, 50), second: random(2, 4, 51))
        let evaluation = try GaussianEvaluation(tilt, loss: .conditional(first: 0.5, second: 0.5))
        #expect(
            evaluation.couplingError == nil && evaluation.exactSingularValues == nil
                && evaluation.conditionalMeanError == nil)
        #expect(evaluation.singularValues.count == 2 && evaluation.firstAngles.count == 2)
        let independent = try GaussianPair(
            GaussianCovariance(uu: .identity(2), uv: Matrix(rows: 2, columns: 2), vv: .identity(2)))
        let idle = GaussianTilt(independent, similarity: .innerProduct, first: .identity(2), second: .identity(2))
        #expect(try GaussianEvaluation(idle, loss: .joint).couplingError == nil)
    }

    private func pair() throws -> GaussianPair {
        let m = random(5, 5, 1) + 2 * .identity(5), n = random(4, 4, 2) + 2 * .identity(4)
        return try GaussianPair(
            GaussianCovariance(
                uu: m * m.transposed, uv: m * .diagonal(Self.correlations, rows: 5, columns: 4) * n.transposed,
                vv: n * n.transposed))
    }

    /// Returns the minimiser at temperature 0.3, rotated in the embedding space.
    private func tilt(_ minimizer: GaussianMinimizer, _ similarity: Similarity, scale: Double = 1) throws
        -> GaussianTilt
    {
        let (g, h) = minimizer.encoders(temperature: 0.3)
        let rotation = try random(g.rows, g.rows, 7).singularValueDecomposition().u
        return GaussianTilt(
            minimizer.pair, similarity: similarity, first: scale * (rotation * g), second: scale * (rotation * h),
            temperature: 0.3)
    }

    @Test func anglesFromSinesAndCosines() {
        for exact in [0, 1e-200, 1e-9, 0.3, 0.7, .pi / 4, 0.8, 1.3, 1.57, .pi / 2] as [Double] {
            let found = GaussianEvaluation.angle(sine: 3 * sin(exact), cosine: 3 * cos(exact))
            #expect(abs(found - exact) <= 1e-15 * exact)
        }
    }

    private func random(_ rows: Int, _ columns: Int, _ number: UInt64) -> Matrix {
        .normal(rows: rows, columns: columns, seed: 12, number: number)
    }

    private func expectEqual(_ found: [Double]?, _ expected: [Double]?, at location: SourceLocation = #_sourceLocation)
    {
        #expect(found?.count == expected?.count, sourceLocation: location)
        for (a, b) in zip(found ?? [], expected ?? []) {
            #expect(abs(a - b) <= 1e-11 * (1 + abs(b)), sourceLocation: location)
        }
    }
}
