import CoupletReports
import CoupletText
import CoupletTraining

/// The Gaussian study of *A Mathematical Perspective On Contrastive Learning* (Baptista, Stuart, Tran 2025, arXiv
/// 2505.24134): one page from the sweeps that `launch/reproduce gaussian` trains. The same folders give the same bytes.
public struct GaussianStudy: Sendable {
    /// The sweeps in the order of the page. The raw values are the names of their folders.
    public enum Part: String, CaseIterable, Sendable {
        case batch, combinations, rank, weights, information, inputs
    }

    private let sweeps: StudySweeps<Part, GaussianTrial>
    /// The content of `population.json`, which `Tests/Peers/population.py` writes; nil if it does not exist.
    private let population: JSONValue?

    /// Reads the sweeps that exist in a folder.
    /// - Throws: `FileError` if there is no sweep or a sweep is damaged.
    public init(reading folder: String) throws {
        sweeps = try StudySweeps(reading: folder, of: "Gaussian", command: "gaussian")
        population = try RunRecord.text(at: "\(folder)/population.json").flatMap { JSONValue(text: $0) }
    }

    /// The parts whose sweeps exist.
    public var parts: [Part] { sweeps.parts }

    public var page: ReportPage {
        ReportPage(
            title: "Contrastive learning of Gaussian pairs",
            lead: "Made by \(Version.program) from the sweeps of launch/reproduce gaussian. \(Self.source)"
        ) {
            Paragraph(Self.introduction)
            sweeps.sections(content)
        }
    }

    private static let source =
        "After R. Baptista, A. M. Stuart, S. Tran: A Mathematical Perspective On Contrastive Learning, "
        + "arXiv 2505.24134, 2025."

    private static let introduction =
        "Two encoders of a jointly Gaussian pair (u, v), trained on batches of N new pairs, define the coupling "
        + "ρ(u, v) ∝ exp(κ(g(u), h(v))/τ) μ(u) ν(v). The paper derives what linear encoders learn from infinitely many "
        + "pairs, so every figure on this page has an exact answer next to it. The pair has the canonical correlations "
        + "σ₁ ≥ σ₂ ≥ …; the coupling matrix Ã = Cuu^½ Gᵀ H Cvv^½ / τ must learn their singular vectors, and singular "
        + "values that depend on the loss."

    private func content(_ part: Part, _ sweep: StudySweep<GaussianTrial>) -> [any PageContent] {
        switch part {
        case .batch: GaussianBatchSection(sweep).content
        case .combinations: GaussianCombinationsSection(sweep, numerical: population).content
        case .rank: GaussianRankSection(sweep).content
        case .weights: GaussianWeightsSection(sweep).content
        case .information: GaussianInformationSection(sweep).content
        case .inputs: GaussianInputsSection(sweep).content
        }
    }
}

extension GaussianStudy.Part: StudyPart {
    var heading: String {
        switch self {
        case .batch: "Error against batch size"
        case .combinations: "Every loss with every similarity"
        case .rank: "Error against rank"
        case .weights: "Error against weights"
        case .information: "Mutual information"
        case .inputs: "Hard inputs"
        }
    }
}
