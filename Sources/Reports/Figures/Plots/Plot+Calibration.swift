/// Plots that show whether predicted distributions agree with the truth.
extension Plot {
    /// A rank histogram (Hamill, *Interpretation of Rank Histograms for Verifying Ensemble Forecasts*, Monthly Weather
    /// Review 2001): how often the truth has each rank among samples of its predicted distribution. Bars of height 1
    /// are a uniform histogram, that of an exact distribution.
    /// - Parameters:
    ///   - counts: The counts of the bins, from the lowest ranks up.
    ///   - band: The counts that an exact distribution has in most bins; nil for none.
    public static func rankHistogram(
        _ title: String, caption: String = "", counts: [Int], band: ClosedRange<Int>? = nil,
        appearance: Series.Appearance = .numbered(0)
    ) -> Plot {
        let expected = max(1e-300, Double(counts.reduce(0, +)) / Double(max(1, counts.count)))
        let points = counts.enumerated().map { index, count in
            PlotPoint(
                (Double(index) + 0.5) / Double(counts.count), Double(count) / expected, label: "\(count) truths")
        }
        return Plot(
            title, caption: caption, x: Axis("rank of the truth among the samples, as a fraction", scale: .linear),
            y: Axis("count, relative to uniform", scale: .linear, includesZero: true),
            series: [Series("", points, style: .bars, appearance: appearance)],
            references: [ReferenceLine(.horizontal(1), name: "")],
            bands: band.map {
                [Band("exact distribution", y: Double($0.lowerBound) / expected...Double($0.upperBound) / expected)]
            } ?? [])
    }

    /// Predictions of similar probability in a reliability diagram.
    public struct ReliabilityBin: Equatable, Sendable {
        /// Mean probability of the predictions.
        public var probability: Double
        /// The share of them that came true.
        public var frequency: Double
        public var count: Int

        public init(probability: Double, frequency: Double, count: Int) {
            self.probability = probability
            self.frequency = frequency
            self.count = count
        }

        /// The binomial standard error of the frequency, √(f (1 - f) / n).
        var deviation: Double { (frequency * (1 - frequency) / Double(max(1, count))).squareRoot() }
    }

    /// A reliability diagram: how often predictions of each probability come true. Reliable predictions lie on the
    /// diagonal.
    /// - Parameter predictions: The bins of each method by its name.
    public static func reliability(
        _ title: String, caption: String = "", predictions: [(name: String, bins: [ReliabilityBin])]
    ) -> Plot {
        Plot(
            title, caption: caption, x: Axis("predicted probability", scale: .linear, includesZero: true),
            y: Axis("share that is right", scale: .linear, includesZero: true),
            series: predictions.enumerated().map { index, prediction in
                Series(
                    prediction.name,
                    prediction.bins.map {
                        PlotPoint(
                            $0.probability, $0.frequency, deviation: $0.deviation, label: "\($0.count) predictions")
                    }, appearance: .numbered(index))
            }, references: [ReferenceLine(.diagonal, name: "reliable")])
    }

    /// Posterior means and standard deviations next to the truth, for each quantity of one case, such as the
    /// coefficients of a flow.
    /// - Parameters:
    ///   - truth: d numbers.
    ///   - methods: d means and d standard deviations by the name of each method.
    public static func posteriorIntervals(
        _ title: String, caption: String = "", quantity: String, value: String, truth: [Double],
        methods: [(name: String, means: [Double], deviations: [Double])]
    ) -> Plot {
        // The methods' marks of a quantity lie side by side, around those of the truth.
        let step = 0.6 / Double(methods.count + 1)
        let intervals = methods.enumerated().map { index, method in
            precondition(
                method.means.count == truth.count && method.deviations.count == truth.count,
                "\(method.means.count) means and \(method.deviations.count) deviations for \(truth.count) quantities")
            let shift = (Double(index) + 1 - Double(methods.count + 1) / 2) * step
            return Series(
                method.name,
                truth.indices.map {
                    PlotPoint(Double($0 + 1) + shift, method.means[$0], deviation: method.deviations[$0])
                }, style: .markers, appearance: .numbered(index))
        }
        let points = truth.enumerated().map { PlotPoint(Double($0 + 1), $1) }
        return Plot(
            title, caption: caption, x: Axis(quantity, scale: .linear), y: Axis(value, scale: .linear),
            series: intervals + [Series("truth", points, style: .markers, appearance: .neutral)],
            references: [ReferenceLine(.horizontal(0), name: "")])
    }

    /// The root-mean-square error of cases with similar predicted spread, over that spread (Whitaker and Loughe, *The
    /// Relationship between Ensemble Spread and Ensemble Mean Skill*, Monthly Weather Review 1998). The points of exact
    /// posteriors lie on the diagonal; points above it are of predictions that are too narrow.
    /// - Parameters:
    ///   - methods: The predicted standard deviations and the errors of all cases by the name of each method.
    ///   - bins: Number of points of a method, each with equally many cases.
    public static func spreadAgainstError(
        _ title: String, caption: String = "", value: String,
        methods: [(name: String, spreads: [Double], errors: [Double])], bins: Int = 8
    ) -> Plot {
        precondition(bins > 0, "\(bins) bins")
        let series = methods.enumerated().map { index, method in
            precondition(
                method.spreads.count == method.errors.count,
                "\(method.spreads.count) spreads and \(method.errors.count) errors")
            let order = method.spreads.indices.sorted { (method.spreads[$0], $0) < (method.spreads[$1], $1) }
            let count = min(bins, order.count)
            let points = (0..<count).map { bin in
                let members = order[bin * order.count / count..<(bin + 1) * order.count / count]
                func rootMeanSquare(_ values: [Double]) -> Double {
                    (members.reduce(0) { $0 + values[$1] * values[$1] } / Double(members.count)).squareRoot()
                }
                return PlotPoint(
                    rootMeanSquare(method.spreads), rootMeanSquare(method.errors), label: "\(members.count) cases")
            }
            return Series(method.name, points, appearance: .numbered(index))
        }
        return Plot(
            title, caption: caption, x: Axis("spread of \(value)", scale: .linear, includesZero: true),
            y: Axis("error of \(value)", scale: .linear, includesZero: true), series: series,
            references: [ReferenceLine(.diagonal, name: "exact posterior")])
    }
}
