import CoupletEvaluation
import CoupletReports
import CoupletTraining

/// The numerical study of *Identifiability Results for Multimodal Contrastive Learning* (Daunhawer, Bizeul, Palumbo, Marx, Vogt, ICLR 2023, arXiv
/// 2303.09166) in one page, made from the sweeps that `launch/reproduce identifiability` trains: the same folders give the same bytes.
public struct IdentifiabilityStudy: Sendable {
    /// The sweeps, by the names of their folders, in the order of the page.
    public enum Part: String, CaseIterable, Sendable {
        case table
        case encodingSize = "encoding_size"
        case styleChange = "style_change"
    }

    private let sweeps: StudySweeps<Part, IdentifiabilityTrial>

    /// Reads the sweeps that are in a folder.
    /// - Throws: `FileError` where there is none, or one is damaged or has trials without an evaluation of identifiability; `ConfigurationError`.
    public init(reading folder: String) throws {
        sweeps = try StudySweeps(reading: folder, of: "identifiability", command: "identifiability")
    }

    /// Which parts are there.
    public var parts: [Part] { sweeps.parts }

    public var page: ReportPage {
        ReportPage(
            title: "What contrastive learning finds of latent factors",
            lead: "Made by \(Version.program) from the sweeps of launch/reproduce identifiability. \(Self.source)"
        ) {
            for text in Self.introduction { Paragraph(text) }
            sweeps.sections(content)
        }
    }

    private static let source =
        "After I. Daunhawer, A. Bizeul, E. Palumbo, A. Marx, J. E. Vogt: Identifiability Results for Multimodal Contrastive Learning, ICLR 2023, arXiv 2303.09166."

    private static let introduction = [
        "Two views are made of latent factors and hide them: x1 = f1(c, s, m1) and x2 = f2(c, s_perturbed, m2), with f1 and f2 two different invertible networks that nobody learns. Both views share the content c. The style s is in "
            + "both, but each of its components is changed in the second view with a probability π. m1 and m2 are each modality's own. An encoder for each view is trained, to give the two views of a pair like encodings and "
            + "spread out those of different pairs. It sees the views and never the latents.",
        "The theorem: where that loss is at its minimum, with encodings of the content's size and π > 0, each encoder is an invertible function of the content alone. It has found c, up to a change of coordinates, and "
            + "nothing else; nothing here was said of which inputs are content.",
        "What is measured: regressions from encodings to each latent factor, on samples that nothing was fitted on. R² is the share of a factor's variance that the encoding tells, 1 for all of it and 0 for none. Kernel ridge regression "
            + "finds smooth functions of any form, linear regression straight ones. “c_permuted” puts the content of other samples into the views and leaves all else: the encoding must follow the content that was put in. "
            + "“Encoding from c” is the other way round: 1 where the encoding is a function of c and nothing else.",
    ]

    private func content(_ part: Part, _ sweep: StudySweep<IdentifiabilityTrial>) -> [any PageContent] {
        switch part {
        case .table: IdentifiabilitySettingsSection(sweep).content
        case .encodingSize: IdentifiabilitySizeSection(sweep).content
        case .styleChange: IdentifiabilityChangeSection(sweep).content
        }
    }
}

extension IdentifiabilityStudy.Part: StudyPart {
    var heading: String {
        switch self {
        case .table: "Which factors are found"
        case .encodingSize: "Encodings of other sizes"
        case .styleChange: "Styles that seldom change"
        }
    }
}
