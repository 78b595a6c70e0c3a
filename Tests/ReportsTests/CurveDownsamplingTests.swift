import CoupletReports
import Foundation
import Testing

@Suite struct CurveDownsamplingTests {
    /// Every column of the downsampled curve has the extremes of the original curve, and the curve is short.
    @Test func columnsKeepTheirExtremes() {
        var state: UInt64 = 1
        let points = (0..<100_000).map { index -> (x: Double, y: Double) in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Double(index) * 370 / 100_000 + 31, Double(state >> 40) / 1e5)
        }
        let downsampled = CurveDownsampling.downsampled(points)
        #expect(
            downsampled.count <= 2 * 372 + 2 && zip(downsampled, downsampled.dropFirst()).allSatisfy { $0.x <= $1.x })
        func extremes(_ points: [(x: Double, y: Double)]) -> [Int: [Double]] {
            Dictionary(grouping: points) { Int($0.x.rounded(.down)) }.mapValues {
                [$0.map(\.y).min() ?? 0, $0.map(\.y).max() ?? 0]
            }
        }
        #expect(extremes(downsampled) == extremes(points))
        #expect(downsampled.first?.x == points.first?.x && downsampled.last?.x == points.last?.x)
    }

    @Test func shortCurvesStayUnchanged() {
        let points = (0..<300).map { (x: Double($0), y: Double($0 * 7 % 13)) }
        #expect(CurveDownsampling.downsampled(points).map(\.y) == points.map(\.y))
        #expect(CurveDownsampling.downsampled([]).isEmpty && CurveDownsampling.downsampled([(1, 2)]).count == 1)
    }

    @Test func movingAverageIsCentred() {
        let values = [1.0, 2, 4, 8, .nan, 32, 64]
        let means = CurveDownsampling.movingAverage(values, window: 3, at: Array(values.indices))
        for (mean, expected) in zip(means, [1, 7.0 / 3, 14.0 / 3, 6, 20, 48, 64]) {
            #expect(abs(mean - expected) <= 1e-12, "\(means)")
        }
    }

    /// Only long noisy curves have a window above 1.
    @Test func onlyNoiseIsSmoothed() {
        let smooth = (0..<1_000).map { exp(-Double($0) / 100) }
        #expect(CurveDownsampling.smoothingWindow(for: smooth) == 1)
        let noisy = smooth.enumerated().map { $1 + 0.2 * sin(Double($0 * $0)) }
        #expect(
            CurveDownsampling.smoothingWindow(for: noisy) > 1
                && CurveDownsampling.smoothingWindow(for: Array(noisy.prefix(50))) == 1)
    }
}
