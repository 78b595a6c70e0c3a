import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletText
import CoupletTraining

struct BenchStepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Time whole training steps of a config.",
        discussion: """
            A step goes from sample numbers to updated parameters, with the config's own source, from its initial \
            parameters; nothing is written. GFLOP/s count the matrix products of the encoders, forward and backward, \
            and three of 2 B² d operations in the loss.

              couplet bench step configs/gaussian.yaml
              couplet bench step configs/mnist.yaml --set data.path=DIR --json
              mpirun -n 2 couplet bench step configs/gaussian.yaml --set batch.size=8192
            """)

    @OptionGroup var arguments: ConfigurationArguments
    @OptionGroup var bench: BenchArguments

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var prepared: StepBenchmark?
        try group.agree(
            Result {
                prepared = try StepBenchmark(
                    try arguments.load(), warmup: bench.warmup, repetitions: bench.repetitions)
            })
        guard let benchmark = prepared else { return }
        let workers = try WorkerCount(
            wanted: bench.threads, group: group, shards: benchmark.configuration.batch.shards)
        let result = try group.run(threads: workers.threads) {
            try benchmark.run(on: $0, threads: workers.threads) { group.sentMessages }
        }
        if group.processRank == 0 {
            print(
                bench.json
                    ? benchmark.json(result, config: arguments.path).indentedText() : benchmark.text(result))
        }
        try group.finalize()
    }
}
