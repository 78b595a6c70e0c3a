import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// All kinds of dependence between the latents, each with styles that always change and styles that sometimes change.
struct IdentifiabilitySettingsSection {
    private let rows: [IdentifiabilityScores]

    init(_ sweep: StudySweep<IdentifiabilityTrial>) {
        rows = sweep.groups { Self.title($0.specification) }
            .map { IdentifiabilityScores(title: $0.key, trials: $0.trials) }
    }

    private static func title(_ latents: LatentSpecification) -> String {
        let dependences =
            (latents.statisticalDependence ? ["statistical"] : []) + (latents.causalDependence ? ["causal"] : [])
        return (dependences.isEmpty ? "independent" : dependences.joined(separator: " and "))
            + ", π = \(TypographicNumber.short(latents.styleChange, 3))"
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Each cell shows the measured R² and, after the sign, the prediction of the theorem: 1 for c and "
                + "c_permuted, 0 for m1 and m2, and for s and s_perturbed the part that the content alone predicts. "
                + "That part is 0 if the style is drawn independently. With causal dependence, s = a + B c + ε: the "
                + "content determines a fraction Var((B c)ₖ) / Var(sₖ) of the variance of each component. An encoder "
                + "that knows only c predicts that fraction of s, and a smaller one of s_perturbed, which also has the "
                + "variance of the perturbation. The value is the mean over the components for the B and the "
                + "covariances that were drawn. In the last columns, the encoding is predicted from c, and its "
                + "components are matched with those of c.")
        Paragraph(
            "The theorem applies to the minimum of the loss over all functions and infinitely many samples. If the "
                + "training has not reached it, or the encoders cannot represent it, content is below 1 and style "
                + "takes its place."
        )
        let regressors = rows.first?.trials.first?.regressors.reversed() ?? []
        for (index, regressor) in regressors.enumerated() {
            let comparison = IdentifiabilityComparison(heading: "latents", rows: rows, regressor: regressor)
            Section("By \(regressor.title) regression") {
                if regressor == .linear {
                    Paragraph(
                        "The theorem promises an invertible function of the content, not a linear one. Linear "
                            + "regression may therefore find less than the encoding contains, but not more than the "
                            + "content predicts."
                    )
                }
                if index == 0 { comparison.verdict }
                comparison.content
            }
        }
    }
}

/// Encodings that are smaller or larger than the content.
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
            curves.expectation = Series(
                "size / \(size)", curves.groups.map { PlotPoint($0.x, min(1, $0.x / Double(size))) }, style: .line,
                appearance: .neutral)
        }
        self.curves = curves
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Independent latents, style that always changes. The theorem applies to encodings of the content's size. "
                + "Smaller ones have no room for all of the content: e of n components with equal variance are a "
                + "fraction e/n of it, the grey line. They can still be equal in both views of every pair, so they are "
                + "functions of c alone and contain nothing of s and m. Larger ones cannot satisfy both terms of the "
                + "loss: a function of c alone fills only a surface of the content's dimension in the space of the "
                + "encodings, and the loss rewards spreading over the rest of the space, which needs another factor "
                + "that varies. Style is the first candidate, because s and s_perturbed are correlated and so partly "
                + "equal in both views. A factor of one modality alone costs the most, because it differs completely.")
        if let regressor = curves.regressors.last {
            if let size = contentSize { Paragraph(verdict(size, regressor)) }
            curves.figures(curves.regressors.reversed())
            let comparison = IdentifiabilityComparison(
                heading: "encodings", rows: curves.groups.map(\.scores), regressor: regressor)
            comparison.verdict
            comparison.content
        }
    }

    private func verdict(_ contentSize: Int, _ regressor: Regressor) -> String {
        let sizes = curves.groups.map(\.x), contentSize = Double(contentSize)
        let chosen = [sizes.first, sizes.last { $0 < contentSize }, sizes.first { $0 >= contentSize }, sizes.last]
        let content = curves.summary(.content, regressor, at: chosen.compactMap { $0 })
        var text = "Measured, as means of both encoders, \(regressor.title) regression: content \(content)."
        if let largest = largestModalityScore(regressor) {
            text +=
                " The factor of one modality alone, from its own encoder, is at most "
                + "\(TypographicNumber.fixed(largest.score, decimals: 2)), at size "
                + "\(TypographicNumber.short(largest.x))."
        }
        return text
    }

    /// The largest R² of m1 from the first encoder and of m2 from the second one, and its encoding size.
    private func largestModalityScore(_ regressor: Regressor) -> (x: Double, score: Double)? {
        curves.groups.flatMap { x, scores in
            [
                scores.measured(.firstModality, .first, regressor),
                scores.measured(.secondModality, .second, regressor),
            ].compactMap { statistics in statistics.map { (x: x, score: $0.mean) } }
        }
        .max { $0.score < $1.score }
    }
}

/// Styles that change between the views with several probabilities.
struct IdentifiabilityChangeSection {
    private let curves: IdentifiabilityCurves
    private let trial: IdentifiabilityTrial?

    init(_ sweep: StudySweep<IdentifiabilityTrial>) {
        curves = IdentifiabilityCurves(
            sweep, label: "probability π that a component of the style changes", title: "π = ",
            by: \.specification.styleChange)
        trial = sweep.trials.first
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Independent latents. The theorem holds for every π above 0, however rarely a style changes. But the more "
                + "rarely it changes, the less an encoding that contains style increases the loss.")
        if let unchangedStyle { Paragraph(unchangedStyle) }
        if let regressor = curves.regressors.last {
            let probabilities = curves.groups.map(\.x)
            Paragraph(
                "Measured, as means of both encoders, \(regressor.title) regression: "
                    + "content \(curves.summary(.content, regressor, at: probabilities)); "
                    + "style s \(curves.summary(.style, regressor, at: probabilities)).")
            curves.figures(curves.regressors.reversed())
            let comparison = IdentifiabilityComparison(
                heading: "style", rows: curves.groups.map(\.scores), regressor: regressor)
            comparison.verdict
            comparison.content
        }
    }

    /// The meaning of π = 0; nil if the sweep does not contain it.
    private var unchangedStyle: String? {
        guard let trial, curves.groups.first?.x == 0 else { return nil }
        let latents = trial.specification, shared = latents.content + latents.style
        let size = trial.configuration.encoders.embedding
        let fraction = TypographicNumber.short(Double(size) / Double(shared), 2)
        return
            "At π = 0 the style is the same in both views, so the theorem treats it as content. \(size) outputs cannot "
            + "hold \(shared) shared dimensions: neither c nor s can be found completely, and nothing prefers one of "
            + "them. With equal shares, the encoding would predict about \(fraction) of each. The only prediction "
            + "there is that m1 and m2 stay near 0."
    }
}
