import ArgumentParser
import Collectives
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
    var checkpoint: TrainedRun.Choice = .latest

    @Flag(help: "Print JSON in place of tables.")
    var json = false

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var opened: TrainedRun?
        try group.agree(Result { opened = try TrainedRun(argument.path, checkpoint: checkpoint) })
        guard let run = opened else { return }
        let workers = try WorkerCount(wanted: nil, group: group, shards: run.configuration.batch.shards)
        let result = try group.run(threads: workers.threads) { try run.evaluate($0) }
        if group.processRank == 0 {
            try run.folder.store(evaluationJSON: result.jsonText)
            print(json ? result.jsonText : result.table, terminator: "")
        }
        try group.finalize()
    }
}

extension TrainedRun.Choice: ExpressibleByArgument {
    public init?(argument: String) {
        if argument == "latest" {
            self = .latest
        } else if let step = Int(argument), step >= 0 {
            self = .step(step)
        } else {
            return nil
        }
    }
}
