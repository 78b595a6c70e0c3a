import ArgumentParser
import CoupletTraining

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train the two encoders that a config describes.",
        discussion: """
            Writes a run: a folder with the resolved config, checkpoints, metrics and log. The parameters after a step are the same bits on any \
            number of threads and MPI ranks, on one kind of CPU.

              couplet train configs/gaussian.yaml --set train.steps=3000
              mpirun -n 4 couplet train configs/mnist.yaml --resume

            The second line starts the run if there is none, and goes on from its newest good checkpoint otherwise: the same command \
            serves the first start and every start after.
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: ArgumentHelp("The run's folder. (default: runs/NAME)", valueName: "dir"), completion: .directory)
    var output: String?

    @Flag(help: "Go on from the newest checkpoint that is whole; start if there is none.")
    var resume = false

    @Flag(help: "Remove the run that is in the folder, and start anew.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Threads a process, a power of two. (default: as many as cores and shards allow; 1 under mpirun)",
            valueName: "n"))
    var threads: Int?

    @Option(help: "How to show progress: auto is one live line on a terminal and plain lines elsewhere.")
    var progress: ProgressDisplay.Mode = .auto

    @Option(
        help: ArgumentHelp(
            "End the job where a worker waits longer than this for the others, and name those that are missing: seconds, or 90s, 10m, 1h; 0 waits for ever.",
            valueName: "time"))
    var timeout = TimeLimit(seconds: 600)

    var existing: RunFolder.ExistingRun { resume ? .resume : overwrite ? .overwrite : .refuse }

    func validate() throws {
        if resume, overwrite {
            throw ValidationError("--resume goes on with a run, --overwrite removes it: give one of them")
        }
        if let output, output.isEmpty { throw ValidationError("--output is empty; name a folder") }
        guard let threads else { return }
        guard threads > 0 else {
            throw ValidationError("--threads is \(threads); wanted a power of two, such as 1, 2 or 4")
        }
        guard threads & (threads - 1) == 0 else {
            let below = 1 << (Int.bitWidth - 1 - threads.leadingZeroBitCount)
            throw ValidationError(
                "--threads is \(threads); wanted a power of two: the nearest are \(below) and \(2 * below)")
        }
    }

    func run() throws {
        let options = TrainingOptions(
            output: output, existing: existing, threads: threads, progress: progress, timeout: timeout.duration)
        let outcome = try Trainer(options: options).run { try arguments.load() }
        if case .stopped = outcome { throw Failure.Exit(status: .stopped) }
    }
}

extension ProgressDisplay.Mode: ExpressibleByArgument {}
