import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine trains.",
        discussion: """
            Every result of computation includes this machine's peak of fused multiply-adds (FMA), measured in the \
            same run with the same number of threads.

              couplet bench loss --batch 8192 --dim 128
              couplet bench step configs/gaussian.yaml
              couplet bench product --rows 384 --columns 750 --inner 750
              couplet bench retrieve --gallery 1000000
              mpirun -n 2 couplet bench collectives
            """,
        subcommands: [
            BenchLossCommand.self, BenchStepCommand.self, BenchProductCommand.self, BenchCollectivesCommand.self,
            BenchRetrieveCommand.self, BenchTraceCommand.self,
        ])
}

/// The arguments that all benchmarks have.
struct BenchArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Threads of a process. (default: as many as cores and shards allow; 1 under mpirun)",
            valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("repeat"),
        help: ArgumentHelp("Number of measurements; the result is their median.", valueName: "n"))
    var repetitions: Int = 10

    @Option(help: ArgumentHelp("Number of untimed repetitions before the measurements.", valueName: "n"))
    var warmup: Int = 2

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func validate() throws {
        if let threads, !(1...OptionLimits.threads).contains(threads) {
            throw ValidationError("--threads is \(threads); wanted 1 to \(OptionLimits.threads)")
        }
        try requirePositive(["repeat": repetitions])
        if !(0...OptionLimits.count).contains(warmup) {
            throw ValidationError("--warmup is \(warmup); wanted 0 to \(OptionLimits.count)")
        }
    }
}
