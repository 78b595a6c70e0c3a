import ArgumentParser
import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletStorage
import CoupletText
import CoupletTraining

struct RetrieveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieve",
        abstract: "Find the best gallery rows for each query, with probabilities.",
        discussion: """
            Queries are rows of one modality, the gallery rows of the other. Both are given as for encode: a dataset, \
            a text file with one text a line, a picture, a folder of pictures, or --text for a query. Texts and names \
            of pictures are printed beside the rows where they are known. The probability of a row is the conditional \
            that the run learned, a softmax of similarity / temperature over the whole gallery. The gallery may have \
            any size: it is read, encoded and scored block by block.

              couplet retrieve runs/mnist --query images.h5:/images --gallery labels.h5:/labels --top 3
              couplet retrieve runs/pairs --query text.h5:/rows --query-modality second \\
                --gallery images.h5:/rows --index images.index --top 10 --output found.h5
              couplet retrieve runs/emoji --text "smiling cat" --gallery photos/ --top 5
              couplet retrieve runs/emoji --query cat.png --gallery emoji.h5:/second --top 5

            An index stores the gallery's encodings: the first call makes it, and later calls use it and need no \
            --gallery. The output has /indices, /scores and /probabilities, queries × top, and \
            /log_normalizer and /effective_candidates, one for each query: probability = e^(score - log_normalizer), \
            and effective candidates are 1 / Σ p² over the gallery. /labels, queries × top, are there if the gallery \
            is labels; /names, queries × top, and /queries if texts or names of pictures are known.
            """)

    @OptionGroup var argument: RunArgument

    @Option(
        help: ArgumentHelp(
            "The queries: a dataset, a text file, a picture or a folder of pictures.",
            valueName: "file.h5:/dataset|file|folder"), transform: InputReference.argument)
    var query: InputReference?

    @Option(
        name: .customLong("text"), parsing: .singleValue,
        help: ArgumentHelp("A text as a query, instead of --query. Repeatable.", valueName: "text"))
    var texts: [String] = []

    @Option(
        help: ArgumentHelp("The gallery, as the queries.", valueName: "file.h5:/dataset|file|folder"),
        transform: InputReference.argument)
    var gallery: InputReference?

    @Option(help: ArgumentHelp("Number of candidates for each query, at most the rows of the gallery.", valueName: "k"))
    var top: Int = 10

    @Option(
        help: """
            The modality of the queries; the gallery has the other one. (default: that of such inputs in the run, or \
            first)
            """)
    var queryModality: Modality?

    @Flag(help: "Queries and gallery are encodings already, N × embedding.")
    var encoded = false

    @Option(
        help: ArgumentHelp("File for the gallery's encodings; made if it does not exist.", valueName: "file.index"),
        completion: .file())
    var index: String?

    @Option(
        help: ArgumentHelp(
            "A weight ≥ 0 for each gallery row, such as the frequency of a label.", valueName: "file.h5:/dataset"),
        transform: DatasetReference.argument)
    var prior: DatasetReference?

    @Option(
        help: ArgumentHelp("Write the result to this new HDF5 file.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"]))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Draw the first queries and what they found into this new PNG file; right answers are marked if queries "
                + "and gallery are datasets of one file.", valueName: "file.png"),
        completion: .file(extensions: ["png"]))
    var pictures: String?

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @OptionGroup var chosen: CheckpointArgument

    @Option(help: ArgumentHelp("Threads of a process. (default: as many as cores; 1 under mpirun)", valueName: "n"))
    var threads: Int?

    func validate() throws {
        try requirePositive(["top": top, "threads": threads])
        if query == nil, texts.isEmpty { throw ValidationError("give --query, or --text") }
        if query != nil, !texts.isEmpty { throw ValidationError("give either --query or --text, not both") }
        if gallery == nil, index == nil { throw ValidationError("give --gallery, or the --index of one") }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var prepared: GalleryRetrieval?
        try group.agree(Result { prepared = try makeRetrieval() })
        guard let retrieval = prepared else { return }
        if group.processRank == 0 { (retrieval.queries.warnings + (retrieval.gallery?.warnings ?? [])).forEach(warn) }
        let workers = threads ?? (group.environment.rank == nil ? WorkerCount.availableCores : 1)
        let result = try group.run(threads: workers) { try retrieval.retrieve($0) }
        if let result, group.processRank == 0 { try report(result, retrieval) }
        try group.finalize()
    }

    private func makeRetrieval() throws -> GalleryRetrieval {
        if let output { try FileSystem.requireAbsent(output) }
        let run = try TrainedRun(
            argument.path, checkpoint: chosen.checkpoint, use: .encoders, registry: CommandRegistry.current)
        try PictureSheet.require(pictures, of: run)
        let query = query ?? .texts(texts)
        let modality =
            queryModality ?? query.modality(in: run) ?? gallery?.modality(in: run)?.other ?? .first
        func rows(_ input: InputReference, _ modality: Modality) throws -> EncodedDataset {
            try EncodedDataset(input, of: encoded ? nil : modality, run: run)
        }
        return try GalleryRetrieval(
            run, queries: rows(query, modality), gallery: try gallery.map { try rows($0, modality.other) },
            indexPath: index, prior: prior, top: top)
    }

    private func report(_ result: SearchResult, _ retrieval: GalleryRetrieval) throws {
        if let output { try write(result, retrieval, to: output) }
        if let pictures { try retrieval.sheet(of: result).write(to: pictures) }
        if json {
            let object = JSONValue.object([
                "step": .integer(retrieval.run.step), "similarity": .string(retrieval.search.similarity.rawValue),
                "temperature": .number(retrieval.search.temperature), "top": .integer(result.top),
                "gallery": .integer(retrieval.galleryCount), "queries": result.json,
            ])
            print(object.indentedText())
        } else if output == nil {
            print(result.table, terminator: "")
        }
    }

    private func write(_ result: SearchResult, _ retrieval: GalleryRetrieval, to path: String) throws {
        try HDF5File.create(path) { file in
            try file.write("/indices", result.rows, shape: [result.queries, result.top])
            if let labels = result.labels {
                try file.write("/labels", labels, shape: [result.queries, result.top])
            }
            if let names = result.names {
                try file.write("/names", names, shape: [result.queries, result.top])
            }
            if let names = result.queryNames { try file.write("/queries", names) }
            try file.write("/scores", result.scores, shape: [result.queries, result.top])
            try file.write("/probabilities", result.probabilities, shape: [result.queries, result.top])
            try file.write("/log_normalizer", result.logNormalizers, shape: [result.queries])
            try file.write("/effective_candidates", result.effectiveCandidates, shape: [result.queries])
            try file.setAttribute("step", .integer(retrieval.run.step))
            try file.setAttribute("similarity", .string(retrieval.search.similarity.rawValue))
            try file.setAttribute("temperature", .double(retrieval.search.temperature))
            try file.setAttribute("gallery", .integer(retrieval.galleryCount))
        }
    }
}
