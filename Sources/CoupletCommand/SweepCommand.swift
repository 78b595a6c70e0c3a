import ArgumentParser
import CoupletSweeps
import CoupletTraining

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Train a config with many values, several trials at a time, and rank them.",
        discussion: """
            A sweep is a YAML file that names a config, the keys to vary and the number to compare by:

              base: gaussian.yaml                # beside this file, else in the working folder
              set: {train.steps: 200}            # in place of the base's values, for all trials
              vary:                              # a trial for each combination
                optimizer.learning_rate: [0.003, 0.01]
                seed: {range: [1, 4]}
                objective.temperature: {log_range: [0.5, 2], count: 3}
              metric: gaussian.coupling_error    # a path into what couplet evaluate --json prints
              goal: minimize                     # or maximize

            More: {draw: log_uniform, between: [1.0e-4, 0.01]} with draws: 20; threads_per_trial, ranks_per_trial; \
            halving: {first_steps: 100, factor: 3} gives more steps to the best third only, again and again.

              couplet sweep configs/sweep_gaussian.yaml --output sweeps/gaussian
              mpirun -n 8 couplet sweep configs/sweep_gaussian.yaml --output sweeps/gaussian --resume

            Each trial is a run in DIR/trials, the same bits as by couplet train. A trial that fails stops no other. DIR/sweep.csv has \
            a row for each; the ranked table comes out at the end. Ended with 0: every trial is done; 70: some failed; 75: stopped by a signal after \
            saving, to go on with --resume.
            """)

    @Argument(
        help: ArgumentHelp("The sweep, a YAML file.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String

    @Option(help: ArgumentHelp("The sweep's folder.", valueName: "dir"), completion: .directory)
    var output: String?

    @Flag(help: "Go on with the sweep in the folder; start if there is none. What is done is not done again.")
    var resume = false

    @Flag(help: "Remove the sweep that is in the folder, with its trials, and start anew.")
    var overwrite = false

    @Flag(help: "With --resume, work on the trials that failed once more.")
    var retryFailed = false

    @Flag(help: "List the trials, and which are impossible; run nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Threads a process, shared by its trials. (default: as many as cores; those of one trial under mpirun)",
            valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Another value for a key of the sweep (threads_per_trial=2, vary.seed=[1,2]) or, for all trials, of its base (train.steps=100). Can be given often.",
            valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "How to show progress: auto is one live line on a terminal and plain lines elsewhere.")
    var progress: ProgressDisplay.Mode = .auto

    @Option(
        help: ArgumentHelp(
            "End the job where a rank waits longer than this for the others, and name those that are missing: seconds, or 90s, 10m, 1h; 0 waits for ever.",
            valueName: "time"))
    var timeout = TimeLimit(seconds: 600)

    var existing: RunFolder.ExistingRun { resume ? .resume : overwrite ? .overwrite : .refuse }

    func validate() throws {
        if resume, overwrite {
            throw ValidationError("--resume goes on with a sweep, --overwrite removes it: give one of them")
        }
        if retryFailed, !resume { throw ValidationError("--retry-failed is of use with --resume only") }
        if output == nil || output == "", !dryRun {
            throw ValidationError("give the sweep's folder by --output, or --dry-run to list the trials")
        }
        if let threads, threads < 1 { throw ValidationError("--threads is \(threads); wanted at least 1") }
        for override in overrides where !override.contains("=") || override.hasPrefix("=") {
            throw ValidationError("--set \(override): wanted key=value, such as --set train.steps=100")
        }
    }

    func run() throws {
        let load = { try SweepSpecification.load(path: path, overrides: overrides) }
        if dryRun {
            print(try TrialPlan(load()).listing, terminator: "")
            return
        }
        let folder = SweepFolder(path: output ?? "")
        let sweep = try Sweep(
            options: SweepOptions(
                output: folder.path, existing: existing, retriesFailed: retryFailed, threads: threads,
                progress: progress,
                timeout: timeout.duration))
        let (outcome, table) = try sweep.run(load)
        if let table { print(table.text, terminator: "") }
        func tell(_ text: String) {
            if sweep.isFirstProcess { ProgressDisplay.Console.standardError.write("couplet: \(text)\n") }
        }
        switch outcome {
        case .stopped:
            tell("stopped; the trials that were on their way have saved; the same command with --resume goes on")
            throw Failure.Exit(status: .stopped)
        case .done(let failed) where failed > 0:
            tell(
                "\(failed) \(failed == 1 ? "trial" : "trials") failed; the reasons are in \(folder.table); --resume --retry-failed tries once more"
            )
            throw Failure.Exit(status: .failure)
        case .done: break
        }
    }
}
