import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletText
import CoupletTraining

struct BenchCollectivesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collectives",
        abstract: "Time the communication of the workers.",
        discussion: """
            Times the barrier, the all-gather of scalars, the exchange of a buffer with a partner, and the tree sum, \
            for buffers from 1 KiB on: among threads, among MPI ranks, or both, with the same workers as a training.

              couplet bench collectives --threads 2
              mpirun -n 4 couplet bench collectives --largest 64MiB --json

            With --model it instead predicts how long a step of a config takes on 1 to 1,024 workers with batches up \
            to 1,048,576 pairs, by the formulas of Sources/Couplet/Couplet.docc/Scaling.md, from speeds that this \
            launch measures. It prints measured steps next to the predictions.

              couplet bench collectives --threads 2 --model configs/gaussian.yaml \\
                --workers-per-host 32 --network-bandwidth 12.5
            """)

    @Option(
        help: ArgumentHelp("The largest buffer of a worker.", valueName: "size"),
        transform: BenchCollectivesCommand.bytes)
    var largest: Int = 256 << 20

    @Option(
        help: ArgumentHelp("Print the scaling model of this config.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var model: String?

    @Option(help: ArgumentHelp("For --model: workers that share a host's network.", valueName: "n"))
    var workersPerHost: Int = 32

    @Option(help: ArgumentHelp("For --model: latency between hosts, in seconds.", valueName: "s"))
    var networkLatency: Double = 5e-6

    @Option(
        help: ArgumentHelp(
            "For --model: bandwidth of a host, in 10⁹ bytes a second; 100 Gbit/s are 12.5.", valueName: "gb/s"))
    var networkBandwidth: Double = 12.5

    @OptionGroup var bench: BenchArguments

    func validate() throws {
        if workersPerHost < 1 {
            throw ValidationError("--workers-per-host is \(workersPerHost); wanted 1 or more, such as 32")
        }
        if !(networkLatency >= 0 && networkLatency.isFinite) {
            throw ValidationError("--network-latency is \(networkLatency); wanted 0 or more")
        }
        if !(networkBandwidth > 0) {
            throw ValidationError("--network-bandwidth is \(networkBandwidth); wanted more than 0")
        }
        if model != nil, bench.json { throw ValidationError("--model prints tables: leave out --json") }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        if let model { return try runModel(model, group) }
        let workers = try WorkerCount(wanted: bench.threads, group: group, shards: 1 << 20)
        let benchmark = CollectivesBenchmark(largest: largest, warmup: bench.warmup, repetitions: bench.repetitions)
        let result = try group.run(threads: workers.threads) { try benchmark.run(on: $0) }
        if group.processRank == 0 {
            print(bench.json ? benchmark.json(result).indentedText() : benchmark.text(result))
        }
        try group.finalize()
    }

    private func runModel(_ path: String, _ group: WorkerGroup) throws {
        var loaded: Configuration?
        try group.agree(Result { loaded = try Configuration.load(path: path, registry: CommandRegistry.current) })
        guard let configuration = loaded else { return }
        let workers = try WorkerCount(wanted: bench.threads, group: group, shards: configuration.batch.shards)
        let measurement = try ScalingMeasurement(
            configuration, network: .init(latency: networkLatency, secondsPerByte: 1e-9 / networkBandwidth),
            warmup: bench.warmup, repetitions: bench.repetitions, group: group, threads: workers.threads)
        if group.processRank == 0 {
            print(measurement.markdown(name: configuration.name, workersPerHost: workersPerHost))
        }
        try group.finalize()
    }

    @Sendable private static func bytes(_ text: String) throws -> Int {
        guard let bytes = MemorySize.bytes(text), bytes >= CollectivesBenchmark.smallest else {
            throw ValidationError(
                "\"\(text)\": wanted a size from \(MemorySize.text(CollectivesBenchmark.smallest)), such as 64MiB")
        }
        return bytes
    }
}
