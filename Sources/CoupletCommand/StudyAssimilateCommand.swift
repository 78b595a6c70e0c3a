import ArgumentParser
import CoupletCommunication
import CoupletFiles
import CoupletInference
import CoupletStorage
import CoupletStudies

struct StudyAssimilateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assimilate",
        abstract: "Compare a run on the source ocean with the exact answers.",
        discussion: """
            The likelihood of tracks given a flow follows from integrating the drifters. So the exact posterior on a \
            gallery is known, and Markov chains give posterior means and samples of the flow. The command compares \
            the run's answers with these, with kriging from finite-difference velocities, with 4D-Var and with the \
            prior. It prints the figures, and writes them to a file with the flows, the tracks, the retrieved rows \
            and the samples, from which couplet study ocean draws its page.

              couplet study assimilate runs/ocean --output assimilation.h5
            """)

    @OptionGroup var argument: RunArgument

    @OptionGroup var chosen: CheckpointArgument

    @Option(help: ArgumentHelp("The new file.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    @Option(help: ArgumentHelp("Number of unseen pairs in the gallery.", valueName: "n"))
    var gallery = 1_000

    @Option(help: ArgumentHelp("Number of flows to estimate from their tracks by Markov chains.", valueName: "q"))
    var queries = 64

    @Option(
        help: ArgumentHelp("Number of flows in the estimate of each log p(tracks).", valueName: "flows"))
    var evidenceFlows = 1_024

    @Option(help: ArgumentHelp("Retrieved rows to store for each query.", valueName: "k"))
    var top = 8

    @Option(help: ArgumentHelp("Steps of each chain that adapt its step size.", valueName: "steps"))
    var burnIn = 500

    @Option(help: ArgumentHelp("The largest number of steps of a chain after the burn-in.", valueName: "steps"))
    var maxSteps = 20_000

    @Option(help: ArgumentHelp("Seed of the comparison. (default: the run's seed)", valueName: "s"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Number of threads. (default: as many as cores)", valueName: "t"))
    var threads: Int?

    func validate() throws {
        try requirePositive(["burn-in": burnIn, "max-steps": maxSteps, "threads": threads, "top": top])
        guard (2...10_000).contains(gallery) else {
            throw ValidationError("--gallery is \(gallery); wanted 2 to 10000")
        }
        guard (1...gallery).contains(queries) else {
            throw ValidationError("--queries is \(queries); wanted 1 to --gallery, which is \(gallery)")
        }
        guard (16...1_000_000).contains(evidenceFlows) else {
            throw ValidationError("--evidence-flows is \(evidenceFlows); wanted 16 to 1000000")
        }
    }

    func run() throws {
        let run = try TrainedRun(argument.path, checkpoint: chosen.checkpoint, registry: CommandRegistry.current)
        if let warning = run.dataWarning { warn(warning) }
        try FileSystem.requireAbsent(output)
        var options = Assimilation.Options()
        options.gallery = gallery
        options.queries = queries
        options.evidenceFlows = evidenceFlows
        options.top = top
        options.burnIn = burnIn
        options.maximumSteps = maxSteps
        options.seed = seed
        options.threads = threads ?? WorkerGroup.availableCores
        let record = try Assimilation(run, options: options).record()
        try record.write(to: output)
        print(record.table, terminator: "")
    }
}
