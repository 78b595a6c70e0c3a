import ArgumentParser
import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletText
import CoupletTraining
import Glibc

struct RetrieveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieve",
        abstract: "Find the best of a gallery for each query, with probabilities.",
        discussion: """
            Queries are rows of one modality, the gallery rows of the other, both in the units of the run's source as for encode. A row's probability \
            is the conditional that the run has learned, a softmax of similarity / temperature over the whole gallery (of any size: it is read, \
            encoded and scored block by block).

              couplet retrieve runs/mnist --query images.h5:/images --gallery labels.h5:/labels --top 3
              couplet retrieve runs/pairs --query text.h5:/rows --query-modality second \\
                --gallery images.h5:/rows --index images.index --top 10 --output found.h5

            An index keeps the gallery's encodings: it is made by the first call and used by the next ones, which then need no --gallery. \
            The output has /indices, /scores and /probabilities, queries × top, and /log_normalizer and /effective_candidates, one a query: \
            probability = e^(score - log_normalizer), and effective candidates are 1 / Σ p² over the gallery.
            """)

    @OptionGroup var argument: RunArgument

    @Option(
        help: ArgumentHelp("Where the queries are.", valueName: "file.h5:/dataset"),
        transform: RetrieveCommand.reference)
    var query: DatasetReference

    @Option(
        help: ArgumentHelp("Where the gallery is.", valueName: "file.h5:/dataset"), transform: RetrieveCommand.reference
    )
    var gallery: DatasetReference?

    @Option(help: ArgumentHelp("How many candidates a query gets.", valueName: "k"))
    var top: Int = 10

    @Option(help: "Which modality the queries are of; the gallery is of the other.")
    var queryModality: Modality = .first

    @Flag(help: "Queries and gallery are encodings already, N × embedding.")
    var encoded = false

    @Option(
        help: ArgumentHelp("Where to keep the gallery's encodings; made if it is not there.", valueName: "file.index"),
        completion: .file())
    var index: String?

    @Option(
        help: ArgumentHelp(
            "A weight ≥ 0 for each gallery row, such as how often a label occurs.", valueName: "file.h5:/dataset"),
        transform: RetrieveCommand.reference)
    var prior: DatasetReference?

    @Option(
        help: ArgumentHelp("Write the result to this new HDF5 file.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"]))
    var output: String?

    @Flag(help: "Print JSON in place of a table.")
    var json = false

    @Option(help: ArgumentHelp("Which checkpoint: latest, or its step.", valueName: "latest|step"))
    var checkpoint: TrainedRun.Choice = .latest

    @Option(help: ArgumentHelp("Threads a process. (default: as many as cores; 1 under mpirun)", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if top < 1 { throw ValidationError("--top is \(top); wanted at least 1") }
        if let threads, threads < 1 { throw ValidationError("--threads is \(threads); wanted at least 1") }
        if gallery == nil, index == nil { throw ValidationError("give --gallery, or the --index of one") }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var prepared: GalleryRetrieval?
        try group.agree(Result { prepared = try retrieval() })
        guard let retrieval = prepared else { return }
        let workers = threads ?? (group.environment.rank == nil ? WorkerGroup.availableCores : 1)
        let found = try group.run(threads: workers) { try retrieval.retrieve($0) }
        if let found, group.processRank == 0 { try report(found, retrieval) }
        try group.finalize()
    }

    private func retrieval() throws -> GalleryRetrieval {
        if let output, access(output, F_OK) == 0 {
            throw FileError(
                .inputOutput, place: output, reason: "exists already", remedy: "give another name, or delete it first")
        }
        let run = try TrainedRun(argument.path, checkpoint: checkpoint)
        let candidates = queryModality == .first ? Modality.second : .first
        return try GalleryRetrieval(
            run, queries: EncodedDataset(query, of: encoded ? nil : queryModality, run: run),
            gallery: try gallery.map { try EncodedDataset($0, of: encoded ? nil : candidates, run: run) },
            indexPath: index, prior: prior, top: top)
    }

    private func report(_ found: SearchResult, _ retrieval: GalleryRetrieval) throws {
        if let output { try write(found, retrieval, to: output) }
        if json {
            let object = JSONValue.object([
                "step": .integer(retrieval.run.step), "similarity": .string(retrieval.search.similarity.rawValue),
                "temperature": .number(retrieval.search.temperature), "top": .integer(top),
                "gallery": .integer(retrieval.galleryCount),
                "queries": found.json,
            ])
            print(object.indentedText())
        } else if output == nil {
            print(found.table, terminator: "")
        }
    }

    /// A file that is there when it is whole.
    private func write(_ found: SearchResult, _ retrieval: GalleryRetrieval, to path: String) throws {
        let file = try HDF5File(creating: path)
        do {
            try file.write("/indices", found.rows, shape: [found.queries, found.top])
            try file.write("/scores", found.scores, shape: [found.queries, found.top])
            try file.write("/probabilities", found.probabilities, shape: [found.queries, found.top])
            try file.write("/log_normalizer", found.logNormalizers, shape: [found.queries])
            try file.write("/effective_candidates", found.effectiveCandidates, shape: [found.queries])
            try file.setAttribute("step", .integer(retrieval.run.step))
            try file.setAttribute("similarity", .string(retrieval.search.similarity.rawValue))
            try file.setAttribute("temperature", .double(retrieval.search.temperature))
            try file.setAttribute("gallery", .integer(retrieval.galleryCount))
            try file.close()
        } catch {
            unlink(path)
            throw error
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
