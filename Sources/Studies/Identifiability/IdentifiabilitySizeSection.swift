import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// Encodings that are smaller and larger than the content.
struct IdentifiabilitySizeSection {
    private let curves: IdentifiabilityCurves
    private let contentSize: Int?

    init(_ sweep: StudySweep<IdentifiabilityTrial>) {
        var curves = IdentifiabilityCurves(sweep, label: "encoding size", title: "size ") {
            Double($0.configuration.encoders.embedding)
        }
        contentSize = sweep.trials.first?.specification.content
        if let size = contentSize {
            curves.references.append(ReferenceLine(.vertical(Double(size)), name: "size of the content"))
            curves.guide = Series(
                "size / \(size)", curves.groups.map { PlotPoint($0.x, min(1, $0.x / Double(size))) }, style: .line,
                look: .neutral)
        }
        self.curves = curves
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Independent latents, style that always changes. The theorem speaks of encodings of the content's size. Smaller ones have no room for all of the content: e of n equally varying components are a share e/n of "
                + "it, the grey line. But they too can be equal in both views of every pair, so they are functions of c alone, and tell nothing of s and m. Larger ones cannot have both ends of the loss: a function of c alone "
                + "fills no more than a surface of the content's dimension in the space of the encodings, and spreading over the rest of the space, which the loss rewards, takes something else that varies. Style is "
                + "the first candidate, for s and s_perturbed are correlated and so still half equal in both views; what is a modality's own costs the most, for it differs altogether."
        )
        if let regressor = curves.regressors.last {
            if let size = contentSize { Paragraph(verdict(size, regressor)) }
            curves.figures(curves.regressors.reversed())
            let comparison = IdentifiabilityComparison(
                heading: "encodings", rows: curves.groups.map(\.scores), regressor: regressor)
            comparison.verdict
            comparison.content
        }
    }

    private func verdict(_ size: Int, _ regressor: Regressor) -> String {
        let numbers = curves.groups.map(\.x),
            chosen = [
                numbers.first, numbers.last { $0 < Double(size) }, numbers.first { $0 >= Double(size) }, numbers.last,
            ]
        var text =
            "Measured, as means of both encoders, \(regressor.title) regression: content \(curves.course(.content, regressor, at: chosen.compactMap { $0 }))."
        let own = Self.largest(curves.groups, [(.firstModality, .first), (.secondModality, .second)], regressor)
        if let own {
            text +=
                " What is a modality's own, from its own encoder, is at most \(TypographicNumber.fixed(own.score, decimals: 2)), at size \(TypographicNumber.short(own.x))."
        }
        return text
    }

    private static func largest(
        _ groups: [(x: Double, scores: IdentifiabilityScores)], _ places: [(PredictionTarget, Modality)],
        _ regressor: Regressor
    ) -> (x: Double, score: Double)? {
        groups.flatMap { x, scores in
            places.compactMap { measure, encoder in
                scores.measured(measure, encoder, regressor).map { (x: x, score: $0.mean) }
            }
        }
        .max { $0.score < $1.score }
    }
}
