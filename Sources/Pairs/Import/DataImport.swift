import CoupletFiles
import CoupletImages
import CoupletStorage
import CoupletText

/// Makes one set of pairs, an HDF5 file, from picture files, texts and arrays of numbers.
///
///     var data = DataImport(.manifest("captions.csv"))
///     data.format = PictureFormat(height: 64, width: 64)
///     let summary = try data.run(output: "captions.h5")
///
/// Equal pictures (to the pixel) and equal texts (to the token ids) are stored once, and /pairs names the rows of each
/// pair. The set is the same for every number of threads. It is written whole or not at all. Pictures and numbers
/// beyond 1 GiB wait in a scratch file beside the output; texts and the table of pairs are in memory.
public struct DataImport: Sendable {
    public enum Input: Sendable, Equatable {
        /// A CSV, TSV or JSON lines file: a row names a picture and its captions, label, split or group.
        case manifest(String)
        /// A folder with a folder of pictures a class.
        case classes(String)
        /// Two inputs, whose rows are pairs in their order: a numpy array (.npy, .npz), numbers (.csv, .tsv), texts
        /// (.txt, one a line), or a folder of pictures, in the order of their names.
        case files(first: String, second: String)
    }

    public var input: Input
    /// The format of pictures; nil if there are none, or if it is that of `like`.
    public var format: PictureFormat?
    /// How texts become ids; nil if it is as in `like`.
    public var tokenizer: TokenizerChoice?
    /// A set whose preparation of pictures and texts, and numbering of classes, is taken.
    public var like: String?
    /// Whether bad rows are left out and counted.
    public var skipsBadRows = false
    /// Columns of the manifest to keep as /columns/NAME.
    public var keptColumns: [String] = []
    /// Columns of the manifest that have other names than usual.
    public var columnNames: [ManifestRole: String] = [:]
    /// Number of threads that decode.
    public var threads = 1

    public init(_ input: Input) { self.input = input }

    /// Reads everything and writes the set.
    /// - Throws: `DataError` with all bad rows, unless they are left out, or with what is wrong with the options;
    ///   `FileError`.
    public func run(output: String) throws -> ImportSummary {
        try FileSystem.requireAbsent(output)
        let folder = FileSystem.folder(of: output)
        guard FileSystem.isFolder(folder) else {
            throw FileError(
                .inputOutput, at: output, reason: "its folder does not exist", remedy: "make the folder first")
        }
        let source = try like.map { try LikeSet($0) }
        if source != nil, format != nil || tokenizer != nil {
            throw DataError(
                at: like!, reason: "gives the format of pictures and the tokenizer",
                remedy: "leave out --like, or the options of size and tokenizer")
        }
        switch input {
        case .manifest(let path):
            var bad = BadRows()
            let manifest = try Manifest(path, columns: columnNames, kept: keptColumns, bad: &bad)
            let builder = ManifestImport(
                manifest, named: path, folder: FileSystem.folder(of: path), self, source, scratch: folder, bad: bad)
            return try builder.run(output: output)
        case .classes(let path):
            let builder = ManifestImport(
                try Manifest(classesIn: path), named: path, folder: path, self, source, scratch: folder,
                bad: BadRows(), namesLines: false)
            return try builder.run(output: output)
        case .files(let first, let second):
            return try FilesImport(first, second, self, source, scratch: folder).run(output: output)
        }
    }

    /// The format of pictures.
    /// - Throws: `DataError` if none is known.
    func pictureFormat(_ modality: Modality, _ like: LikeSet?) throws -> PictureFormat {
        if let picture = like?.preparations[modality]?.picture { return picture.format }
        if let format { return format }
        throw DataError(
            at: like?.path ?? "--size",
            reason: like == nil ? "pictures need a size" : "/\(modality.rawValue) has no preparation of pictures",
            remedy: like == nil ? "give one that all pictures get: --size 64, or --size HEIGHTxWIDTH" : "")
    }

    /// How texts become ids.
    /// - Parameters:
    ///   - texts: all texts.
    ///   - isTraining: whether a text is one of a training pair: those give a vocabulary.
    /// - Throws: `DataError` if it is not possible.
    func textPreparation(
        _ modality: Modality, _ texts: [String], isTraining: (Int) -> Bool, _ like: LikeSet?
    ) throws -> TextPreparation {
        if let like {
            if let text = like.preparations[modality]?.text { return text }
            throw DataError(at: like.path, reason: "/\(modality.rawValue) has no preparation of texts")
        }
        let choice = tokenizer ?? TokenizerChoice(.words)
        do {
            let training = texts.indices.filter(isTraining).map { texts[$0] }
            let preparation = try choice.preparation(of: training.isEmpty ? texts : training)
            if choice.positions != nil || training.count == texts.count { return preparation }
            // No text is cut because only others determine the length.
            let longest = try DistinctTexts.of(texts).distinct.reduce(1) {
                max($0, try preparation.tokenizer.tokens(of: $1).ids.count)
            }
            return try TextPreparation(
                preparation.tokenizer, positions: min(longest, TokenizerChoice.longestUsual))
        } catch let error as TokenizerError {
            throw DataError(at: "--tokenizer \(choice.kind.rawValue)", reason: error.reason, remedy: error.remedy)
        }
    }
}

/// What another set gives: the preparations of its modalities, and the names of its classes.
struct LikeSet {
    let path: String
    let preparations: [Modality: SamplePreparation]
    let classes: [String]?

    /// - Throws: `FileError` if it cannot be read, `DataError` if it has no preparation.
    init(_ path: String) throws {
        self.path = path
        let file = try HDF5File(reading: path)
        var preparations: [Modality: SamplePreparation] = [:]
        for modality in Modality.allCases {
            let name = "/\(modality.rawValue)"
            if try file.dataset(name) == nil { continue }
            preparations[modality] = try SamplePreparation(modality, of: name, in: file)
        }
        guard !preparations.isEmpty else {
            throw DataError(
                at: path, reason: "does not say how its pictures or texts became rows",
                remedy: "name a set that couplet data import has written")
        }
        self.preparations = preparations
        classes = try HDF5Source.classNames(file)
    }
}
