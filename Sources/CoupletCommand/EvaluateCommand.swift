import ArgumentParser
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a run's encoders on held-out pairs.",
        discussion: """
            Retrieval both ways; classification where the data have labels; for Gaussian data the distance from the exact answer.

              couplet evaluate runs/gaussian
              couplet evaluate runs/mnist --checkpoint 400 --json
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: ArgumentHelp("Which checkpoint: latest, or its step.", valueName: "latest|step"))
    var checkpoint: CheckpointChoice = .latest

    @Flag(help: "Print JSON in place of tables.")
    var json = false

    func run() throws {
        let folder = argument.folder
        let configuration = try folder.storedConfiguration()
        let path = try checkpoint.path(in: folder)
        // The evaluator is called here, with `configuration`, `path`, `folder` and `json`.
        throw Failure.Exit(.software, "\(path): this build has no evaluator for \(configuration.name)")
    }
}
