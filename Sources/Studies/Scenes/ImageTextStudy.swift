import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText
import CoupletTraining

/// The image/text study of *Identifiability Results for Multimodal Contrastive Learning* (Daunhawer, Bizeul, Palumbo,
/// Marx, Vogt, ICLR 2023, section 5.2): which factors of a scene an encoder of its picture and an encoder of a sentence
/// about it keep. One page from the sweeps that `launch/reproduce image-text` trains.
public struct ImageTextStudy: Sendable {
    /// The sweeps in the order of the page. The raw values are the names of their folders.
    public enum Part: String, CaseIterable, Sendable {
        /// A convolutional encoder of pictures that is smaller than that of the paper.
        case small
        /// ResNet-18, as in the paper.
        case resnet18
    }

    private let sweeps: StudySweeps<Part, ImageTextTrial>
    private let retrieved: [Part: ImageTextRetrieval]

    /// Reads the sweeps that exist in a folder, and retrieves pictures with their encoders.
    /// - Parameter data: the folder of the pictures; nil for that of the runs' configs.
    /// - Throws: `FileError` if there is no sweep, or a sweep is damaged or of another study; `ConfigurationError`;
    ///   `DataError` if the pictures cannot be read.
    public init(reading folder: String, data: String? = nil) throws {
        let sweeps = try StudySweeps<Part, ImageTextTrial>(reading: folder, of: "image/text", command: "image-text")
        self.sweeps = sweeps
        var retrieved: [Part: ImageTextRetrieval] = [:]
        for part in sweeps.parts {
            guard let trial = sweeps[part]?.trials.first else { continue }
            retrieved[part] = try ImageTextRetrieval(trial, data: data)
        }
        self.retrieved = retrieved
    }

    /// The parts whose sweeps exist.
    public var parts: [Part] { sweeps.parts }

    public var page: ReportPage {
        ReportPage(
            title: "Which factors pictures and sentences share",
            lead:
                "Made by \(Version.program) from the sweeps of launch/reproduce image-text. After I. Daunhawer, A. "
                + "Bizeul, E. Palumbo, A. Marx, J. E. Vogt: Identifiability Results for Multimodal Contrastive "
                + "Learning, ICLR 2023, arXiv 2303.09166."
        ) {
            Paragraph(
                "A picture shows one of seven shapes at one of nine places, turned at random, in a color of its own, "
                    + "in the light of a colored spotlight before a colored wall. A sentence names shape, place and "
                    + "color in one of five phrasings. Shape and place are the content, which both have. The color is "
                    + "the style: its name depends on a palette that only the sentence has. The theorem says that the "
                    + "encoders keep the content, and neither what belongs to one modality alone nor the style.")
            sweeps.sections { part, sweep in
                ImageTextTables(sweep.trials).content
                    + (retrieved[part].map { [FigureGroup($0.grids), $0.table] } ?? [])
            }
        }
    }
}

extension ImageTextStudy.Part: StudyPart {
    var heading: String {
        switch self {
        case .small: "A small convolutional encoder"
        case .resnet18: "ResNet-18"
        }
    }
}

/// The tables of a sweep: each factor, predicted from the encodings of pictures and of sentences.
struct ImageTextTables {
    private let trials: [ImageTextTrial]

    init(_ trials: [ImageTextTrial]) { self.trials = trials }

    /// Names in evaluations, titles, and whether a factor is content.
    private static let discrete = [
        ("object_shape", "shape", "content"), ("object_xpos", "position, left to right", "content"),
        ("object_ypos", "position, top to bottom", "content"), ("object_color_index", "name of the color", "style"),
        ("text_phrasing", "phrasing", "sentence alone"),
    ]
    private static let continuous = [
        ("object_color", "color of the object", "style"), ("object_alpharot", "rotation α", "picture alone"),
        ("object_betarot", "rotation β", "picture alone"), ("object_gammarot", "rotation γ", "picture alone"),
        ("spotlight_pos", "position of the spotlight", "picture alone"),
        ("spotlight_color", "color of the spotlight", "picture alone"),
        ("background_color", "color of the wall", "picture alone"),
    ]

    private static let encoders: [(Modality, String)] = [(.first, "picture"), (.second, "sentence")]

    /// Mean over the trials, with the deviation if there are several.
    private static func text(_ values: [Double]) -> String {
        guard !values.isEmpty else { return "–" }
        let statistics = SampleStatistics(values), mean = TypographicNumber.fixed(statistics.mean, decimals: 3)
        return values.count == 1
            ? mean : "\(mean) ± \(TypographicNumber.fixed(statistics.deviation, decimals: 3))"
    }

    private func table(
        _ title: String, _ factors: [(String, String, String)], _ regressors: [(Regressor, String)],
        chance: Bool, _ value: (ImageTextTrial, String, Modality, Regressor) -> Double?
    ) -> DataTable {
        let columns = Self.encoders.flatMap { encoder in regressors.map { "\(encoder.1), \($0.1)" } }
        return DataTable(
            columns: [DataTable.Cell(title), "what it is"] + columns.map { DataTable.Cell($0) }
                + (chance ? ["chance"] : []),
            rows: factors.map { name, title, kind in
                let cells = Self.encoders.flatMap { encoder in
                    regressors.map { regressor in
                        Self.text(trials.compactMap { value($0, name, encoder.0, regressor.0) })
                    }
                }
                let last = chance ? [Self.text(trials.compactMap { $0.chance(name) })] : []
                return ([title, kind] + cells + last).map { DataTable.Cell($0) }
            }, textColumns: [0, 1])
    }

    @PageBuilder var content: [any PageContent] {
        table(
            "accuracy of", Self.discrete, [(.linear, "logistic"), (.multilayerPerceptron, "MLP")], chance: true
        ) { $0.accuracy($1, $2, $3) }
        table(
            "R² of", Self.continuous, [(.linear, "linear"), (.kernelRidge, "kernel ridge")], chance: false
        ) { $0.score($1, $2, $3) }
        DataTable(
            columns: ["retrieval among the test samples", "recall at 1", "at 10"],
            rows: [
                ("second_to_first", "picture, given the sentence"), ("first_to_second", "sentence, given the picture"),
            ]
            .map { direction, title in
                [DataTable.Cell(title)]
                    + ["recall_at_1", "recall_at_10"].map { figure in
                        DataTable.Cell(Self.text(trials.compactMap { $0.retrieval(direction, figure) }))
                    }
            })
        if let samples = trials.first?.samples {
            Paragraph(
                "Predictors are fitted on \(TypographicNumber.grouped(samples)) training samples and scored on as many "
                    + "test samples. Sentences tell shape and place but not which picture, so many pictures fit a "
                    + "sentence equally well.", .remark)
        }
    }
}
