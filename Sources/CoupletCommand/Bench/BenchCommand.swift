import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine trains.",
        discussion: """
            Every figure comes with the peak of this machine's own matrix products, measured in the same run with the same number of threads.

              couplet bench loss --batch 8192 --dim 128
              couplet bench step configs/gaussian.yaml
              couplet bench retrieve --gallery 1000000
              mpirun -n 2 couplet bench collectives
            """,
        subcommands: [
            BenchLossCommand.self, BenchStepCommand.self, BenchCollectivesCommand.self, BenchRetrieveCommand.self,
        ])
}
