import CoupletReports
import Foundation
import Testing

@Suite struct StatisticsTests {
    @Test func meanAndDeviation() {
        let three = SampleStatistics([1, 2, 6])
        #expect(three.mean == 3 && abs(three.deviation - 7.0.squareRoot()) < 1e-12)  // (4 + 1 + 9) / 2
        #expect(abs(three.standardError - (7.0 / 3).squareRoot()) < 1e-12)
        let one = SampleStatistics([4])
        #expect(one.mean == 4 && one.deviation == 0 && one.standardError == 0)
        #expect(SampleStatistics([]).mean.isNaN)
    }

    /// The fit of y = 3 x^(-1/2) is exact. The fit of noisy points equals the textbook formulas.
    @Test func powerLawFitIsLeastSquaresOfLogarithms() throws {
        let exact = try #require(PowerLawFit([16.0, 64, 256, 1024].map { ($0, 3 / $0.squareRoot()) }))
        #expect(abs(exact.slope + 0.5) <= 1e-12 && abs(exact.factor - 3) <= 1e-11 && exact.determination >= 1 - 1e-12)
        let points = [(1.0, 2.0), (2.0, 3.1), (4.0, 8.3), (8.0, 14.0), (16.0, 35.0)]
        let (xs, ys) = (points.map { log($0.0) }, points.map { log($0.1) })
        let n = 5.0, sx = xs.reduce(0, +), sy = ys.reduce(0, +)
        let sxx = xs.reduce(0) { $0 + $1 * $1 }, sxy = zip(xs, ys).reduce(0) { $0 + $1.0 * $1.1 }
        let slope = (n * sxy - sx * sy) / (n * sxx - sx * sx), intercept = (sy - slope * sx) / n
        let residual = zip(xs, ys).reduce(0) { $0 + pow($1.1 - intercept - slope * $1.0, 2) }
        let error = (residual / 3 / (sxx - sx * sx / n)).squareRoot()
        let fit = try #require(PowerLawFit(points))
        #expect(abs(fit.slope - slope) <= 1e-12 && abs(fit.factor - exp(intercept)) <= 1e-11)
        #expect(abs((fit.slopeError ?? .nan) - error) <= 1e-12)
        // Points with a single x or without positive y have no fit.
        #expect(
            PowerLawFit([(2, 1), (2, 3)]) == nil && PowerLawFit([(1, -1), (2, 0)]) == nil && PowerLawFit([]) == nil)
    }
}
