import ArgumentParser
import CoupletSweeps
import CoupletTraining

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Train a config with many values, several trials at a time, and rank them.",
        discussion: """
            A sweep is a YAML file that names a config, the keys to vary, and the metric to compare:

              base: gaussian.yaml                # relative to this file's folder, else to the working folder
              set: {train.steps: 200}            # replaces the base's values, for all trials
              vary:                              # one trial for each combination
                optimizer.learning_rate: [0.003, 0.01]
                seed: {range: [1, 4]}
                objective.temperature: {log_range: [0.5, 2], count: 3}
              metric: gaussian.coupling_error    # a path into the output of couplet evaluate --json
              goal: minimize                     # or maximize

            More keys: {draw: log_uniform, between: [1.0e-4, 0.01]} and {draw: choice, values: [adam, sgd]} with \
            draws: 20; {values: [0, 0.9], when: {optimizer.kind: sgd}} for a key that only some trials have; \
            threads_per_trial, ranks_per_trial; halving: {first_steps: 100, factor: 3} repeatedly gives more steps to \
            the best third only; median_pruning: {every: 100} stops trials that are worse than the median of earlier \
            ones.

              couplet sweep configs/sweep_gaussian.yaml --output sweeps/gaussian
              mpirun -n 8 couplet sweep configs/sweep_gaussian.yaml --output sweeps/gaussian --resume

            Each trial is a run in DIR/trials, with the same bits as from couplet train. A failed trial does not stop \
            the others. DIR/sweep.csv has a row for each trial; the command prints the ranked table at the end. Exit \
            codes: 0 every trial is done; 70 some failed; 75 stopped by a signal after saving: --resume continues.
            """)

    @Argument(
        help: ArgumentHelp("The sweep, a YAML file.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String

    @Option(help: ArgumentHelp("The sweep's folder.", valueName: "dir"), completion: .directory)
    var output: String?

    @Flag(help: "Continue the sweep in the folder; start if there is none. Finished trials are not repeated.")
    var resume = false

    @Flag(help: "Delete the sweep in the folder with its trials, and start again.")
    var overwrite = false

    @Flag(help: "With --resume, also try the failed trials again.")
    var retryFailed = false

    @Flag(help: "List the trials, and which of them are impossible; run nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Threads of a process, shared by its trials. (default: as many as cores; threads_per_trial under mpirun)",
            valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            """
            Set a key of the sweep (threads_per_trial=2, vary.seed=[1,2]) or, for all trials, of its base \
            (train.steps=100). Repeatable.
            """, valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "How to show progress: auto is one live line on a terminal and plain lines elsewhere.")
    var progress: ProgressDisplay.Mode = .auto

    @Option(
        help: ArgumentHelp(
            """
            End the job if a rank waits longer than this for others, and name the missing ones: seconds, or 90s, 10m, \
            1h; 0 waits for ever.
            """, valueName: "time"))
    var timeout = TimeLimit(seconds: 600)

    func validate() throws {
        if resume, overwrite {
            throw ValidationError("--resume continues a sweep, --overwrite deletes it: give one of them")
        }
        if retryFailed, !resume { throw ValidationError("--retry-failed has an effect with --resume only") }
        if output == nil || output == "", !dryRun {
            throw ValidationError("give the sweep's folder by --output, or --dry-run to list the trials")
        }
        try requirePositive(["threads": threads])
        try requireAssignments(overrides, form: "key=value", example: "train.steps=100")
    }

    func run() throws {
        let load = {
            try SweepSpecification.load(path: path, overrides: overrides, registry: CommandRegistry.current)
        }
        if dryRun {
            print(try TrialPlan(load(), registry: CommandRegistry.current).listing, terminator: "")
            return
        }
        let folder = SweepFolder(path: output ?? "")
        let sweep = try Sweep(
            options: SweepOptions(
                output: folder.path, existing: resume ? .resume : overwrite ? .overwrite : .refuse,
                retriesFailed: retryFailed, threads: threads, progress: progress, timeout: timeout.duration),
            registry: CommandRegistry.current)
        let (outcome, table) = try sweep.run(load)
        if let table {
            print(table.text, terminator: "")
            if try load().choosesOn != .test, table.rows.contains(where: { $0.chosenOn == .test }) {
                warn(
                    "\(table.metric) is of the test pairs, because there are no validation pairs: the figure of a "
                        + "trial that is chosen by it is not honest; choose_on: test says that the sweep only measures")
            }
        }
        func report(_ text: String) {
            if sweep.isFirstProcess { ProgressDisplay.Console.standardError.write(escaping: "couplet: \(text)\n") }
        }
        switch outcome {
        case .stopped:
            report("stopped; the running trials have saved; the same command with --resume continues")
            throw ErrorExit(status: .stopped)
        case .done(let failed) where failed > 0:
            report(
                "\(failed) \(failed == 1 ? "trial" : "trials") failed; the reasons are in \(folder.table); "
                    + "--resume --retry-failed tries again")
            throw ErrorExit(status: .failure)
        case .done: break
        }
    }
}
