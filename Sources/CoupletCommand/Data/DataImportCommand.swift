import ArgumentParser
import CoupletCommunication
import CoupletFiles
import CoupletImages
import CoupletPairs

struct DataImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make one HDF5 set from picture files, texts and arrays of numbers.",
        discussion: """
            A manifest is a CSV, TSV or JSON lines file (.csv, .tsv, .jsonl). Its first line names the columns: path, \
            caption (or captions, a JSON list), label, split (training, test, validation) and group. Paths are \
            relative to its folder. Several rows of one picture are several captions.

              couplet data import --manifest photos/captions.csv --size 64 --output photos.h5
              couplet data import --classes animals --size 32x48 --fit crop --output animals.h5
              couplet data import --first spectra.npy --second names.txt --output spectra.h5

            PNG and JPEG files are decoded, turned by their EXIF orientation and resized with antialiasing; \
            transparent pixels are blended on white. Equal pictures and equal texts are stored once; /pairs names the \
            rows of each pair. The set is written whole or not at all, and is the same for any number of threads.

            A bad row is told with its file, line and reason, all of them; nothing is written then, unless --skip-bad \
            leaves them out.
            """)

    @Option(
        help: ArgumentHelp("A CSV, TSV or JSON lines file.", valueName: "file"),
        completion: .file(extensions: ["csv", "tsv", "jsonl"]))
    var manifest: String?

    @Option(
        help: ArgumentHelp("A folder with a folder of pictures a class.", valueName: "folder"), completion: .directory)
    var classes: String?

    @Option(
        help: ArgumentHelp(
            """
            The first modality: .npy, .npz (FILE.npz:NAME for one of several arrays), numbers in .csv or .tsv, texts \
            in .txt (one a line), or a folder of pictures in the order of their names.
            """, valueName: "file|folder"), completion: .file())
    var first: String?

    @Option(
        help: ArgumentHelp("The second modality, row for row; as --first.", valueName: "file|folder"),
        completion: .file())
    var second: String?

    @Option(help: ArgumentHelp("The new file.", valueName: "set.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    @Option(help: ArgumentHelp("The size of all pictures: a side, or height x width.", valueName: "side|HxW"))
    var size: PictureSize?

    @Option(
        help: """
            What becomes of a picture with another ratio of its sides: stretch, crop to the middle, or pad with white. \
            Default: stretch.
            """)
    var fit: PictureFormat.Fit?

    @Option(help: ArgumentHelp("3 for RGB, 1 for grey. Default: 3.", valueName: "3|1"))
    var channels: Int?

    @Option(help: "How texts become ids. Default: words.")
    var tokenizer: TokenizerKind?

    @Option(help: ArgumentHelp("Words: the most ids. Ngrams: the number of ids.", valueName: "n"))
    var vocabulary: Int?

    @Option(help: ArgumentHelp("Words: how often a word must occur in training texts.", valueName: "n"))
    var minimumCount: Int?

    @Option(
        help: ArgumentHelp(
            "Length of a row of ids; longer texts are cut. Default: the longest text, at most 1024.", valueName: "n"))
    var positions: Int?

    @Option(help: ArgumentHelp("Sentencepiece: the model.", valueName: "file.model"), completion: .file())
    var model: String?

    @Option(
        help: ArgumentHelp(
            "Take the format of pictures, the tokenizer and the numbers of classes from another set.",
            valueName: "set.h5"), completion: .file(extensions: ["h5"]))
    var like: String?

    @Flag(help: "Leave bad rows out, and count them.")
    var skipBad = false

    @Option(
        help: ArgumentHelp("Columns of the manifest to keep as /columns/NAME, such as language,kind.", valueName: "a,b")
    )
    var keep: String?

    @Option(
        help: ArgumentHelp(
            "Columns of the manifest with other names: path=image,caption=title.", valueName: "role=name,…"))
    var columns: String?

    @Option(help: ArgumentHelp("Number of threads that decode. Default: all cores.", valueName: "n"))
    var threads: Int?

    func validate() throws {
        try requirePositive([
            "threads": threads, "positions": positions, "vocabulary": vocabulary, "minimum-count": minimumCount,
        ])
        if output.isEmpty { throw ValidationError("--output is empty; name a file") }
        if let channels, channels != 1, channels != 3 {
            throw ValidationError("--channels is \(channels); wanted 3 (RGB) or 1 (grey)")
        }
        _ = try input
        if manifest == nil, keep != nil || columns != nil {
            throw ValidationError("--keep and --columns name columns of a manifest, but there is no --manifest")
        }
        if size == nil, fit != nil || channels != nil, like == nil {
            throw ValidationError("--fit and --channels are of pictures: give their --size, too")
        }
        if tokenizer == nil, let option = tokenizerOption, like == nil {
            throw ValidationError("\(option) is of a tokenizer: name it by --tokenizer")
        }
        if like != nil {
            let option =
                size != nil
                ? "--size"
                : fit != nil
                    ? "--fit"
                    : channels != nil
                        ? "--channels"
                        : tokenizer != nil ? "--tokenizer" : tokenizerOption
            if let option {
                throw ValidationError("--like takes the format of pictures and the tokenizer: leave out \(option)")
            }
        }
        _ = try columnNames
    }

    private var tokenizerOption: String? {
        vocabulary != nil
            ? "--vocabulary"
            : minimumCount != nil
                ? "--minimum-count"
                : positions != nil ? "--positions" : model != nil ? "--model" : nil
    }

    private var input: DataImport.Input {
        get throws {
            switch (manifest, classes, first, second) {
            case (let path?, nil, nil, nil): return .manifest(path)
            case (nil, let path?, nil, nil): return .classes(path)
            case (nil, nil, let first?, let second?): return .files(first: first, second: second)
            default:
                throw ValidationError(
                    "wanted one input: --manifest FILE, or --classes FOLDER, or --first and --second")
            }
        }
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { String($0.drop { $0 == " " }) }
    }

    private var columnNames: [ManifestRole: String] {
        get throws {
            var names: [ManifestRole: String] = [:]
            for part in Self.list(columns) {
                let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
                guard sides.count == 2, let role = ManifestRole(rawValue: sides[0]) else {
                    let roles = ManifestRole.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--columns \(part): wanted ROLE=NAME; the roles are \(roles)")
                }
                names[role] = sides[1]
            }
            return names
        }
    }

    func run() throws {
        var data = DataImport(try input)
        data.format = size.map {
            PictureFormat(channels: channels ?? 3, height: $0.height, width: $0.width, fit: fit ?? .stretch)
        }
        data.tokenizer = try tokenizer.map { kind in
            TokenizerChoice(
                kind, vocabulary: vocabulary, minimumCount: minimumCount ?? 1,
                model: try model.map { try FileSystem.contents(of: $0) }, positions: positions)
        }
        data.like = like
        data.skipsBadRows = skipBad
        data.keptColumns = Self.list(keep)
        data.columnNames = try columnNames
        data.threads = threads ?? WorkerGroup.availableCores
        let summary = try data.run(output: output)
        for warning in summary.warnings {
            let lines = warning.split(separator: "\n").map(String.init)
            warn(lines.joined(separator: "\ncouplet:   "))
        }
        print(summary.text)
    }
}

/// The size of pictures on the command line: "64", or "32x48" for 32 rows of 48 pixels.
struct PictureSize: ExpressibleByArgument {
    let height: Int, width: Int

    init?(argument: String) {
        let sides = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(sides.count), let height = sides[0], let width = sides[sides.count - 1],
            (1...PictureFormat.largestSide).contains(height), (1...PictureFormat.largestSide).contains(width)
        else { return nil }
        (self.height, self.width) = (height, width)
    }
}

extension PictureFormat.Fit: ExpressibleByArgument {}
extension TokenizerKind: ExpressibleByArgument {}
