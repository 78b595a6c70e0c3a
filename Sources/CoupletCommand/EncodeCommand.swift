import ArgumentParser
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletText
import CoupletTraining

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Encode your own rows with one of a run's encoders.",
        discussion: """
            The rows are in the units of the run's source (MNIST: bytes, N × 28 × 28, or integer labels); the command \
            applies the run's preprocessing. The output is a new dataset, N × embedding, Float32, in a new or an \
            existing file. With --layer it has the outputs of a layer below the embedding, which often serve other \
            tasks better. A new file is complete or absent, also after a kill. A kill while an existing file is \
            written can damage that file: keep a copy of it, or write to a new file.

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

    @Option(
        help: ArgumentHelp(
            """
            The layer whose outputs, flattened, are written, as couplet config --summary numbers them. \
            (default: the last one, whose outputs are the embeddings)
            """, valueName: "n"))
    var layer: Int?

    @OptionGroup var chosen: CheckpointArgument

    func run() throws {
        let run = try TrainedRun(
            argument.path, checkpoint: chosen.checkpoint, use: .encoders, registry: CommandRegistry.current)
        // Rows and encodings may be in the same file, which can be open only once.
        let isSameFile = input.file == output.file
        let source = isSameFile ? try HDF5File(modifying: input.file) : try HDF5File(reading: input.file)
        guard let rows = try source.dataset(input.dataset) else {
            throw FileError(
                .badData, at: "\(input)", reason: "there is no such dataset",
                remedy: "the file has "
                    + NearestNames.sorted(try source.datasetNames, nearest: input.dataset).joined(separator: ", "))
        }
        do {
            if isSameFile {
                try encode(rows.rows, from: source, into: source, with: run)
                try source.close()
            } else if FileSystem.exists(output.file) {
                let target = try HDF5File(modifying: output.file)
                try encode(rows.rows, from: source, into: target, with: run)
                try target.close()
            } else {
                // The file gets its name when it is complete, so that a kill leaves nothing behind that looks like one.
                try HDF5File.create(output.file) { target in
                    try encode(rows.rows, from: source, into: target, with: run)
                    // Another command may have made it meanwhile.
                    try FileSystem.requireAbsent(output.file)
                }
            }
        } catch let error as DataError {
            throw DataError(at: "\(input)", reason: error.reason, remedy: error.remedy)
        }
    }

    /// Encodes the rows into a new dataset. If it fails, it removes the incomplete dataset. A dataset that holds the
    /// same encodings already is left as it is, so that a script can run again.
    private func encode(_ count: Int, from source: HDF5File, into target: HDF5File, with run: TrainedRun) throws {
        let columns = try run.encodingCount(modality, layer: layer)
        if let existing = try target.dataset(output.dataset) {
            guard existing.shape == [count, columns],
                try holdsEncodings(of: count, from: source, target, run)
            else {
                throw FileError(
                    .badData, at: "\(output)", reason: "exists already in the file, with other content",
                    remedy: "give another name")
            }
            return warn("\(output) holds these encodings already")
        }
        try target.create(output.dataset, .float32, shape: [count, columns])
        do {
            try run.encode(modality, layer: layer, count: count) {
                try source.readFloats(input.dataset, rows: $0)
            } write: { encodings, row in
                try target.writeRows(output.dataset, from: row, encodings)
            }
        } catch {
            try? target.remove(output.dataset)
            throw error
        }
    }

    /// Whether the existing dataset has the bits of the encodings.
    private func holdsEncodings(
        of count: Int, from source: HDF5File, _ target: HDF5File, _ run: TrainedRun
    ) throws -> Bool {
        var isSame = true
        try run.encode(modality, layer: layer, count: count) {
            try source.readFloats(input.dataset, rows: $0)
        } write: { encodings, row in
            let existing = try target.readFloats(output.dataset, rows: row..<row + encodings.rows)
            if existing.values != encodings.values { isSame = false }
        }
        return isSame
    }
}
