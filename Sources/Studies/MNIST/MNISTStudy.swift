import CoupletReports
import CoupletTraining

/// The MNIST study after *A Mathematical Perspective On Contrastive Learning* (Baptista, Stuart, Tran 2025, arXiv
/// 2505.24134): images with their labels, and left halves of images with right halves. One page from the sweeps that
/// `launch/reproduce mnist` trains. The same folders give the same bytes.
public struct MNISTStudy: Sendable {
    /// The sweeps in the order of the page. The raw values are the names of their folders.
    public enum Part: String, CaseIterable, Sendable {
        case labels
        case halves
        /// Encoders of left halves that are trained from scratch on 1, 5, 10 or 100 labels a class.
        case scratch1 = "scratch_1"
        case scratch5 = "scratch_5"
        case scratch10 = "scratch_10"
        case scratch100 = "scratch_100"

        static let scratch: [Part] = [.scratch1, .scratch5, .scratch10, .scratch100]
    }

    private let sweeps: StudySweeps<Part, MNISTTrial>
    /// The content of each part's section.
    private let contents: [Part: [any PageContent]]

    /// Reads the sweeps that exist in a folder, and computes the pictures and the few-shot figures with their encoders.
    /// - Parameter data: the folder of the MNIST files; nil for that of the runs' configs.
    /// - Throws: `FileError` if there is no sweep, or a sweep is damaged or of another study; `ConfigurationError`;
    ///   `DataError` if the MNIST files cannot be read.
    public init(reading folder: String, data: String? = nil) throws {
        let sweeps = try StudySweeps<Part, MNISTTrial>(reading: folder, of: "MNIST", command: "mnist --data DIR")
        self.sweeps = sweeps
        var contents: [Part: [any PageContent]] = [:]
        if let run = try sweeps[.labels]?.trials.first?.open(data: data) {
            contents[.labels] = try MNISTLabelSection(run, sweeps[.labels]?.trials ?? []).content
        }
        let scratch = Part.scratch.flatMap { sweeps[$0]?.trials ?? [] }
        if let halves = sweeps[.halves], let run = try halves.trials.first?.open(data: data) {
            contents[.halves] = try MNISTHalvesSection(run, halves.trials).content
            if let part = Part.scratch.first(where: { sweeps[$0]?.trials.isEmpty == false }) {
                contents[part] = try MNISTFewShotSection(run, scratch: scratch).content
            }
        }
        self.contents = contents
    }

    /// The parts whose sweeps exist.
    public var parts: [Part] { sweeps.parts }

    public var page: ReportPage {
        ReportPage(
            title: "Contrastive learning on MNIST",
            lead:
                "Made by \(Version.program) from the sweeps of launch/reproduce mnist. After R. Baptista, A. M. "
                + "Stuart, S. Tran: A Mathematical Perspective On Contrastive Learning, arXiv 2505.24134, 2025."
        ) {
            Paragraph(
                "Two encoders are trained to give the two views of a digit similar encodings, and different digits "
                    + "different ones. Their scores are an estimate of log p(u, v) − log p(u) p(v), up to a constant, "
                    + "so softmax over a gallery gives each view's conditional distribution given the other: its mode "
                    + "is retrieval or classification, and its draws are generation. All figures are of the test "
                    + "images, which no training has seen.")
            sweeps.sections { part, _ in contents[part] ?? [] }
        }
    }
}

extension MNISTStudy.Part: StudyPart {
    var heading: String {
        switch self {
        case .labels: "Images and labels"
        case .halves: "Left halves and right halves"
        case .scratch1: "Few labels: 1 a class"
        case .scratch5: "Few labels: 5 a class"
        case .scratch10: "Few labels: 10 a class"
        case .scratch100: "Few labels: 100 a class"
        }
    }
}
