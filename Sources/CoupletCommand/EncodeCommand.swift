import ArgumentParser
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletText
import Glibc

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Encode rows of your own by one of a run's encoders.",
        discussion: """
            Rows are in the units of the run's source (MNIST: bytes, N × 28 × 28, or integer labels); the run's preparation is applied to \
            them. The output is a new dataset, N × embedding, Float32; a file that is there already is added to.

              couplet encode runs/mnist --modality first \\
                --input images.h5:/images --output codes.h5:/first
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: "Whose encoder: first or second.")
    var modality: Modality

    @Option(
        help: ArgumentHelp("Where the rows are.", valueName: "file.h5:/dataset"), transform: EncodeCommand.reference)
    var input: DatasetReference

    @Option(
        help: ArgumentHelp("Where the encodings go.", valueName: "file.h5:/dataset"), transform: EncodeCommand.reference
    )
    var output: DatasetReference

    func run() throws {
        let run = try TrainedRun(argument.path, checkpoint: .latest)
        // Rows and encodings may lie in one file, which can be open once only.
        let source = input.file == output.file ? try HDF5File(modifying: input.file) : try HDF5File(reading: input.file)
        guard let rows = try source.dataset(input.dataset) else {
            throw FileError(
                .badData, place: "\(input)", reason: "there is no such dataset",
                remedy: "the file has "
                    + NearestNames.sorted(try source.datasetNames, nearest: input.dataset).joined(separator: ", "))
        }
        let isNew = access(output.file, F_OK) != 0
        let target =
            input.file == output.file
            ? source : isNew ? try HDF5File(creating: output.file) : try HDF5File(modifying: output.file)
        var isMade = false
        do {
            try target.create(output.dataset, .float32, shape: [rows.rows, run.configuration.encoders.embedding])
            isMade = true
            try run.encode(modality, count: rows.rows) {
                try source.readFloats(input.dataset, rows: $0)
            } write: { encodings, row in
                try target.writeRows(output.dataset, from: row, encodings)
            }
            try target.close()
        } catch {
            // A new file, and a new dataset in an old one, is whole or not there.
            if isNew { unlink(output.file) } else if isMade { try? target.remove(output.dataset) }
            guard let wrong = error as? DataError else { throw error }
            throw DataError(place: "\(input)", reason: wrong.reason, remedy: wrong.remedy)
        }
    }

    @Sendable private static func reference(_ text: String) throws -> DatasetReference {
        do {
            return try DatasetReference(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension Modality: ExpressibleByArgument {}
