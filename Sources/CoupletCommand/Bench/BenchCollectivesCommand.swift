import ArgumentParser
import Collectives
import Training

struct BenchCollectivesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collectives",
        abstract: "Time what workers say to each other.",
        discussion: """
            The meeting of all workers, the gathering of scalars, the swap of a buffer with a partner, and the tree sum, for buffers from 1 KiB on. Among \
            threads, among MPI ranks, or both: the same workers as a training would have.

              couplet bench collectives --threads 2
              mpirun -n 4 couplet bench collectives --largest 64MiB --json
            """)

    @Option(help: ArgumentHelp("The largest buffer of a worker.", valueName: "size"), transform: BenchCollectivesCommand.bytes)
    var largest: Int = 256 << 20

    @OptionGroup var bench: BenchArguments

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        let workers = try WorkerCount(wanted: bench.threads, group: group, shards: 1 << 20)
        let benchmark = CollectivesBenchmark(largest: largest, warmup: bench.warmup, repetitions: bench.repetitions)
        let result = try group.run(threads: workers.threads) { try benchmark.run(on: $0) }
        if group.processRank == 0 { print(bench.json ? benchmark.json(result).indentedText() : benchmark.text(result)) }
        try group.finalize()
    }

    @Sendable static func bytes(_ text: String) throws -> Int {
        guard let bytes = MemorySize.bytes(text), bytes >= CollectivesBenchmark.smallest else {
            throw ValidationError("\"\(text)\": wanted a size from \(MemorySize.text(CollectivesBenchmark.smallest)), such as 64MiB")
        }
        return bytes
    }
}
