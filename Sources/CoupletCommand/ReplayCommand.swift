import ArgumentParser
import CoupletReplay
import CoupletStorage
import CoupletTraining

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Repeat one step of a run, and report what happened in it.",
        discussion: """
            A step has the same bits on any number of ranks and threads, so one process can repeat a step of a run of \
            many ranks. From the nearest checkpoint before it (or the initial parameters) the command repeats the \
            steps in between and then step N, the one that metrics.jsonl logs under that number. It compares loss, \
            gradient norm, learning rate and temperature with the log, bit for bit if the CPU kernels are the same as \
            in the run, and shows the batch, its worst pairs, scores, activations, gradients and updates. Nothing in \
            the run changes.

              couplet replay runs/mnist --step 137
              couplet replay runs/mnist --step 137 --dump step.h5 \\
                --set data.path=/data/mnist

            For a debugger: the function couplet_replayed_step is called right before the step; TrainingStep.run \
            follows. With one thread, the default, everything happens on the main thread:

              lldb -- couplet replay runs/mnist --step 137
              (lldb) breakpoint set --name couplet_replayed_step
              (lldb) run
              (lldb) breakpoint set --name evaluate --file PairwiseEngine.swift
              (lldb) continue

            Exit codes: 0 the step agrees with the log, or nothing was logged to compare with; 65 it differs; others \
            as for all commands.
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: ArgumentHelp("The step: step N ends with N steps done, from 1.", valueName: "n"))
    var step: Int

    @Option(
        help: ArgumentHelp(
            "The start: latest is the nearest checkpoint before the step, 0 the initial parameters.",
            valueName: "latest|best|step"))
    var checkpoint: CheckpointChoice = .latest

    @Option(
        help: ArgumentHelp("A new HDF5 file for every tensor of the step.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"]))
    var dump: String?

    @Option(help: ArgumentHelp("Number of pairs with the largest losses to show.", valueName: "k"))
    var worst: Int = 10

    @Option(help: ArgumentHelp("Threads; they do not change the bits.", valueName: "n"))
    var threads: Int = 1

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Where the data are now: \(StepReplay.pathKeys.joined(separator: " or ")).", valueName: "data.path=path"))
    var dataPaths: [String] = []

    @Option(help: "How to show progress: auto is one live line on a terminal and plain lines elsewhere.")
    var progress: ProgressDisplay.Mode = .auto

    @Flag(help: "Print JSON instead of tables, with all sample numbers and all pairs' losses.")
    var json = false

    func validate() throws {
        if step > 1 << 40 { throw ValidationError("--step is \(step); wanted at most \(1 << 40)") }
        if step < 1 {
            throw ValidationError("--step is \(step); steps count from 1: step N ends with N steps done")
        }
        if !(0...OptionLimits.count).contains(worst) {
            throw ValidationError("--worst is \(worst); wanted 0 to \(OptionLimits.count)")
        }
        if !(1...OptionLimits.threads).contains(threads) {
            throw ValidationError("--threads is \(threads); wanted 1 to \(OptionLimits.threads)")
        }
        if let dump, dump.isEmpty { throw ValidationError("--dump is empty; name a file") }
        for path in dataPaths where !StepReplay.pathKeys.contains(where: { path.hasPrefix("\($0)=") }) {
            throw ValidationError(
                "--set \(path): a replay uses the run's own config; only the paths of its data may change: "
                    + StepReplay.pathKeys.joined(separator: ", "))
        }
    }

    func run() throws {
        let replay = try StepReplay(
            argument.path, step: step, from: checkpoint, dataPaths: dataPaths, registry: CommandRegistry.current)
        let report = try replay.run(threads: threads, worst: worst, dump: dump, progress: progress)
        print(json ? report.jsonText : report.table, terminator: "")
        try report.requireMatch()
    }
}
