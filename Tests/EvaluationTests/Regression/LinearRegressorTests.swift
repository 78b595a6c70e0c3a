import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct LinearRegressorTests {
    /// With x = c + σ ε the best linear prediction of c has R² = 1 / (1 + σ²).
    @Test func r2MatchesTheGaussian() throws {
        let count = 20_000, sigma = 0.5
        func draw(_ number: UInt64) -> (x: Matrix, c: Matrix) {
            let normals = RegressionFixture.normals(count, 4, number: number)
            // An invertible linear map and a shift, which do not change R².
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
}
