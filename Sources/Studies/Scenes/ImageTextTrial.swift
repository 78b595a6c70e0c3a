import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletText
import CoupletTraining

/// A finished trial of the image/text study: its config and its evaluation.
struct ImageTextTrial: StudyTrial {
    let path: String
    let configuration: Configuration
    private let evaluation: JSONValue

    /// - Throws: `FileError` if the run is damaged, on other data, or its evaluation has no identifiability;
    ///   `ConfigurationError`.
    init(reading path: String, name: String) throws {
        let folder = RunFolder(path: path), configuration = try folder.storedConfiguration(registry: .builtIn)
        guard configuration.source.kind is SceneSpecification else {
            throw FileError(
                .badData, at: path, reason: "not a run on data: {source: \(SceneSpecification.name), …}",
                remedy: "launch/reproduce image-text trains the sweeps of the study")
        }
        guard let text = try RunRecord.text(at: folder.evaluation), let evaluation = JSONValue(text: text),
            evaluation["identifiability"] != nil
        else {
            throw FileError(
                .badData, at: folder.evaluation, reason: "no such file, or without the block identifiability",
                remedy: "set evaluation.identifiability; couplet evaluate \(path) writes the file")
        }
        (self.path, self.configuration, self.evaluation) = (path, configuration, evaluation)
    }

    /// R² of a continuous factor.
    func score(_ factor: String, _ encoder: Modality, _ regressor: Regressor) -> Double? {
        evaluation["identifiability"]?[encoder.rawValue]?[factor]?[regressor.rawValue]?.number
    }

    /// The accuracy of a discrete factor.
    func accuracy(_ factor: String, _ encoder: Modality, _ regressor: Regressor) -> Double? {
        regressor.classifier.flatMap {
            evaluation["identifiability"]?["accuracy"]?[factor]?[encoder.rawValue]?[$0]?.number
        }
    }

    /// The accuracy of a constant answer.
    func chance(_ factor: String) -> Double? {
        evaluation["identifiability"]?["accuracy"]?[factor]?["chance"]?.number
    }

    /// A figure of retrieval, such as `recall_at_1`.
    func retrieval(_ direction: String, _ figure: String) -> Double? {
        evaluation["retrieval"]?[direction]?[figure]?.number
    }

    /// The number of training samples and of scored ones.
    var samples: Int? { evaluation["identifiability"]?["samples"]?.integer }
}
