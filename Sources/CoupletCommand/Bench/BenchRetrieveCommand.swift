import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import CoupletTraining

struct BenchRetrieveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieve",
        abstract: "Time the search of many queries in a gallery.",
        discussion: """
            The best candidates of each query and their probabilities among the whole gallery, from random unit encodings in memory. GFLOP/s count one \
            matrix product of 2 · queries · gallery · dim operations, and the share is that of plain matrix products (OpenBLAS, 768³), on the \
            same threads in the same run.

              couplet bench retrieve --queries 1000 --gallery 1000000 --dim 64 --top 10
              couplet bench retrieve --similarity quadratic --temperature 0.1 --json
            """)

    @Option(help: ArgumentHelp("Queries.", valueName: "q"))
    var queries: Int = 1_000

    @Option(help: ArgumentHelp("Encodings that are searched.", valueName: "n"))
    var gallery: Int = 1_000_000

    @Option(help: ArgumentHelp("Numbers of an encoding.", valueName: "d"))
    var dim: Int = 64

    @Option(help: ArgumentHelp("Candidates of a query.", valueName: "k"))
    var top: Int = 10

    @Option(help: ArgumentHelp("How encodings are compared: inner_product, cosine or quadratic.", valueName: "name"))
    var similarity: Similarity = .cosine

    @Option(help: "What similarities are divided by.")
    var temperature: Double = 0.07

    @OptionGroup var bench: BenchArguments

    func validate() throws {
        for (name, value) in [("queries", queries), ("gallery", gallery), ("dim", dim), ("top", top)] where value < 1 {
            throw ValidationError("--\(name) is \(value); wanted at least 1")
        }
        if !(temperature > 0 && temperature.isFinite) {
            throw ValidationError("--temperature is \(temperature); wanted more than 0")
        }
        if top > gallery { throw ValidationError("--top is \(top), but --gallery is \(gallery)") }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        let workers = try WorkerCount(wanted: bench.threads, group: group, shards: 64)
        let benchmark = RetrievalBenchmark(
            queries: queries, gallery: gallery, dimension: dim,
            search: try GallerySearch(similarity: similarity, temperature: temperature, top: top), warmup: bench.warmup,
            repetitions: bench.repetitions)
        let result = try benchmark.run(on: group, threads: workers.threads)
        if group.processRank == 0 { print(bench.json ? benchmark.json(result).indentedText() : benchmark.text(result)) }
        try group.finalize()
    }
}

extension Similarity: ExpressibleByArgument {}
