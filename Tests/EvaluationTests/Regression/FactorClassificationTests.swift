import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Discrete factors, predicted from encodings by classifiers.
@Suite struct FactorClassificationTests {
    /// Encodings in the plane, with the quadrant, whether both signs are equal, and a coin as factors.
    private static func samples(_ count: Int, number: UInt64) -> LatentSamples {
        let points = RegressionFixture.normals(count, 2, number: number)
        let other = RegressionFixture.normals(count, 1, number: number + 100)
        func factor(_ name: String, _ classes: Int, _ value: (Int) -> Int) -> LatentSamples.Factor {
            .init(name: name, values: RegressionFixture.matrix(count, 1) { i, _ in Double(value(i)) }, classes: classes)
        }
        return LatentSamples(
            encodings: .init(first: points, second: other),
            factors: [
                factor("quadrant", 4) { (points[$0, 0] > 0 ? 1 : 0) + (points[$0, 1] > 0 ? 2 : 0) },
                factor("equal_signs", 2) { (points[$0, 0] > 0) == (points[$0, 1] > 0) ? 1 : 0 },
                factor("coin", 2) { other[$0, 0] > 0 ? 1 : 0 },
            ], swapped: nil)
    }

    private static func evaluate(workers: Int) throws -> IdentifiabilityResult {
        try runWorkers(workers) {
            try Identifiability(regressors: [.linear, .multilayerPerceptron], seed: 3).evaluate(
                fitting: samples(1_500, number: 1), scoring: samples(1_500, number: 2), communicator: $0)
        }
    }

    @Test func classifiersFindWhatEncodingsTell() throws {
        let found = try Self.evaluate(workers: 1)
        func classification(_ name: String) throws -> IdentifiabilityResult.Classification {
            try #require(found.classifications.first { $0.name == name })
        }
        // Lines separate the quadrants; equal signs need a function that is not linear.
        let quadrant = try classification("quadrant"), equalSigns = try classification("equal_signs")
        #expect(try #require(quadrant.first[.linear]) >= 0.97)
        #expect(try #require(quadrant.first[.multilayerPerceptron]) >= 0.95)
        #expect(abs(try #require(equalSigns.first[.linear]) - 0.5) <= 0.06)
        #expect(try #require(equalSigns.first[.multilayerPerceptron]) >= 0.95)
        // The other encoder knows nothing of the points, and the points nothing of the coin.
        #expect(abs(try #require(quadrant.second[.linear]) - 0.25) <= 0.06)
        #expect(abs(try #require(try classification("coin").first[.multilayerPerceptron]) - 0.5) <= 0.06)
        #expect(try #require(try classification("coin").second[.linear]) >= 0.98)
        // The share of the most frequent class, counted once more.
        let scoring = Self.samples(1_500, number: 2).factors[1].values.elements
        let ones = scoring.count { $0 == 1 }
        #expect(equalSigns.chance == Double(max(ones, 1_500 - ones)) / 1_500)
        #expect(found.first.isEmpty && found.fromContent == nil)
        // The same bits for another number of workers.
        #expect(try Self.evaluate(workers: 2) == found && Self.evaluate(workers: 3) == found)
    }

    @Test func gradientOfTheNetworkOfClasses() {
        let x = RegressionFixture.normals(270, 2, number: 5), chosen = RegressionFixture.normals(270, 1, number: 6)
        let y = RegressionFixture.matrix(270, 3) { row, column in
            column == (chosen[row, 0] < -0.4 ? 0 : chosen[row, 0] < 0.4 ? 1 : 2) ? 1 : 0
        }
        let point = MultilayerPerceptronRegressor.initial(inputs: 2, outputs: 3, seed: 4, number: 1)
        var workspace = MultilayerPerceptronRegressor.Workspace(x, y, .classes)
        var gradient = [Double](repeating: 0, count: point.count), ignored = gradient
        let value = MultilayerPerceptronRegressor.objective(point, &gradient, &workspace)
        // The mean cross-entropy and the penalty, term by term.
        var loss = 0.0
        for i in 0..<270 {
            let units = (0..<100).map { (k: Int) -> Double in
                var sum = point[200 + k]
                for c in 0..<2 { sum += x[i, c] * point[c * 100 + k] }
                return max(0, sum)
            }
            let scores = (0..<3).map { (o: Int) -> Double in
                var sum = point[600 + o]
                for k in 0..<100 { sum += units[k] * point[300 + 3 * k + o] }
                return sum
            }
            loss += Foundation.log(scores.reduce(0) { $0 + Foundation.exp($1) })
            for o in 0..<3 { loss -= y[i, o] * scores[o] }
        }
        let weights = (Array(point[..<200]) + Array(point[300..<600])).reduce(0.0) { $0 + $1 * $1 }
        #expect(abs(value - (loss / 270 + 1e-4 * weights / 540)) <= 1e-10)
        for index in stride(from: 0, to: point.count, by: 7) {
            func objective(movedBy step: Double) -> Double {
                var moved = point
                moved[index] += step
                return MultilayerPerceptronRegressor.objective(moved, &ignored, &workspace)
            }
            let difference = (objective(movedBy: 1e-5) - objective(movedBy: -1e-5)) / 2e-5
            #expect(
                abs(difference - gradient[index]) <= 1e-4 * max(0.1, abs(difference)),
                "\(index): \(difference), \(gradient[index])")
        }
    }
}
