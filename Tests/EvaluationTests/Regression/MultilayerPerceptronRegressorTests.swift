import CoupletEvaluation
import CoupletTensors
import Foundation
import Testing

@Suite struct MultilayerPerceptronRegressorTests {
    @Test func gradientMatchesFiniteDifferences() {
        // More samples than one batch, and not a multiple of it.
        let x = RegressionFixture.normals(300, 3, number: 5), y = RegressionFixture.normals(300, 2, number: 6)
        let point = MultilayerPerceptronRegressor.initial(inputs: 3, outputs: 2, seed: 4, number: 1)
        #expect(point.count == 3 * 100 + 100 + 100 * 2 + 2)
        var workspace = MultilayerPerceptronRegressor.Workspace(x, y)
        var gradient = [Double](repeating: 0, count: point.count), ignored = gradient
        let value = MultilayerPerceptronRegressor.objective(point, &gradient, &workspace)
        // The objective, term by term.
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

    @Test func networkLearnsANonlinearFunction() throws {
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
