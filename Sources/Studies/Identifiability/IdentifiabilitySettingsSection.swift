import CoupletPairs
import CoupletReports
import CoupletText

/// The kinds of dependence between the latents, each with styles that always and that not always change.
struct IdentifiabilitySettingsSection {
    private let rows: [IdentifiabilityScores]

    init(_ sweep: StudySweep<IdentifiabilityTrial>) {
        rows = sweep.inOrder { Self.title($0.specification) }.map {
            IdentifiabilityScores(title: $0.key, trials: $0.trials)
        }
    }

    private static func title(_ latents: LatentSpecification) -> String {
        let dependences =
            (latents.statisticalDependence ? ["statistical"] : []) + (latents.causalDependence ? ["causal"] : [])
        return (dependences.isEmpty ? "independent" : dependences.joined(separator: " and "))
            + ", π = \(TypographicNumber.short(latents.styleChange, 3))"
    }

    @PageBuilder var content: [any PageContent] {
        Paragraph(
            "Each cell has the measured R², and after the sign what the theorem lets expect: of c and of c_permuted 1, of m1 and m2 0, of s and s_perturbed what the content alone tells of them. "
                + "That is 0 where the style is drawn independently. With causal dependence s = a + B c + ε, so that a part Var((B c)ₖ) / Var(sₖ) of each of its components' variance is the content's own, "
                + "and an encoder that knows nothing but c shows that much of s, and less of s_perturbed, which has the perturbation's variance besides; the figure is the mean over the components, "
                + "for the very B and covariances that were drawn. In the last columns the encoding is predicted from c, and its components are matched with those of c."
        )
        Paragraph(
            "The theorem speaks of the minimum of the loss over all functions and infinitely many samples. What training has not come to yet, or the encoders cannot, shows as content below 1 with style in its place."
        )
        let regressors = rows.first?.trials.first?.regressors.reversed() ?? []
        for (number, regressor) in regressors.enumerated() {
            let comparison = IdentifiabilityComparison(heading: "latents", rows: rows, regressor: regressor)
            Section("By \(regressor.title) regression") {
                if regressor == .linear {
                    Paragraph(
                        "The theorem promises an invertible function of the content, not a straight one: linear regression may find less than there is, but not more than the content tells."
                    )
                }
                if number == 0 { comparison.verdict }
                comparison.content
            }
        }
    }
}
