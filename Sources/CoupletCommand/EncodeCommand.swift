import ArgumentParser
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Encode your own rows, texts or pictures with one of a run's encoders.",
        discussion: """
            The input is a dataset, a text file with one text a line, a picture (PNG or JPEG), a folder of pictures, \
            or --text. Rows of a dataset are in the units of the run's source (MNIST: bytes, N × 28 × 28, or integer \
            labels; token ids); the command applies the run's preprocessing. Texts and pictures become rows as those \
            of the run did, if it was trained on a set that couplet data import has made. The output is a new \
            dataset, N × embedding, Float32, in a new or an existing file. With --layer it has the outputs of a layer \
            below the embedding, which often serve other tasks better. The dataset has the attributes run, step, \
            digest (of the checkpoint), parameters, modality, layer and normalized. A new file is complete or absent, \
            also after a kill. A kill while an existing file is written can damage that file: keep a copy of it, or \
            write to a new file.

              couplet encode runs/mnist --modality first \\
                --input images.h5:/images --output codes.h5:/first
              couplet encode runs/emoji --input captions.txt --output codes.h5:/texts
              couplet encode runs/emoji --text "smiling cat" --text "red heart" --output codes.h5:/texts
              couplet encode runs/emoji --input photos/ --output codes.h5:/pictures
              couplet encode runs/mnist --modality first --input images.h5:/images --normalize \
                --output codes.h5:/unit
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: "The modality of the rows: first or second. (default: the one whose samples are texts or pictures)")
    var modality: Modality?

    @Option(
        help: ArgumentHelp(
            "The rows: a dataset, a text file, a picture or a folder of pictures.",
            valueName: "file.h5:/dataset|file|folder"),
        transform: InputReference.argument)
    var input: InputReference?

    @Option(
        name: .customLong("text"), parsing: .singleValue,
        help: ArgumentHelp("A text to encode, instead of --input. Repeatable.", valueName: "text"))
    var texts: [String] = []

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

    @Flag(help: "Scale each encoding to length 1, for search by cosine similarity. An encoding of zeros stays so.")
    var normalize = false

    @Option(help: ArgumentHelp("Threads. They do not change a bit. (default: as many as cores)", valueName: "n"))
    var threads: Int?

    @OptionGroup var chosen: CheckpointArgument

    func validate() throws {
        try requirePositive(["threads": threads])
        if input == nil, texts.isEmpty { throw ValidationError("give --input, or --text") }
        if input != nil, !texts.isEmpty { throw ValidationError("give either --input or --text, not both") }
        if case .dataset? = input, modality == nil {
            throw ValidationError("give --modality: a dataset may hold rows of the first or the second modality")
        }
    }

    func run() throws {
        let run = try TrainedRun(
            argument.path, checkpoint: chosen.checkpoint, use: .encoders, registry: CommandRegistry.current)
        let input = input ?? .texts(texts)
        guard let modality = modality ?? input.modality(in: run) else {
            throw DataError(
                at: "\(input)",
                reason: "the run does not say which modality such inputs belong to",
                remedy: "give --modality first or second")
        }
        // Rows and encodings may be in the same file, which can be open only once.
        if case .dataset(let reference) = input, reference.file == output.file {
            let file = try HDF5File(modifying: output.file)
            let rows = try InputRows(dataset: file, reference, of: modality, run: run)
            try encode(rows, of: modality, into: file, with: run)
            return try file.close()
        }
        let rows = try InputRows(input, of: modality, run: run)
        rows.warnings.forEach(warn)
        if FileSystem.exists(output.file) {
            let target = try HDF5File(modifying: output.file)
            try encode(rows, of: modality, into: target, with: run)
            try target.close()
        } else {
            // The file gets its name when it is complete, so that a kill leaves nothing behind that looks like one.
            try HDF5File.create(output.file) { target in
                try encode(rows, of: modality, into: target, with: run)
                // Another command may have made it meanwhile.
                try FileSystem.requireAbsent(output.file)
            }
        }
    }

    /// Encodes the rows into a new dataset. If it fails, it removes the incomplete dataset. A dataset that holds the
    /// same encodings already is left as it is, so that a script can run again.
    private func encode(
        _ rows: InputRows, of modality: Modality, into target: HDF5File, with run: TrainedRun
    ) throws {
        let columns = try run.encodingCount(modality, layer: layer)
        func forEachBlock(_ body: (Tensor, Int) throws -> Void) throws {
            do {
                try run.encode(
                    modality, layer: layer, threads: threads ?? WorkerCount.availableCores, count: rows.count,
                    read: rows.read
                ) { encodings, row in
                    if normalize { encodings.scaleRowsToUnitLength() }
                    try body(encodings, row)
                }
            } catch let error as DataError {
                throw DataError(at: rows.location, reason: error.reason, remedy: error.remedy)
            }
        }
        if let existing = try target.dataset(output.dataset) {
            // Whether the existing dataset has the bits of the encodings.
            var isSame = existing.shape == [rows.count, columns]
            if isSame {
                try forEachBlock { encodings, row in
                    let written = try target.readFloats(output.dataset, rows: row..<row + encodings.rows)
                    if written.values != encodings.values { isSame = false }
                }
            }
            guard isSame else {
                throw FileError(
                    .badData, at: "\(output)", reason: "exists already in the file, with other content",
                    remedy: "give another name")
            }
            return warn("\(output) holds these encodings already")
        }
        try target.create(output.dataset, .float32, shape: [rows.count, columns])
        do {
            try forEachBlock { try target.writeRows(output.dataset, from: $1, $0) }
            for (name, value) in attributes(of: run, modality) {
                try target.setAttribute(name, value, of: output.dataset)
            }
        } catch {
            try? target.remove(output.dataset)
            throw error
        }
    }

    /// What made the encodings.
    private func attributes(of run: TrainedRun, _ modality: Modality) -> [(String, AttributeValue)] {
        [
            ("run", .string(run.folder.path)), ("step", .integer(run.step)), ("digest", .string(run.digest)),
            ("parameters", .string(run.parameters.rawValue)), ("modality", .string(modality.rawValue)),
            ("normalized", .integer(normalize ? 1 : 0)),
        ] + (layer.map { [("layer", .integer($0))] } ?? [])
    }
}
