import ArgumentParser
import CoupletPairs

struct DataDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Show what a set of pairs, a manifest or a folder a class holds.",
        discussion: """
            Tells shapes and types, the range of the numbers, missing and infinite ones, equal rows, lengths of texts \
            in tokens, the use of the vocabulary, captions of a picture, labels, groups and splits. All rows are read, \
            in blocks.

            Of a manifest (.csv, .tsv, .jsonl) or a folder with a folder a class, before the import: rows that cannot \
            be used, missing files, lengths of texts in words, labels, groups and splits. Pictures are not decoded. \
            Other inputs of an import, such as .npy files, are described by their set.

              couplet data describe photos.h5
              couplet data describe captions.csv
              couplet data describe photos.h5 --json
            """)

    @Argument(
        help: ArgumentHelp("The set, the manifest or the folder.", valueName: "set.h5|manifest|folder"),
        completion: .file())
    var path: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let description = try SetDescription(path)
        print(json ? description.json.indentedText() : description.text)
    }
}
