import CoupletReports
import Testing

/// The ticks of an axis.
@Suite struct AxisTests {
    private static func texts(_ lower: Double, _ upper: Double, log: Bool = false) -> [String] {
        Ticks.of(Scale(isLogarithmic: log, lower: lower, upper: upper), wanted: 5).labelled.map {
            $0.exponent.isEmpty ? $0.text : "\($0.text)^\($0.exponent)"
        }
    }

    @Test func linearTicksAreRoundNumbers() {
        #expect(Self.texts(0, 1) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(Self.texts(-3, 7) == ["−2", "0", "2", "4", "6"])
        #expect(
            Self.texts(0, 1_500) == ["0", "200", "400", "600", "800", "1,000", "1,200", "1,400"]
                || Self.texts(0, 1_500) == ["0", "500", "1,000", "1,500"])
        #expect(
            Self.texts(0, 500_000) == ["0k", "100k", "200k", "300k", "400k", "500k"]
                || Self.texts(0, 500_000) == ["0", "100k", "200k", "300k", "400k", "500k"])
        #expect(Self.texts(0.0141, 0.0187) == ["0.015", "0.016", "0.017", "0.018"])
    }

    @Test func logarithmicTicksArePowersOfTenOrRoundNumbers() {
        #expect(Self.texts(1e-5, 1e-1, log: true) == ["10^−5", "10^−4", "10^−3", "10^−2", "10^−1"])
        #expect(Self.texts(0.01, 0.3, log: true) == ["0.01", "0.02", "0.05", "0.1", "0.2"])
        #expect(Self.texts(210, 290, log: true) == ["220", "240", "260", "280"])
        #expect(Self.texts(1e-12, 1e12, log: true).count <= 6)
    }

    /// Every range has a few distinct ticks, all inside it.
    @Test func everyRangeHasAFewTicks() {
        for exponent in -12...12 {
            for (low, high) in [(0.0, 1.0), (0.3, 0.9), (-7, 13), (2.2, 9.7), (-1, 0)] {
                var factor = 1.0
                for _ in 0..<abs(exponent) { factor *= 10 }
                if exponent < 0 { factor = 1 / factor }
                let ticks = Ticks.linear(low * factor, high * factor, wanted: 5)
                #expect((3...9).contains(ticks.count), "\(low * factor)…\(high * factor): \(ticks.map(\.text))")
                let rounding = 1e-8 * (high - low) * factor
                #expect(
                    ticks.allSatisfy { $0.value >= low * factor - rounding && $0.value <= high * factor + rounding })
                #expect(Set(ticks.map { $0.text + $0.exponent }).count == ticks.count, "\(ticks.map(\.text))")
            }
        }
    }
}
