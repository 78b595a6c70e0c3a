import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// R² against a number that a sweep varies.
struct IdentifiabilityCurves {
    /// By the number, ascending.
    let groups: [(x: Double, scores: IdentifiabilityScores)]
    /// What the number is.
    let label: String
    /// The axes of all figures reach to 1, the most that there can be.
    var references = [ReferenceLine(.horizontal(1), name: "")]
    /// Drawn behind R² of the factors.
    var guide: Series?

    /// - Parameter title: what stands before the number in tables: "size ".
    init(
        _ sweep: StudySweep<IdentifiabilityTrial>, label: String, title: String,
        by number: (IdentifiabilityTrial) -> Double
    ) {
        groups = sweep.grouped(by: number).map {
            ($0.key, IdentifiabilityScores(title: title + TypographicNumber.short($0.key), trials: $0.trials))
        }
        self.label = label
    }

    var regressors: [Regressor] { groups.first?.scores.trials.first?.regressors ?? [] }

    /// The factors from the encodings, then the two ways between content and encodings.
    @PageBuilder func figures(_ regressors: [Regressor]) -> [any PageContent] {
        FigureGroup(regressors.flatMap { regressor in Modality.allCases.map { factors($0, regressor) } })
        if let regressor = regressors.first {
            FigureGroup(bothWays(regressor), correlation)
        }
    }

    private var x: Axis { Axis(label, scale: .linear, ticks: groups.map(\.x)) }

    private func factors(_ encoder: Modality, _ regressor: Regressor) -> Plot {
        let series = PredictionTarget.factors.enumerated().map { index, measure in
            Series(measure.title, points { $0.measured(measure, encoder, regressor) }, look: .numbered(index))
        }
        return Plot(
            "From the \(encoder.rawValue) encoder, by \(regressor.title) regression", x: x,
            y: Axis("R²", scale: .linear, includesZero: true),
            series: series + (guide.map { [$0] } ?? []), references: references)
    }

    private func bothWays(_ regressor: Regressor) -> Plot {
        let lines: [(measure: PredictionTarget, name: String)] = [
            (.content, "c from the encoding"), (.encoding, "the encoding from c"),
        ]
        let series = lines.enumerated().flatMap { line, way in
            Modality.allCases.enumerated().map { encoder, modality in
                Series(
                    "\(way.name), \(modality.rawValue)", points { $0.measured(way.measure, modality, regressor) },
                    look: .numbered(2 * line + encoder))
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
                "Of components of c and of the encoding, matched one to one. 1 would be the content itself, up to order and scale.",
            x: x, y: Axis("mean absolute correlation", scale: .linear, includesZero: true),
            series: Modality.allCases.enumerated().map { index, encoder in
                Series("\(encoder.rawValue) encoder", points { $0.meanCorrelation(encoder) }, look: .numbered(index))
            }, references: references)
    }

    private func points(_ value: (IdentifiabilityScores) -> SampleStatistics?) -> [PlotPoint] {
        groups.compactMap { x, scores in value(scores).map { PlotPoint(x, $0.mean, deviation: $0.deviation) } }
    }

    /// "0.21 at 1, 0.97 at 5": R² as a mean of both encoders, at some of the numbers.
    func course(_ measure: PredictionTarget, _ regressor: Regressor, at numbers: [Double]) -> String {
        groups.filter { numbers.contains($0.x) }.compactMap { x, scores in
            let values = Modality.allCases.compactMap { scores.measured(measure, $0, regressor)?.mean }
            return values.isEmpty
                ? nil
                : "\(TypographicNumber.fixed(SampleStatistics(values).mean, decimals: 2)) at \(TypographicNumber.short(x))"
        }.joined(separator: ", ")
    }
}
