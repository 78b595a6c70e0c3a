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

    @Option(
        help: ArgumentHelp(
            """
            Write where the time of some steps goes, for each worker, to a file that https://ui.perfetto.dev and \
            chrome://tracing show.
            """, valueName: "trace.json"), completion: .file(extensions: ["json"]))
    var profile: String?

    @Option(
        help: ArgumentHelp(
            "Number of steps in the profile, after a warm-up of 10 steps if the run is long enough. (default: 20)",
            valueName: "n"))
    var profileSteps: Int?

    func validate() throws {
        if resume, overwrite {
            throw ValidationError("--resume continues a run, --overwrite deletes it: give one of them")
        }
        if let output, output.isEmpty { throw ValidationError("--output is empty; name a folder") }
        if let profile, profile.isEmpty { throw ValidationError("--profile is empty; name a file") }
        if profileSteps != nil, profile == nil {
            throw ValidationError("--profile-steps is of no use without --profile; name a file with it")
        }
        if let profileSteps, !(1...10_000).contains(profileSteps) {
            throw ValidationError("--profile-steps is \(profileSteps); wanted 1 to 10000")
        }
        if let threads, !(1...OptionLimits.threads).contains(threads) {
            throw ValidationError("--threads is \(threads); wanted 1 to \(OptionLimits.threads)")
        }
    }

    func run() throws {
        let options = TrainingOptions(
            output: output, existing: resume ? .resume : overwrite ? .overwrite : .refuse, threads: threads,
            progress: progress, timeout: timeout.duration,
            profile: profile.map { .init(path: $0, steps: profileSteps ?? TrainingOptions.Profile.usualSteps) })
        let outcome = try Trainer(options: options, registry: CommandRegistry.current).run { try arguments.load() }
        if case .stopped = outcome { throw ErrorExit(status: .stopped) }
    }
}
