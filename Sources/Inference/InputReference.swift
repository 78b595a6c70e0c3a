import CoupletFiles
import CoupletImages
import CoupletPairs
import CoupletStorage

/// What a user gives to be encoded: "FILE.h5:/dataset", a text file with one text a line, a picture, a folder of
/// pictures, or texts.
public enum InputReference: Equatable, Sendable, CustomStringConvertible {
    case dataset(DatasetReference)
    /// A text file, a picture, or a folder of pictures.
    case path(String)
    case texts([String])

    /// - Throws: `FileError` if the text names an HDF5 file without a dataset, or nothing that exists.
    public init(_ text: String) throws {
        if FileSystem.exists(text) {
            let isHDF5 =
                !FileSystem.isFolder(text)
                && (try? FileSystem.contents(of: text, limit: 8))?.starts(
                    with: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) == true
            if !isHDF5 {
                self = .path(text)
                return
            }
        } else if !text.contains(":/"), ![".h5", ".hdf5"].contains(where: text.hasSuffix) {
            throw FileError(
                .inputOutput, at: text, reason: "there is no such file or folder",
                remedy: "name a text file, a picture, a folder of pictures, or FILE.h5:/dataset")
        }
        self = .dataset(try DatasetReference(text))
    }

    public var description: String {
        switch self {
        case .dataset(let reference): "\(reference)"
        case .path(let path): path
        case .texts: "--text"
        }
    }

    /// Whether a path names a folder or a picture; false for a text file.
    static func isPicture(_ path: String) -> Bool {
        if FileSystem.isFolder(path) || Picture.hasExtension(path) { return true }
        guard let start = try? FileSystem.contents(of: path, limit: 8) else { return false }
        return start.starts(with: [0x89, 0x50, 0x4e, 0x47]) || start.starts(with: [0xff, 0xd8, 0xff])
    }

    /// The modality whose samples the run has made from such inputs: from texts or from pictures.
    /// - Returns: nil for a dataset, or if neither modality or both are made so.
    public func modality(in run: TrainedRun) -> Modality? {
        let isPicture: Bool
        switch self {
        case .dataset: return nil
        case .texts: isPicture = false
        case .path(let path): isPicture = Self.isPicture(path)
        }
        let modalities = Modality.allCases.filter {
            let preparation = run.preparation(of: $0)
            return isPicture ? preparation?.picture != nil : preparation?.text != nil
        }
        return modalities.count == 1 ? modalities[0] : nil
    }
}
