import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletEvaluation
import CoupletLosses
import CoupletText
import CoupletTraining

struct BenchRetrieveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieve",
        abstract: "Time the search of many queries in a gallery.",
        discussion: """
            Finds the best candidates of each query, and their probabilities among the whole gallery, from random unit \
            encodings in memory. GFLOP/s count one matrix product of 2 · queries · gallery · dim operations; the share \
            is relative to fused multiply-adds in registers, on the same threads in the same run.

              couplet bench retrieve --queries 1000 --gallery 1000000 --dim 64 --top 10
              couplet bench retrieve --similarity quadratic --temperature 0.1 --json
            """)

    @Option(help: ArgumentHelp("Number of queries.", valueName: "q"))
    var queries: Int = 1_000

    @Option(help: ArgumentHelp("Number of encodings in the gallery.", valueName: "n"))
    var gallery: Int = 1_000_000

    @Option(help: ArgumentHelp("Dimension of the encodings.", valueName: "d"))
    var dim: Int = 64

    @Option(help: ArgumentHelp("Number of candidates for each query.", valueName: "k"))
    var top: Int = 10

    @Option(help: ArgumentHelp("Similarity of encodings: inner_product, cosine or quadratic.", valueName: "name"))
    var similarity: Similarity = .cosine

    @Option(help: "The divisor of the similarities.")
    var temperature: Double = 0.07

    @OptionGroup var bench: BenchArguments

    func validate() throws {
        try requirePositive(["queries": queries, "gallery": gallery, "dim": dim, "top": top])
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
            search: try GallerySearch(similarity: similarity, temperature: temperature, top: top),
            warmup: bench.warmup, repetitions: bench.repetitions)
        let result = try benchmark.run(on: group, threads: workers.threads)
        if group.processRank == 0 {
            print(bench.json ? benchmark.json(result).indentedText() : benchmark.text(result))
        }
        try group.finalize()
    }
}
