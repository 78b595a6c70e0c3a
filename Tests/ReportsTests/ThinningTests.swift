import CoupletReports
import Foundation
import Testing

@Suite struct ThinningTests {
    /// Every column of the thinned curve reaches as high and as low as that of the whole, and the curve is short.
    @Test func columnsKeepTheirExtremes() {
        var state: UInt64 = 1
        let points = (0..<100_000).map { index -> (x: Double, y: Double) in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Double(index) * 370 / 100_000 + 31, Double(state >> 40) / 1e5)
        }
        let thinned = CurveDownsampling.thinned(points)
        #expect(thinned.count <= 2 * 372 + 2 && zip(thinned, thinned.dropFirst()).allSatisfy { $0.x <= $1.x })
        func extremes(_ points: [(x: Double, y: Double)]) -> [Int: [Double]] {
            Dictionary(grouping: points) { Int($0.x.rounded(.down)) }.mapValues {
                [$0.map(\.y).min() ?? 0, $0.map(\.y).max() ?? 0]
            }
        }
        #expect(extremes(thinned) == extremes(points))
        #expect(thinned.first?.x == points.first?.x && thinned.last?.x == points.last?.x)
    }

    @Test func shortCurvesStayWhole() {
        let points = (0..<300).map { (x: Double($0), y: Double($0 * 7 % 13)) }
        #expect(CurveDownsampling.thinned(points).map(\.y) == points.map(\.y))
        #expect(CurveDownsampling.thinned([]).isEmpty && CurveDownsampling.thinned([(1, 2)]).count == 1)
    }

    @Test func meansAreOverNeighbours() {
        let values = [1.0, 2, 4, 8, .nan, 32, 64]
        let means = CurveDownsampling.movingMean(values, window: 3, at: Array(values.indices))
        for (mean, expected) in zip(means, [1, 7.0 / 3, 14.0 / 3, 6, 20, 48, 64]) {
            #expect(abs(mean - expected) <= 1e-12, "\(means)")
        }
    }

    /// Smooth curves and short ones are left as they are, noisy ones are not.
    @Test func onlyNoiseIsSmoothed() {
        let smooth = (0..<1_000).map { exp(-Double($0) / 100) }
        #expect(CurveDownsampling.window(for: smooth) == 1)
        let noisy = smooth.enumerated().map { $1 + 0.2 * sin(Double($0 * $0)) }
        #expect(CurveDownsampling.window(for: noisy) > 1 && CurveDownsampling.window(for: Array(noisy.prefix(50))) == 1)
    }
}
