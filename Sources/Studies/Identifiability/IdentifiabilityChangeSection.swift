import CoupletReports
import CoupletText

/// Styles that change between the views always, seldom, never.
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
            "Independent latents. For every π above 0 the theorem holds, however seldom a style changes; but the more seldom, the less the loss pays for an encoding that has style in it."
        )
        if let never { Paragraph(never) }
        if let regressor = curves.regressors.last {
            Paragraph(
                "Measured, as means of both encoders, \(regressor.title) regression: content \(curves.course(.content, regressor, at: ends)); style s \(curves.course(.style, regressor, at: ends))."
            )
            curves.figures(curves.regressors.reversed())
            let comparison = IdentifiabilityComparison(
                heading: "style", rows: curves.groups.map(\.scores), regressor: regressor)
            comparison.verdict
            comparison.content
        }
    }

    private var ends: [Double] { curves.groups.map(\.x) }

    /// What it means where one is 0.
    private var never: String? {
        guard let trial, ends.first == 0 else { return nil }
        let latents = trial.specification, shared = latents.content + latents.style,
            size = trial.configuration.encoders.embedding
        return
            "At π = 0 the style is the same in both views: to the theorem it is then content. \(size) outputs stand before \(shared) shared dimensions, so neither c nor s can be found whole, "
            + "nothing prefers the one to the other, and with equal shares each would be told to about \(TypographicNumber.short(Double(size) / Double(shared), 2)). Nothing is expected there but that m1 and m2 stay near 0."
    }
}
