import Evaluation
import Storage
import Sweeps
import Training

/// The Gaussian study of *A Mathematical Perspective On Contrastive Learning* (Baptista, Stuart, Tran 2025, arXiv 2505.24134) in one page, made from
/// the sweeps that `launch/reproduce gaussian` trains: the same folders give the same bytes.
public struct GaussianStudy: Sendable {
    /// The sweeps, by the names of their folders, in the order of the page.
    public enum Part: String, CaseIterable, Sendable {
        case batch, combinations, rank, weights, information, inputs
    }

    let sweeps: [Part: StudySweep]
    /// `population.json`, where `Tests/Peers/population.py` has written it.
    private let population: JSONValue?

    /// Reads the sweeps that are in a folder.
    /// - Throws: `StorageError` where there is none, or one is damaged.
    public init(reading folder: String) throws {
        var sweeps: [Part: StudySweep] = [:]
        for part in Part.allCases where SweepFolder(path: "\(folder)/\(part.rawValue)").holdsSweep {
            sweeps[part] = try StudySweep(reading: "\(folder)/\(part.rawValue)")
        }
        guard !sweeps.isEmpty else {
            let names = Part.allCases.map(\.rawValue).joined(separator: ", ")
            throw StorageError(
                .inputOutput, place: folder, reason: "no sweep of the Gaussian study: none of \(names)",
                remedy: "launch/reproduce gaussian --output \(folder) trains them")
        }
        self.sweeps = sweeps
        population = try RunRecord.text(at: "\(folder)/population.json").flatMap { JSONValue(text: $0) }
    }

    /// Which parts are there.
    public var parts: [Part] { Part.allCases.filter { sweeps[$0] != nil } }

    public var page: ReportPage {
        ReportPage(
            title: "Contrastive learning of Gaussian pairs", lead: "Made by \(Version.program) from the sweeps of launch/reproduce gaussian. \(Self.source)"
        ) {
            Paragraph(Self.introduction)
            for part in parts {
                if let sweep = sweeps[part] {
                    Section(Self.heading(part)) {
                        content(part, sweep)
                        if let remark = sweep.remark { Paragraph(remark, .warning) }
                    }
                }
            }
            Section("How it was made") { sources }
        }
    }

    private static let source =
        "After R. Baptista, A. M. Stuart, S. Tran: A Mathematical Perspective On Contrastive Learning, arXiv 2505.24134, 2025."

    private static let introduction =
        "Two encoders of a jointly Gaussian pair (u, v), trained on batches of N fresh pairs, define the coupling ρ(u, v) ∝ exp(κ(g(u), h(v))/τ) μ(u) ν(v). "
        + "For linear encoders the paper gives what they learn from infinitely many pairs, so everything here has an exact answer beside it: with the canonical "
        + "correlations σ₁ ≥ σ₂ ≥ … of the pair, the coupling matrix Ã = Cuu^½ Gᵀ H Cvv^½ / τ must get their singular vectors, and singular values that depend on the loss."

    private static func heading(_ part: Part) -> String {
        switch part {
        case .batch: "Error against batch size"
        case .combinations: "Every loss with every similarity"
        case .rank: "Error against rank"
        case .weights: "Error against weights"
        case .information: "Mutual information"
        case .inputs: "Hard inputs"
        }
    }

    private func content(_ part: Part, _ sweep: StudySweep) -> [any PageContent] {
        switch part {
        case .batch: StudyBatchPart(sweep).content
        case .combinations: StudyCombinationsPart(sweep, numerical: population).content
        case .rank: StudyRankPart(sweep).content
        case .weights: StudyWeightsPart(sweep).content
        case .information: StudyInformationPart(sweep).content
        case .inputs: StudyInputsPart(sweep).content
        }
    }

    @PageBuilder private var sources: [any PageContent] {
        DataTable(
            columns: ["sweep", "trials", "steps", "time of all trials"],
            rows: parts.compactMap { part in
                sweeps[part].map { sweep in
                    let rows = sweep.record.trials
                    return [
                        DataTable.Cell(part.rawValue), DataTable.Cell(NumberText.grouped(rows.count)),
                        DataTable.Cell(rows.compactMap(\.steps).max().map(NumberText.grouped) ?? "–"),
                        DataTable.Cell(NumberText.duration(rows.compactMap(\.seconds).reduce(0, +))),
                    ]
                }
            })
        for part in parts {
            if let text = sweeps[part]?.record.specification { FoldedText("\(part.rawValue)/sweep.yaml", text: text) }
        }
    }
}
