import CoupletReports
import CoupletTraining

/// The numerical study of *Identifiability Results for Multimodal Contrastive Learning* (Daunhawer, Bizeul, Palumbo,
/// Marx, Vogt, ICLR 2023, arXiv 2303.09166): one page from the sweeps that `launch/reproduce identifiability` trains.
/// The same folders give the same bytes.
public struct IdentifiabilityStudy: Sendable {
    /// The sweeps in the order of the page. The raw values are the names of their folders.
    public enum Part: String, CaseIterable, Sendable {
        case table
        case encodingSize = "encoding_size"
        case styleChange = "style_change"
    }

    private let sweeps: StudySweeps<Part, IdentifiabilityTrial>

    /// Reads the sweeps that exist in a folder.
    /// - Throws: `FileError` if there is no sweep, or a sweep is damaged or has trials without an evaluation of
    ///   identifiability; `ConfigurationError`.
    public init(reading folder: String) throws {
        sweeps = try StudySweeps(reading: folder, of: "identifiability", command: "identifiability")
    }

    /// The parts whose sweeps exist.
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
        "After I. Daunhawer, A. Bizeul, E. Palumbo, A. Marx, J. E. Vogt: Identifiability Results for Multimodal "
        + "Contrastive Learning, ICLR 2023, arXiv 2303.09166."

    private static let introduction = [
        "Two views are generated from latent factors: x1 = f1(c, s, m1) and x2 = f2(c, s_perturbed, m2). f1 and f2 are "
            + "two different invertible networks that nobody learns. Both views share the content c. Both contain the "
            + "style s, but each of its components changes in the second view with a probability π. m1 and m2 belong "
            + "to one modality each. An encoder for each view is trained to give similar encodings to the two views of "
            + "a pair and to spread out the encodings of different pairs. It sees the views and never the latent "
            + "factors.",
        "The theorem: at the minimum of this loss, with encodings of the content's size and π > 0, each encoder is an "
            + "invertible function of the content alone. It has found c up to a change of coordinates, and nothing "
            + "else, although nothing in the training says which factors are content.",
        "The measurement: regressions predict each latent factor from the encodings, on samples that no regression was "
            + "fitted to. R² is the fraction of a factor's variance that the encoding predicts, from 0 for none to 1 "
            + "for all. Kernel ridge regression finds smooth functions of any form, linear regression only linear "
            + "ones. For “c_permuted”, the views get the content of other samples and keep all other factors; the "
            + "encoding must follow the new content. “Encoding from c” is the reverse prediction: it is 1 if the "
            + "encoding is a function of c alone.",
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
