import CoupletFiles
import CoupletReports
import CoupletTraining

/// The ocean study: data assimilation by contrastive learning (Baptista, Stuart, Tran 2025, arXiv 2505.24134), next to
/// the exact answers. One page from the sweeps that `launch/reproduce ocean` trains and from the comparisons of their
/// runs. The same folders give the same bytes.
public struct OceanStudy: Sendable {
    /// The sweeps in the order of the page. The raw values are the names of their folders.
    public enum Part: String, CaseIterable, Sendable {
        case assimilation, losses, batch, encoders
    }

    private let sweeps: StudySweeps<Part, OceanTrial>

    /// Reads the sweeps that exist in a folder.
    /// - Throws: `FileError` if there is no sweep, if a sweep is damaged or of another study, or if the comparison of a
    ///   run with the exact answers is missing.
    public init(reading folder: String) throws {
        sweeps = try StudySweeps(reading: folder, of: "ocean", command: "ocean")
    }

    /// The parts whose sweeps exist.
    public var parts: [Part] { sweeps.parts }

    public var page: ReportPage {
        ReportPage(
            title: "Ocean flows from the tracks of drifters",
            lead:
                "Made by \(Version.program) from the sweeps of launch/reproduce ocean. After R. Baptista, A. M. "
                + "Stuart, S. Tran: A Mathematical Perspective On Contrastive Learning, arXiv 2505.24134, 2025."
        ) {
            Paragraph(
                "A flow is a Gaussian random stream function ψ on the periodic square. Drifters start at known places, "
                    + "follow the flow, and are observed at a few times with noise. Two encoders learn from pairs of a "
                    + "flow and its tracks. Their scores then give p(flow | tracks), which is data assimilation, and "
                    + "p(tracks | flow). The likelihood of tracks in a flow can be computed by integrating the "
                    + "drifters, so the exact answers to the same questions stand next to the learned ones.")
            sweeps.sections { part, sweep in
                switch part {
                case .assimilation: OceanAssimilationSection(sweep).content
                case .losses:
                    OceanComparisonSection(sweep, introduction: Self.losses) { $0.record.setting.loss }.content
                case .batch: OceanBatchSection(sweep).content
                case .encoders:
                    OceanComparisonSection(sweep, introduction: Self.encoders) { $0.encoders }.content
                }
            }
        }
    }

    private static let losses =
        "A loss of one side fits one conditional only: the weights (1, 0) fit the flow given the tracks, (0, 1) the "
        + "tracks given the flow. Both sides together, (0.5, 0.5), fit both. All runs have the same encoders and steps."

    private static let encoders =
        "Fields are encoded by a multilayer perceptron or by convolutions, tracks by a set encoder (a sum over "
        + "drifters) or by attention among drifters. None of them knows an order of the drifters. All runs have the "
        + "same steps."
}

extension OceanStudy.Part: StudyPart {
    var heading: String {
        switch self {
        case .assimilation: "Flows and tracks"
        case .losses: "One side and both sides"
        case .batch: "Error against batch size"
        case .encoders: "Encoders"
        }
    }
}

/// A finished trial of the ocean study: its config, and its comparison with the exact answers.
struct OceanTrial: StudyTrial {
    let name: String
    let configuration: Configuration
    let record: AssimilationRecord

    /// The file of a run's comparison, in the run's folder.
    static let fileName = "assimilation.h5"

    /// - Throws: `FileError` if the run is damaged, or if there is no comparison; `ConfigurationError`.
    init(reading path: String, name: String) throws {
        let file = "\(path)/\(Self.fileName)"
        guard FileSystem.exists(file) else {
            throw FileError(
                .badData, at: file, reason: "the run is not compared with the exact answers",
                remedy: "couplet study assimilate \(path) --output \(file) compares it")
        }
        self.name = name
        configuration = try RunFolder(path: path).storedConfiguration(registry: .builtIn)
        record = try AssimilationRecord(reading: file)
    }

    /// The kinds of the encoders: "mlp, set".
    var encoders: String {
        let encoders = configuration.encoders
        return "\(encoders.first.architecture.kindName), \(encoders.second.architecture.kindName)"
    }
}
