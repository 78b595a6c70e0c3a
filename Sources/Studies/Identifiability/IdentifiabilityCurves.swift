import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// R² over a number that a sweep varies.
struct IdentifiabilityCurves {
    /// The trials of each number, in ascending order.
    let groups: [(x: Double, scores: IdentifiabilityScores)]
    /// The name of the number.
    let label: String
    /// Reference lines of all figures. The line at 1, the largest R², extends all axes to 1.
    var references = [ReferenceLine(.horizontal(1), name: "")]
    /// A series that is drawn with the R² of the factors.
    var expectation: Series?

    /// - Parameter title: The text before the number in tables: "size ".
    init(
        _ sweep: StudySweep<IdentifiabilityTrial>, label: String, title: String,
        by number: (IdentifiabilityTrial) -> Double
    ) {
        groups = sweep.sortedGroups(by: number).map {
            ($0.key, IdentifiabilityScores(title: title + TypographicNumber.short($0.key), trials: $0.trials))
        }
        self.label = label
    }

    var regressors: [Regressor] { groups.first?.scores.trials.first?.regressors ?? [] }

    /// Figures of the factors predicted from the encodings, and of content and encodings predicted from each other.
    @PageBuilder func figures(_ regressors: [Regressor]) -> [any PageContent] {
        FigureGroup(regressors.flatMap { regressor in Modality.allCases.map { factors($0, regressor) } })
        if let regressor = regressors.first {
            FigureGroup(contentAndEncoding(regressor), correlation)
        }
    }

    private var x: Axis { Axis(label, scale: .linear, ticks: groups.map(\.x)) }

    private func factors(_ encoder: Modality, _ regressor: Regressor) -> Plot {
        let series = PredictionTarget.factors.enumerated().map { index, target in
            Series(target.title, points { $0.measured(target, encoder, regressor) }, appearance: .numbered(index))
        }
        return Plot(
            "From the \(encoder.rawValue) encoder, by \(regressor.title) regression", x: x,
            y: Axis("R²", scale: .linear, includesZero: true),
            series: series + (expectation.map { [$0] } ?? []), references: references)
    }

    private func contentAndEncoding(_ regressor: Regressor) -> Plot {
        let lines: [(target: PredictionTarget, name: String)] = [
            (.content, "c from the encoding"), (.encoding, "the encoding from c"),
        ]
        let series = lines.enumerated().flatMap { index, line in
            Modality.allCases.enumerated().map { encoder, modality in
                Series(
                    "\(line.name), \(modality.rawValue)", points { $0.measured(line.target, modality, regressor) },
                    appearance: .numbered(2 * index + encoder))
            }
        }
        return Plot(
            "Content and encoding, each from the other",
            caption: "By \(regressor.title) regression. Where both are 1, each is a function of the other.",
            x: x, y: Axis("R²", scale: .linear, includesZero: true), series: series, references: references)
    }

    private var correlation: Plot {
        Plot(
            "Mean correlation coefficient",
            caption:
                "Between components of c and of the encoding, matched one to one. 1 means the content itself, up to "
                + "order and scale.",
            x: x, y: Axis("mean absolute correlation", scale: .linear, includesZero: true),
            series: Modality.allCases.enumerated().map { index, encoder in
                Series(
                    "\(encoder.rawValue) encoder", points { $0.meanCorrelation(encoder) }, appearance: .numbered(index))
            }, references: references)
    }

    private func points(_ value: (IdentifiabilityScores) -> SampleStatistics?) -> [PlotPoint] {
        groups.compactMap { x, scores in value(scores).map { PlotPoint(x, $0.mean, deviation: $0.deviation) } }
    }

    /// The R² at some of the numbers, as a mean over both encoders: "0.21 at 1, 0.97 at 5".
    func summary(_ target: PredictionTarget, _ regressor: Regressor, at numbers: [Double]) -> String {
        groups.filter { numbers.contains($0.x) }.compactMap { x, scores in
            let values = Modality.allCases.compactMap { scores.measured(target, $0, regressor)?.mean }
            if values.isEmpty { return nil }
            let mean = TypographicNumber.fixed(SampleStatistics(values).mean, decimals: 2)
            return "\(mean) at \(TypographicNumber.short(x))"
        }.joined(separator: ", ")
    }
}
