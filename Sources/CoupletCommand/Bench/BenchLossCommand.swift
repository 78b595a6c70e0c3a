import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletLosses
import CoupletStorage
import CoupletText
import CoupletTraining

struct BenchLossCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loss",
        abstract: "Time a loss over all pairs of a batch and both its gradients.",
        discussion: """
            The input is unit encodings in memory, drawn from the seed or read from a file; no encoder runs. GFLOP/s \
            count three matrix products of 2 B² d operations: the scores and the gradient of each side. The share of \
            the peak is relative to fused multiply-adds in registers, on the same threads in the same run.

              couplet bench loss --batch 65536 --dim 128 --json
              couplet bench loss --loss joint --similarity quadratic --temperature 1
              couplet bench loss --set objective.weights=[1,0]
              couplet bench loss --set objective.groups=positives --groups 10
              mpirun -n 2 couplet bench loss --batch 8192 --dim 512
            """)

    @Option(
        help: ArgumentHelp("Number of pairs, over all workers. (default: 8192, or as in the input)", valueName: "b"))
    var batch: Int?

    @Option(help: ArgumentHelp("Dimension of the encodings. (default: 128, or as in the input)", valueName: "d"))
    var dim: Int?

    @Option(help: ArgumentHelp("Shards of the batch. (default: as in a config)", valueName: "s"))
    var shards: Int?

    @Option(
        help: ArgumentHelp(
            "Similarity of encodings: inner_product, cosine or quadratic. (default: cosine; lp_simclr takes none)",
            valueName: "name"))
    var similarity: String?

    @Option(help: ArgumentHelp("The loss, as objective.loss of a config.", valueName: "name"))
    var loss: String = "conditional"

    @Option(help: "The divisor of the similarities.")
    var temperature: Double = 0.07

    @Option(
        help: ArgumentHelp(
            "Memory of a process for scores: bytes, or 256MiB. (default: as in a config)", valueName: "size"))
    var tileMemory: String?

    @Option(
        help: ArgumentHelp(
            """
            Encodings, /first and /second of an HDF5 file; for lp_simclr also /second_batch/first and \
            /second_batch/second.
            """, valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var input: String?

    @Option(
        help: ArgumentHelp(
            "A new HDF5 file for the loss and its gradients, which have the names of an input.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"]))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Number of groups of the pairs, for objective.groups. (default: a fifth of the batch)", valueName: "n"))
    var groups: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Set a key of a config's objective, batch or seed to a YAML value. Repeatable.",
            valueName: "key.path=value"))
    var overrides: [String] = []

    @OptionGroup var bench: BenchArguments

    func validate() throws {
        try requirePositive(["batch": batch, "dim": dim, "shards": shards, "groups": groups])
        try requireAssignments(overrides, form: "key.path=value", example: "objective.weights=[1,0]")
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var prepared: LossBenchmark?
        try group.agree(Result { prepared = try makeBenchmark() })
        guard let benchmark = prepared else { return }
        let workers = try WorkerCount(
            wanted: bench.threads, group: group, shards: benchmark.configuration.batch.shards)
        let result = try group.run(threads: workers.threads) {
            try benchmark.run(on: $0, threads: workers.threads)
        }
        if group.processRank == 0, let output {
            try HDF5File.create(output) { file in
                for (name, rows) in result.gradients { try file.write(name, rows) }
                try file.write("/loss", [result.loss], shape: [1])
            }
        }
        if group.processRank == 0 {
            print(bench.json ? benchmark.json(result).indentedText() : benchmark.text(result))
        }
        try group.finalize()
    }

    private func makeBenchmark() throws -> LossBenchmark {
        let file = try input.map { try LossBenchmark.shape(of: $0) }
        if let file {
            for (name, given, found) in [("batch", batch, file.batch), ("dim", dim, file.dimension)] {
                if let given, given != found {
                    throw ValidationError("--\(name) is \(given), but \(input ?? "") has \(found)")
                }
            }
        }
        var keys = ["objective.loss=\(loss)", "objective.temperature=\(temperature)"]
        if let similarity { keys.append("objective.similarity=\(similarity)") }
        if let shards { keys.append("batch.shards=\(shards)") }
        if let tileMemory { keys.append("batch.tile_memory=\(tileMemory)") }
        var configuration = try LossBenchmark.configuration(
            batch: file?.batch ?? batch ?? 8_192, dimension: file?.dimension ?? dim ?? 128,
            overrides: keys + overrides, registry: CommandRegistry.current)
        let isGiven = similarity != nil || overrides.contains { $0.hasPrefix("objective.similarity=") }
        if !isGiven, configuration.objective.loss.usesSimilarity { configuration.objective.similarity = .cosine }
        return LossBenchmark(
            configuration, warmup: bench.warmup, repetitions: bench.repetitions, input: input,
            keepsGradients: output != nil, groupCount: groups)
    }
}
