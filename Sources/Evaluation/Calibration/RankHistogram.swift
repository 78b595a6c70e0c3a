import CoupletTensors

/// A histogram of the ranks of truths among samples of their predicted distributions (Hamill, *Interpretation of Rank
/// Histograms for Verifying Ensemble Forecasts*, Monthly Weather Review 2001).
///
/// If the truth and its L samples come from the same distribution, its rank 0 … L among them is uniform, so all bins
/// are about equally full. Full outer bins mean that the distributions are too narrow, full inner bins that they are
/// too wide, and a slope that they are shifted.
///
/// The quantities of one case, such as the coefficients of one flow, depend on each other. So the band of the counts
/// is not binomial. It comes from the samples: for an exact distribution each sample is as good a truth as the truth.
/// Sample j of all cases, ranked among the other samples and the truth, gives replicate j of the histogram, with the
/// same dependence.
public struct RankHistogram: Equatable, Sendable {
    /// A truth of several quantities, and samples of their predicted distribution.
    public struct Case: Sendable {
        /// d numbers.
        public let truth: [Double]
        /// L × d, row-major: the same row of all cases makes a replicate.
        public let samples: [Double]

        public init(truth: [Double], samples: [Double]) {
            self.truth = truth
            self.samples = samples
        }
    }

    /// Number of ranks in each bin, from the lowest ranks up.
    public let counts: [Int]
    /// L, the number of samples of each truth.
    public let samples: Int
    /// The counts of each replicate, L × bins.
    private let replicates: [[Int]]

    /// Ranks all quantities of all cases into one histogram.
    /// - Parameters:
    ///   - cases: all with the same numbers of quantities and samples.
    ///   - bins: divides L + 1, so that each bin holds the same number of ranks.
    public init(_ cases: [Case], bins: Int) {
        let d = cases.first?.truth.count ?? 0, samples = d == 0 ? 0 : cases[0].samples.count / d
        precondition(
            d > 0 && samples > 0 && cases.allSatisfy { $0.truth.count == d && $0.samples.count == samples * d },
            "cases with different numbers of quantities or samples")
        precondition(bins > 1 && (samples + 1) % bins == 0, "\(bins) bins for the ranks 0 … \(samples)")
        let ranksPerBin = (samples + 1) / bins
        // Row 0 counts the truths, row 1 + j replicate j.
        var counts = [[Int]](repeating: [Int](repeating: 0, count: bins), count: samples + 1)
        for entry in cases {
            for quantity in 0..<d {
                let values = [entry.truth[quantity]] + (0..<samples).map { entry.samples[$0 * d + quantity] }
                let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
                for (rank, index) in order.enumerated() { counts[index][rank / ranksPerBin] += 1 }
            }
        }
        self.counts = counts[0]
        self.samples = samples
        replicates = Array(counts.dropFirst())
    }

    /// The count of each bin if the ranks are uniform.
    public var expected: Double { Double(counts.reduce(0, +)) / Double(counts.count) }

    /// Returns the counts that a bin of an exact distribution has with about this probability: the central quantiles of
    /// the replicates' counts of all bins.
    public func band(probability: Double = 0.95) -> ClosedRange<Int> {
        let sorted = replicates.flatMap { $0 }.sorted(), outside = Int(0.5 * (1 - probability) * Double(sorted.count))
        return sorted[outside]...sorted[sorted.count - 1 - outside]
    }

    /// Σ (count - expected)² / expected.
    public var chiSquare: Double { Self.chiSquare(counts) }

    /// The share of histograms of an exact distribution that are at least as uneven as this one, estimated from the
    /// replicates: (1 + their number with a `chiSquare` at least as large)/(1 + L).
    public var pValue: Double {
        let own = chiSquare
        return Double(1 + replicates.count { Self.chiSquare($0) >= own }) / Double(1 + replicates.count)
    }

    private static func chiSquare(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    /// The share of truths within the central interval that leaves out `outer` bins at each end; for an exact
    /// distribution about 1 - 2 outer/bins.
    public func coverage(leavingOut outer: Int) -> Double {
        precondition(outer >= 0 && 2 * outer <= counts.count, "\(outer) of \(counts.count) bins left out at each end")
        return Double(counts[outer..<counts.count - outer].reduce(0, +)) / Double(counts.reduce(0, +))
    }
}
