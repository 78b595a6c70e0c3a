import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct RankHistogramTests {
    /// Cases of d independent normal quantities, or d equal ones. The spread is that of the samples; that of the truth
    /// is 1.
    private static func cases(
        _ count: Int, quantities d: Int, samples: Int, spread: Double = 1, shift: Double = 0, areEqual: Bool = false
    ) -> [RankHistogram.Case] {
        (0..<count).map { number in
            let drawn = areEqual ? 1 : d
            let values = Philox(seed: 5).normals((samples + 1) * drawn, .evaluation, number: UInt64(number))
            let rows = (0...samples).map { row in
                (0..<d).map { Double(values[row * drawn + (areEqual ? 0 : $0)]) }
            }
            return RankHistogram.Case(
                truth: rows[0], samples: rows.dropFirst().flatMap { $0.map { spread * $0 + shift } })
        }
    }

    @Test func ranksMatchAHandWorkedCase() {
        // Ranks 0, 3 and 2 among three samples.
        let histogram = RankHistogram(
            [
                .init(truth: [1, 9], samples: [2, 5, 3, 7, 4, 8]), .init(truth: [5, 5], samples: [6, 4, 1, 6, 2, 7]),
            ], bins: 4)
        #expect(histogram.counts == [1, 1, 1, 1] && histogram.expected == 1 && histogram.chiSquare == 0)
        #expect(histogram.pValue == 1 && histogram.samples == 3)
        let uneven = RankHistogram([.init(truth: [0, 0], samples: [1, 1, 2, 2, 3, 3])], bins: 2)
        #expect(uneven.counts == [2, 0] && uneven.chiSquare == 2 && uneven.coverage(leavingOut: 1) == 0)
    }

    @Test func exactSamplesGiveUniformRanks() {
        let cases = Self.cases(150, quantities: 4, samples: 99)
        let histogram = RankHistogram(cases, bins: 10), band = histogram.band(probability: 0.99)
        #expect(histogram.counts.reduce(0, +) == 600 && histogram.expected == 60)
        #expect(histogram.counts.allSatisfy(band.contains) && histogram.pValue > 0.02)
        // For independent quantities the band is about the binomial one: 60 ± 2.58 · 7.3.
        #expect(abs(band.lowerBound - 41) <= 4 && abs(band.upperBound - 79) <= 4, "\(band)")
        #expect(abs(histogram.coverage(leavingOut: 2) - 0.6) <= 0.08)
        // A naive twin of the ranks.
        var counts = [Int](repeating: 0, count: 10)
        for entry in cases {
            for quantity in 0..<4 {
                counts[(0..<99).count { entry.samples[$0 * 4 + quantity] < entry.truth[quantity] } / 10] += 1
            }
        }
        #expect(histogram.counts == counts)
    }

    @Test func wrongSpreadAndShiftAreFound() {
        let narrow = RankHistogram(Self.cases(100, quantities: 3, samples: 99, spread: 0.5), bins: 10)
        #expect(narrow.counts[0] > narrow.band().upperBound && narrow.counts[9] > narrow.band().upperBound)
        #expect(narrow.pValue == 0.01 && narrow.coverage(leavingOut: 1) < 0.7)
        let wide = RankHistogram(Self.cases(100, quantities: 3, samples: 99, spread: 2), bins: 10)
        #expect(wide.counts[0] < wide.band().lowerBound && wide.pValue == 0.01)
        let shifted = RankHistogram(Self.cases(100, quantities: 3, samples: 99, shift: 1), bins: 10)
        #expect(shifted.counts[0] > 2 * shifted.counts[5] && shifted.counts[9] < shifted.band().lowerBound)
    }

    /// Four equal quantities have a histogram of four times the variance.
    @Test func bandCountsDependence() {
        func width(_ areEqual: Bool) -> Double {
            let band = RankHistogram(Self.cases(150, quantities: 4, samples: 99, areEqual: areEqual), bins: 10)
                .band(probability: 0.9)
            return Double(band.upperBound - band.lowerBound)
        }
        #expect(abs(width(true) / width(false) - 2) <= 0.3)
    }
}
