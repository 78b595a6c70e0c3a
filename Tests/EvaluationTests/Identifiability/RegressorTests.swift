import CoupletEvaluation
import CoupletTensors
import Foundation
import Testing

@Suite struct RegressorTests {
    /// x = c + σ ε: the best linear prediction of c has R² 1 / (1 + σ²).
    @Test func linearRegressionHasTheR2OfTheGaussian() throws {
        let count = 20_000, sigma = 0.5
        func draw(_ number: UInt64) -> (x: Matrix, c: Matrix) {
            let normals = RegressionFixture.normals(count, 4, number: number)
            // Mixed and shifted, which a regression undoes.
            let x = RegressionFixture.matrix(count, 2) { i, k in
                let a = normals[i, 0] + sigma * normals[i, 2], b = normals[i, 1] + sigma * normals[i, 3]
                return k == 0 ? a + b - 4 : 3 * a - b
            }
            return (x, RegressionFixture.matrix(count, 2) { 7 + normals[$0, $1] })
        }
        let fitting = draw(1), scoring = draw(2)
        let found = CoefficientOfDetermination.mean(
            scoring.c, try LinearRegressor(fitting.x, fitting.c).predict(scoring.x))
        // The standard error of an R² is below 2 / √N.
        #expect(abs(found - 1 / (1 + sigma * sigma)) <= 6 / Double(count).squareRoot(), "\(found)")
    }

    @Test func inputsMayBeConstantOrRepeated() throws {
        let normals = RegressionFixture.normals(50, 2, number: 3)
        let x = RegressionFixture.matrix(50, 4) { i, k in [normals[i, 0], 5, normals[i, 1], normals[i, 0]][k] }
        let y = RegressionFixture.matrix(50, 1) { i, _ in 1 + 2 * normals[i, 0] - normals[i, 1] }
        #expect(RegressionFixture.largestDifference(try LinearRegressor(x, y).predict(x), y) <= 1e-10)
        let nothing = Matrix(rows: 50, columns: 4), mean = try LinearRegressor(nothing, y).predict(nothing)
        #expect(abs(CoefficientOfDetermination.mean(y, mean)) <= 1e-12)
    }

    @Test func determinationByHand() {
        func column(_ numbers: [Double]) -> Matrix { Matrix(rows: numbers.count, columns: 1, elements: numbers) }
        // Residual 2, about the mean 2: 1 - 2/2; and a mean over components: 1 and -3.
        #expect(CoefficientOfDetermination.mean(column([1, 2, 3]), column([2, 2, 2])) == 0)
        let truth = Matrix(rows: 2, columns: 2, elements: [1, 0, 3, 2]),
            predicted = Matrix(rows: 2, columns: 2, elements: [1, 2, 3, 0])
        #expect(CoefficientOfDetermination.mean(truth, predicted) == (1 + -3) / 2)
        // Nothing to explain.
        #expect(CoefficientOfDetermination.mean(column([4, 4]), column([4, 4])) == 0)
        #expect(CoefficientOfDetermination.mean(column([4, 4]), column([4, 5])) == 0)
    }

    @Test func theNetworksGradientIsThatOfFiniteDifferences() {
        // More than a piece of samples, and not a whole number of them.
        let x = RegressionFixture.normals(300, 3, number: 5), y = RegressionFixture.normals(300, 2, number: 6)
        let point = MultilayerPerceptronRegressor.initial(inputs: 3, outputs: 2, seed: 4, number: 1)
        #expect(point.count == 3 * 100 + 100 + 100 * 2 + 2)
        var scratch = MultilayerPerceptronRegressor.Scratch(x, y)
        var gradient = [Double](repeating: 0, count: point.count), ignored = gradient
        let value = MultilayerPerceptronRegressor.objective(point, &gradient, &scratch)
        // The value, by hand.
        var squares = 0.0
        for i in 0..<300 {
            let units = (0..<100).map { k in
                max(0, (0..<3).reduce(point[300 + k]) { $0 + x[i, $1] * point[$1 * 100 + k] })
            }
            for o in 0..<2 {
                squares += pow(
                    (0..<100).reduce(point[600 + o]) { $0 + units[$1] * point[400 + 2 * $1 + o] } - y[i, o], 2)
            }
        }
        let weights = (Array(point[..<300]) + point[400..<600]).reduce(0) { $0 + $1 * $1 }
        #expect(abs(value - (squares + 1e-4 * weights) / 600) <= 1e-10)
        for place in stride(from: 0, to: point.count, by: 7) {
            func moved(_ step: Double) -> Double {
                var other = point
                other[place] += step
                return MultilayerPerceptronRegressor.objective(other, &ignored, &scratch)
            }
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5
            #expect(
                abs(difference - gradient[place]) <= 1e-4 * max(0.1, abs(difference)),
                "\(place): \(difference), \(gradient[place])")
        }
    }

    @Test func theNetworkLearnsWhatALineCannot() throws {
        func draw(_ number: UInt64) -> (x: Matrix, y: Matrix) {
            let x = RegressionFixture.normals(400, 1, number: number)
            return (x, RegressionFixture.matrix(400, 1) { i, _ in abs(x[i, 0]) })
        }
        let fitting = draw(7), scoring = draw(8)
        let network = MultilayerPerceptronRegressor(fitting.x, fitting.y, seed: 1, number: 0)
        #expect(CoefficientOfDetermination.mean(scoring.y, network.predict(scoring.x)) >= 0.995)
        #expect(
            abs(
                CoefficientOfDetermination.mean(scoring.y, try LinearRegressor(fitting.x, fitting.y).predict(scoring.x))
            ) <= 0.1)
        #expect(network.iterations > 10)
    }
}
