import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletFiles
import CoupletText
import CoupletTraining

struct BenchTraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Write the computations and messages of a step on many workers.",
        discussion: """
            Measures the speeds of this machine on the workers of this launch, and writes the schedule of a step of a \
            config on W workers, none of which has to run: one JSON object a line for each computation, with its \
            operations and predicted seconds, and for each message, with the other worker, its stream and bytes, in \
            the order in which the worker starts them. launch/simulate replays the traces on simulated clusters.

              couplet bench trace configs/gaussian.yaml --workers 8 > trace.jsonl
              couplet bench trace configs/gaussian.yaml --workers 2,4,8 --pairs-per-worker 8192 --output traces
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        help: ArgumentHelp("Numbers of workers, separated by commas.", valueName: "w,…"),
        transform: BenchTraceCommand.workers)
    var workers: [Int]

    @Option(
        help: ArgumentHelp(
            "Shards of the batch. (default: the config's, or a shard a worker if there are more workers)",
            valueName: "s"))
    var shards: Int?

    @Option(help: ArgumentHelp("Makes the batch so large. (default: the config's batch)", valueName: "b"))
    var pairsPerWorker: Int?

    @Option(
        help: ArgumentHelp(
            "A worker's GFLOP/s in the encoders, and in the loss with kept and with recomputed score tiles. (default: "
                + "measured)", valueName: "e,k,r"),
        transform: BenchTraceCommand.speeds)
    var speeds: [Double]?

    @Option(help: ArgumentHelp("The worker whose events are written.", valueName: "p"))
    var worker: Int = 0

    @Option(
        help: ArgumentHelp("Folder for a file for each number of workers, W.jsonl.", valueName: "dir"),
        completion: .directory)
    var output: String?

    @OptionGroup var bench: BenchArguments

    func validate() throws {
        try requirePositive(["shards": shards, "pairs-per-worker": pairsPerWorker])
        if let first = workers.first(where: { worker >= $0 }) {
            throw ValidationError("--worker is \(worker), counted from 0, and --workers \(first)")
        }
        if workers.count > 1, output == nil {
            throw ValidationError("several numbers of workers make several files: give --output")
        }
        if bench.json { throw ValidationError("a trace is lines of JSON already: leave out --json") }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var prepared: StepBenchmark?, sizes: [(shards: Int, batch: Int)] = []
        try group.agree(
            Result {
                let configuration = try arguments.load()
                sizes = try workers.map { try size(workers: $0, configuration) }
                prepared = try StepBenchmark(configuration, warmup: 0, repetitions: 1)
            })
        guard let benchmark = prepared else { return }
        let model = try model(benchmark, group)
        if group.processRank == 0 {
            let encoders = benchmark.encoderCosts
            for (workers, size) in zip(workers, sizes) {
                let trace = StepTrace(
                    model, encoders: encoders, workers: workers, shards: size.shards, batch: size.batch)
                let text = trace.lines(of: worker).joined(separator: "\n")
                if let output {
                    try FileSystem.makeFolder(output)
                    try FileSystem.writeWhole(Array((text + "\n").utf8), to: "\(output)/\(workers).jsonl")
                } else {
                    print(text)
                }
            }
        }
        try group.finalize()
    }

    /// The network does not enter a trace, so its costs stay 0.
    private func model(_ benchmark: StepBenchmark, _ group: WorkerGroup) throws -> ScalingModel {
        if let speeds {
            return ScalingModel(
                encoderSpeed: 1e9 * speeds[0], cachedTileSpeed: 1e9 * speeds[1], recomputedTileSpeed: 1e9 * speeds[2],
                of: benchmark)
        }
        let configuration = benchmark.configuration
        let launched = try WorkerCount(wanted: bench.threads, group: group, shards: configuration.batch.shards)
        return try ScalingMeasurement(
            configuration, network: .init(latency: 0, secondsPerByte: 0), warmup: bench.warmup,
            repetitions: bench.repetitions, group: group,
            threads: launched.threads
        ).model
    }

    /// The shards and the batch of a step on W workers.
    private func size(workers: Int, _ configuration: Configuration) throws -> (shards: Int, batch: Int) {
        let batch = pairsPerWorker.map { $0 * workers } ?? configuration.batch.size
        let own = configuration.batch.shards
        let shards = self.shards ?? (own >= workers && batch % own == 0 ? own : workers)
        guard shards >= workers, batch % shards == 0 else {
            throw ValidationError(
                "\(shards) shards of a batch of \(batch) on \(workers) workers: wanted at least a shard a worker, and "
                    + "shards that divide the batch")
        }
        guard StepSchedule.allows(workers: workers, shards: shards) else {
            throw ValidationError(
                "\(workers) workers of \(shards) shards: above \(StepSchedule.directLimit) wanted powers of two")
        }
        return (shards, batch)
    }

    @Sendable private static func speeds(_ text: String) throws -> [Double] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? 0 }
        guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw ValidationError("--speeds is \"\(text)\"; wanted three speeds in GFLOP/s, such as 150,45,40")
        }
        return numbers
    }

    @Sendable private static func workers(_ text: String) throws -> [Int] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard numbers.allSatisfy({ (1...65_536).contains($0) }) else {
            throw ValidationError("--workers is \"\(text)\"; wanted numbers from 1 to 65,536, such as 2,4,8")
        }
        return numbers
    }
}
