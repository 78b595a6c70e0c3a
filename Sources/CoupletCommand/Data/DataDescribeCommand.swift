import ArgumentParser
import CoupletPairs

struct DataDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Show what an HDF5 set of pairs holds.",
        discussion: """
            Tells shapes and types, the range of the numbers, missing and infinite ones, equal rows, lengths of texts \
            in tokens, the use of the vocabulary, captions of a picture, labels, groups and splits. All rows are read, \
            in blocks.

              couplet data describe photos.h5
              couplet data describe photos.h5 --json
            """)

    @Argument(help: ArgumentHelp("The set.", valueName: "set.h5"), completion: .file(extensions: ["h5"]))
    var path: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let description = try SetDescription(path)
        print(json ? description.json.indentedText() : description.text)
    }
}
