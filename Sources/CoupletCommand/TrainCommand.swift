import ArgumentParser
import CoupletTraining

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train the two encoders that a config describes.",
        discussion: """
            Writes a run: a folder with the resolved config, checkpoints, metrics and log. The parameters after a step \
            have the same bits for any number of threads and MPI ranks, on every CPU.

              couplet train configs/gaussian.yaml --set train.steps=3000
              mpirun -n 4 couplet train configs/mnist.yaml --resume

            The second command starts the run if there is none, and otherwise continues from its newest good \
            checkpoint: the same command serves the first start and every later one.
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: ArgumentHelp("The run's folder. (default: runs/NAME)", valueName: "dir"), completion: .directory)
    var output: String?

    @Flag(help: "Continue from the newest checkpoint that verifies; start if there is none.")
    var resume = false

    @Flag(help: "Delete the run in the folder, and start again.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Threads of a process. (default: as many as cores and shards allow; 1 under mpirun)",
            valueName: "n"))
    var threads: Int?

    @Option(help: "How to show progress: auto is one live line on a terminal and plain lines elsewhere.")
    var progress: ProgressDisplay.Mode = .auto

    @Option(
        help: ArgumentHelp(
            """
            End the job if a worker waits longer than this for others, and name the missing ones: seconds, or 90s, \
            10m, 1h; 0 waits for ever.
            """, valueName: "time"))
    var timeout = TimeLimit(seconds: 600)

    func validate() throws {
        if resume, overwrite {
            throw ValidationError("--resume continues a run, --overwrite deletes it: give one of them")
        }
        if let output, output.isEmpty { throw ValidationError("--output is empty; name a folder") }
        if let threads, !(1...OptionLimits.threads).contains(threads) {
            throw ValidationError("--threads is \(threads); wanted 1 to \(OptionLimits.threads)")
        }
    }

    func run() throws {
        let options = TrainingOptions(
            output: output, existing: resume ? .resume : overwrite ? .overwrite : .refuse, threads: threads,
            progress: progress, timeout: timeout.duration)
        let outcome = try Trainer(options: options, registry: CommandRegistry.current).run { try arguments.load() }
        if case .stopped = outcome { throw ErrorExit(status: .stopped) }
    }
}
