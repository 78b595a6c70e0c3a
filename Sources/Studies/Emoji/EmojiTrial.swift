import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletTensors
import CoupletTraining

/// A finished trial of the emoji study.
struct EmojiTrial: StudyTrial {
    let path: String
    let name: String
    let configuration: Configuration
    /// The file with the training pairs and the emoji that are never seen.
    let dataPath: String

    /// - Throws: `FileError` if the run is damaged or is on other data; `ConfigurationError`.
    init(reading path: String, name: String) throws {
        configuration = try RunFolder(path: path).storedConfiguration(registry: .builtIn)
        guard let specification = configuration.source.kind as? HDF5Specification else {
            throw FileError(
                .badData, at: path, reason: "not a run on data: {source: hdf5, …}",
                remedy: "launch/reproduce emoji trains the sweeps of the study")
        }
        self.path = path
        self.name = name
        dataPath = specification.path
    }
}

/// A run of the study with its data: scores of texts with all pictures.
struct EmojiModel {
    /// Encodings of rows of texts, in the units of the file.
    private let encodeTexts: (Tensor) throws -> Tensor
    /// Unit encodings of all pictures of the gallery.
    private let pictures: Tensor

    /// - Parameters:
    ///   - gallery: the file whose pictures are the gallery.
    ///   - numbered: whether the run has vectors of pictures' numbers in place of an encoder of pictures.
    /// - Throws: `FileError` or `DataError` if the run cannot be opened; `DataError` if it has other inputs.
    init(_ trial: EmojiTrial, gallery: EmojiPairs, numbered: Bool) throws {
        let run = try TrainedRun(trial.path, use: .encoders)
        encodeTexts = { try Self.unit(run.encode(.second, $0)) }
        let count = gallery.pictures.rows
        let rows = numbered ? Tensor([count, 1], (0..<count).map { Float($0) }) : gallery.pictures
        pictures = try Self.unit(run.encode(.first, rows))
    }

    /// Cosines of texts with all pictures, texts × pictures.
    func scores(_ tokens: Tensor) throws -> Tensor {
        let texts = try encodeTexts(tokens), result = Tensor([texts.rows, pictures.rows])
        MatrixProduct.multiply(texts, .asIs, pictures, .transposed, into: result)
        return result
    }

    /// Rows of length 1, whatever the similarity of the run: the study's runs compare by the cosine.
    private static func unit(_ encodings: Tensor) -> Tensor {
        encodings.scaleRowsToUnitLength()
        return encodings
    }
}
