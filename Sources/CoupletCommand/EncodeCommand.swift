import ArgumentParser
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletText
import CoupletTraining
import Glibc

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Encode your own rows with one of a run's encoders.",
        discussion: """
            The rows are in the units of the run's source (MNIST: bytes, N × 28 × 28, or integer labels); the command \
            applies the run's preprocessing. The output is a new dataset, N × embedding, Float32, in a new or an \
            existing file.

              couplet encode runs/mnist --modality first \\
                --input images.h5:/images --output codes.h5:/first
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: "The modality of the rows: first or second.")
    var modality: Modality

    @Option(
        help: ArgumentHelp("The dataset of the rows.", valueName: "file.h5:/dataset"),
        transform: DatasetReference.argument)
    var input: DatasetReference

    @Option(
        help: ArgumentHelp("The new dataset for the encodings.", valueName: "file.h5:/dataset"),
        transform: DatasetReference.argument)
    var output: DatasetReference

    func run() throws {
        let run = try TrainedRun(argument.path, registry: CommandRegistry.current)
        // Rows and encodings may be in the same file, which can be open only once.
        let isSameFile = input.file == output.file
        let source = isSameFile ? try HDF5File(modifying: input.file) : try HDF5File(reading: input.file)
        guard let rows = try source.dataset(input.dataset) else {
            throw FileError(
                .badData, at: "\(input)", reason: "there is no such dataset",
                remedy: "the file has "
                    + NearestNames.sorted(try source.datasetNames, nearest: input.dataset).joined(separator: ", "))
        }
        let isNewFile = access(output.file, F_OK) != 0
        let target =
            isSameFile
            ? source : isNewFile ? try HDF5File(creating: output.file) : try HDF5File(modifying: output.file)
        var hasDataset = false
        do {
            try target.create(output.dataset, .float32, shape: [rows.rows, run.configuration.encoders.embedding])
            hasDataset = true
            try run.encode(modality, count: rows.rows) {
                try source.readFloats(input.dataset, rows: $0)
            } write: { encodings, row in
                try target.writeRows(output.dataset, from: row, encodings)
            }
            try target.close()
        } catch {
            // An incomplete new file, or an incomplete new dataset in an existing file, is removed.
            if isNewFile { unlink(output.file) } else if hasDataset { try? target.remove(output.dataset) }
            guard let dataError = error as? DataError else { throw error }
            throw DataError(at: "\(input)", reason: dataError.reason, remedy: dataError.remedy)
        }
    }
}
